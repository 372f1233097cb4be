"""``jackfield tail``: the feeds of a configuration, live and readable."""

from __future__ import annotations

import argparse

import attrs
import trio

from jackfield._cli.config_option import load_config
from jackfield._cli.console import Console, say
from jackfield._cli.paths import named_path
from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._cli.selecting import selector
from jackfield._cli.showing import add_showing_options, check_showable, show
from jackfield._cli.signals import cancel_at_signal
from jackfield._loading.registry import Registry
from jackfield.config import GatewayConfig, GatewayOptions
from jackfield.kinds import explain_unknown
from jackfield.selectors import EVERYTHING

__all__ = ["configure", "run"]

EPILOG = """\
Opens connections of its own, so that a gateway may run beside it, and subscribes to
what is selected. Configured sinks and the journal are not used.

examples:
  jackfield tail gateway.toml
  jackfield tail gateway.toml 'contact.*' 'agent.* @ vinix/**'
  jackfield tail gateway.toml 'call.*' --format jsonl | jq .data"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("config", type=named_path, metavar="CONFIG", help="a TOML file")
    parser.add_argument(
        "select", nargs="*", type=selector, metavar="SELECTOR", help="what to show (default: everything)"
    )
    add_showing_options(parser)
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """Show the stream until --events is reached, or a signal."""
    registry = load_plugins(options.plugins, strict=options.strict_plugins)
    check_showable(registry)
    config = load_config([options.config], registry)
    config = attrs.evolve(config, sinks=(), routes=(), gateway=GatewayOptions())
    for hint in filter(
        None, (explain_unknown(each.kind.entity, each.kind.word, registry.kinds) for each in options.select)
    ):
        say(f"warning: {hint}", level="warning")
    trio.run(_tail, config, registry, options)
    return 0


async def _tail(config: GatewayConfig, registry: Registry, options: argparse.Namespace) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(cancel_at_signal, nursery.cancel_scope)
        await show(registry, config, Console(), options.select or [EVERYTHING], options)
        nursery.cancel_scope.cancel()
