"""The argument that names the configuration, common to all commands that run or check a whole one."""

from __future__ import annotations

import argparse
from pathlib import Path

import attrs

from jackfield._cli.paths import named_path
from jackfield._gateway.cluster.lock_files import coordinators
from jackfield._loading.registry import Registry
from jackfield.config import Document, GatewayConfig, build_config, find_config, read_toml

__all__ = ["Source", "add_config_option", "build", "load_config", "named_files"]

HELP = (
    "TOML files, or folders of them, which are one configuration together "
    "(default: $JACKFIELD_CONFIG, ./gateway.toml or /etc/jackfield/gateway.toml)"
)


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """Add ``CONFIG``."""
    parser.add_argument("config", type=named_path, nargs="*", metavar="CONFIG", help=HELP)


def named_files(options: argparse.Namespace) -> list[Path]:
    """The files and folders that are named, or else the one that is found."""
    return options.config or [find_config()]


def load_config(paths: list[Path], registry: Registry) -> GatewayConfig:
    """The configuration in these files; `ConfigError` holds everything that is wrong with it."""
    return build(read_toml(*paths), registry)


def build(document: Document, registry: Registry) -> GatewayConfig:
    """The configuration that a document describes, for these plugins; `ConfigError` holds all that is wrong with it."""
    return build_config(
        document, providers=registry.providers, sinks=registry.sinks, coordinators=coordinators(registry)
    )


@attrs.define
class Source:
    """Files that are read again and again, and what they held last."""

    _paths: list[Path]
    _registry: Registry
    document: Document = attrs.field(factory=Document)

    def read(self) -> GatewayConfig:
        """The configuration in them now; `ConfigError` holds everything that is wrong with it."""
        document = read_toml(*self._paths)
        config = build(document, self._registry)
        self.document = document
        return config
