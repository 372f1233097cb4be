"""The options by which every command that uses plugins narrows the set of them."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from jackfield._cli.console import Console
from jackfield._loading.registry import Registry

__all__ = ["add_plugin_options", "load_plugins"]

VARIABLE = "JACKFIELD_PLUGINS"


def add_plugin_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--plugins``, ``--no-plugins`` and ``--strict-plugins``."""
    group = parser.add_argument_group("plugins", f"{VARIABLE}=a,b does the same as --plugins a,b.")
    some = group.add_mutually_exclusive_group()
    some.add_argument(
        "--plugins", type=_names, metavar="A,B", help="load only these distributions or entry points of the installed"
    )
    some.add_argument(
        "--no-plugins", dest="plugins", action="store_const", const=(), help="load none of the installed plugins"
    )
    group.add_argument("--strict-plugins", action="store_true", help="stop at the first plugin that cannot be loaded")


def load_plugins(only: Sequence[str] | None = None, *, strict: bool = False) -> Registry:
    """The installed plugins, or `only` some, with every failure told on standard error."""
    named = _names(os.environ.get(VARIABLE, "")) or None
    registry = Registry.load(only=named if only is None else only, strict=strict)
    Console().plugin_failures(registry.failures)
    return registry


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
