"""``jackfield schema``: what editors need to complete and check a configuration."""

from __future__ import annotations

import argparse
import json

from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._gateway.cluster.lock_files import coordinators
from jackfield.config.schema import config_schema

__all__ = ["configure", "run"]

EPILOG = """\
Prints a JSON Schema (draft 2020-12) of the configuration, with the options of the
installed plugins. Editors with a TOML language server use it by a first line such as

  #:schema ./gateway-schema.json

  jackfield schema > gateway-schema.json"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print it."""
    registry = load_plugins(options.plugins, strict=options.strict_plugins)
    print(json.dumps(config_schema(registry.providers, registry.sinks, coordinators(registry)), indent=2))
    return 0
