"""``jackfield plugins``: the installed plugins, their distributions, and failures to load."""

from __future__ import annotations

import argparse
import json

import attrs

from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield.plugin.hooks import HOOK_API

__all__ = ["configure", "run"]

EPILOG = """\
A plugin is an installed distribution with an entry point in the group 'jackfield'. A
plugin that cannot be loaded is left out and reported on standard error with the reason."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """List them."""
    registry = load_plugins(options.plugins, strict=options.strict_plugins)
    if options.json:
        document = {
            "hook_api": HOOK_API,
            "plugins": [attrs.asdict(each) for each in registry.loaded],
            "failures": [attrs.asdict(each) for each in registry.failures],
        }
        print(json.dumps(document, indent=2))
        return 0
    rows = [("DISTRIBUTION", "VERSION", "OFFERS", "HOOKS")]
    rows += [
        (each.distribution, each.version, ", ".join(each.offers), ", ".join(each.hooks)) for each in registry.loaded
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0
