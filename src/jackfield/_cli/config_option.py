"""The argument that names the configuration, common to all commands that run or check a whole one."""

from __future__ import annotations

import argparse
from pathlib import Path

from jackfield._gateway.cluster.lock_files import coordinators
from jackfield._loading.registry import Registry
from jackfield.config import GatewayConfig, build_config, find_config, read_toml

__all__ = ["add_config_option", "load_config", "named_files"]

HELP = (
    "TOML files, or folders of them, which are one configuration together "
    "(default: $JACKFIELD_CONFIG, ./gateway.toml or /etc/jackfield/gateway.toml)"
)


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """Add ``CONFIG``."""
    parser.add_argument("config", type=Path, nargs="*", metavar="CONFIG", help=HELP)


def named_files(options: argparse.Namespace) -> list[Path]:
    """The files and folders that are named, or else the one that is found."""
    return options.config or [find_config()]


def load_config(paths: list[Path], registry: Registry) -> GatewayConfig:
    """The configuration in these files; `ConfigError` holds everything that is wrong with it."""
    return build_config(
        read_toml(*paths),
        providers=registry.providers,
        sinks=registry.sinks,
        coordinators=coordinators(registry),
    )
