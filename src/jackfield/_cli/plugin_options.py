"""The options that select plugins, common to all commands that load them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from jackfield._cli.console import Console
from jackfield._loading.registry import Registry

__all__ = ["add_plugin_options", "load_plugins", "named_plugins"]

VARIABLE = "JACKFIELD_PLUGINS"


def add_plugin_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--plugins``, ``--no-plugins`` and ``--strict-plugins``."""
    group = parser.add_argument_group("plugins", f"The variable {VARIABLE}=a,b means the same as --plugins a,b.")
    some = group.add_mutually_exclusive_group()
    some.add_argument(
        "--plugins", type=_names, metavar="A,B", help="load only these installed distributions or entry points"
    )
    some.add_argument("--no-plugins", dest="plugins", action="store_const", const=(), help="load no installed plugin")
    group.add_argument("--strict-plugins", action="store_true", help="fail if a plugin cannot be loaded")


def load_plugins(only: Sequence[str] | None = None, *, strict: bool = False) -> Registry:
    """Load the installed plugins, or `only` some; reports each failure on standard error."""
    registry = Registry.load(only=named_plugins(only), strict=strict)
    Console().plugin_failures(registry.failures)
    return registry


def named_plugins(only: Sequence[str] | None) -> Sequence[str] | None:
    """The plugins to load: those that are named, on the command line or else in the environment; ``None`` for all."""
    return (_names(os.environ.get(VARIABLE, "")) or None) if only is None else only


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
