"""What a plugin's own command is: ``jackfield NAME …``, declared and run without I/O of its own.

A plugin offers it as a `CommandSpec` by the hook ``jackfield_commands``. What a command asks its vendor is an
exchange by REST, which the host performs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import attrs

from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.provider import Provider

__all__ = ["CommandHost", "CommandSpec"]

T = TypeVar("T")


class CommandHost(Protocol):
    """What the host does for a command."""

    def feeds(self, config: str) -> Mapping[str, Provider]:
        """The feeds in a configuration's file, by name; `ConfigError` with all its problems."""
        ...

    def message_limits(self, config: str) -> Mapping[str, int]:
        """How many bytes each of these feeds accepts in one message or webhook."""
        ...

    def perform(self, exchange: HTTPFlow[T]) -> T:
        """Perform an exchange by REST, and what it ends with; `RestError` where the vendor does not answer."""
        ...

    def print(self, text: str) -> None:
        """Data, to standard output."""
        ...

    def say(self, text: str) -> None:
        """A remark, to standard error."""
        ...


@attrs.frozen
class CommandSpec:
    """What a plugin offers through the hook ``jackfield_commands``."""

    name: str
    """What follows ``jackfield`` on the command line."""
    summary: str
    """One line for ``jackfield --help``."""
    configure: Callable[[argparse.ArgumentParser], None]
    """Declares arguments and subcommands."""
    run: Callable[[argparse.Namespace, CommandHost], int]
    """Does it; the exit status is 0 for done and 1 for failed. A `JackfieldError` is shown as one line."""
