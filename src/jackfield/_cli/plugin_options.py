"""The options by which every command that uses plugins narrows the set of them."""

from __future__ import annotations

import argparse
import os

from jackfield._cli.console import Console
from jackfield._registry import Registry

__all__ = ["add_plugin_options", "load_plugins"]

VARIABLE = "JACKFIELD_PLUGINS"


def add_plugin_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--no-plugins`` and ``--strict-plugins``."""
    group = parser.add_argument_group("plugins", f"{VARIABLE}=a,b loads only these distributions or entry points.")
    group.add_argument("--no-plugins", action="store_true", help="load none of the installed plugins")
    group.add_argument("--strict-plugins", action="store_true", help="stop at the first plugin that cannot be loaded")


def load_plugins(*, none: bool = False, strict: bool = False) -> Registry:
    """The installed plugins, with every failure told on standard error."""
    named = [name.strip() for name in os.environ.get(VARIABLE, "").split(",") if name.strip()]
    registry = Registry.load(only=[] if none else named or None, strict=strict)
    Console().plugin_failures(registry.failures)
    return registry
