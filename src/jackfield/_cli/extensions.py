"""Commands of plugins, and the host's side of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import attrs
import trio

from jackfield._cli.config_option import load_config
from jackfield._cli.console import abandon_stdout, say
from jackfield._cli.plugin_options import load_plugins
from jackfield._cli.streams import OutputError
from jackfield._loading.guard import provider_code
from jackfield._loading.registry import Registry
from jackfield._net.http_client import perform
from jackfield.plugin.command import CommandSpec
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.provider import Provider

__all__ = ["Extension", "find_extensions"]

T = TypeVar("T")


@attrs.frozen
class Extension:
    """A plugin's command, with the same interface as a built-in command's module."""

    spec: CommandSpec
    _registry: Registry

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments; raises `PluginError` if the plugin fails."""
        with provider_code():
            self.spec.configure(parser)

    def run(self, options: argparse.Namespace) -> int:
        """Run the command; raises `PluginError` if the plugin fails."""
        with provider_code(OutputError):  # that of the command line's own stream, which a full disk causes
            return self.spec.run(options, _Host(self._registry))


@attrs.frozen
class _Host:
    """A `jackfield.plugin.command.CommandHost`."""

    _registry: Registry

    def feeds(self, config: str) -> Mapping[str, Provider]:
        """The feeds of a configuration file, by name."""
        return {feed.name: feed.provider for feed in load_config([Path(config)], self._registry).feeds}

    def message_limits(self, config: str) -> Mapping[str, int]:
        """The largest message of each feed."""
        feeds = load_config([Path(config)], self._registry).feeds
        return {feed.name: feed.connection.max_message_bytes for feed in feeds}

    def perform(self, exchange: HTTPFlow[T]) -> T:
        """Perform an HTTP exchange."""
        result: T = trio.run(perform, exchange)
        return result

    def print(self, text: str) -> None:
        """Write data to standard output."""
        try:
            print(text, flush=True)
        except BrokenPipeError:  # the reader has closed the pipe
            abandon_stdout()
            sys.exit(0)

    def say(self, text: str) -> None:
        """Write a message to standard error."""
        say(text)


def find_extensions(built_in: frozenset[str]) -> dict[str, Extension]:
    """The commands of the installed plugins, by name; one named like a built-in command is left out with a warning."""
    registry = load_plugins()
    for name in sorted(registry.commands.keys() & built_in):
        say(f"warning: a plugin's command {name!r} is left out: a built-in command has this name", level="warning")
    return {name: Extension(spec, registry) for name, spec in registry.commands.items() if name not in built_in}
