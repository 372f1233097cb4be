"""``jackfield run``: the gateway as a process."""

from __future__ import annotations

import argparse
import signal
from contextlib import ExitStack
from pathlib import Path

import trio

from jackfield._cli.console import Console, say
from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._gateway import open_gateway
from jackfield._registry import Registry
from jackfield._state import GatewayState
from jackfield.config import GatewayConfig, build_config, read_toml
from jackfield.reports import Level

__all__ = ["configure", "run"]

EPILOG = """\
Connects every feed, delivers to every sink, and goes on until SIGINT or SIGTERM;
then it says goodbye to the vendors, drains the sinks and exits with 0. A second
signal stops it at once. SIGHUP, which log rotation sends, stops nothing: files that
were moved are followed by themselves. 'jackfield check CONFIG' shows beforehand
what it will do."""

STOP = (signal.SIGINT, signal.SIGTERM)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("config", type=Path, metavar="CONFIG", help="a TOML file")
    parser.add_argument("--quiet", "-q", action="store_true", help="report problems only")
    parser.add_argument("--verbose", "-v", action="store_true", help="report each subscription too")
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """Run until a signal."""
    registry = load_plugins(options.plugins, strict=options.strict_plugins)
    config = build_config(read_toml(options.config), providers=registry.providers, sinks=registry.sinks)
    for warning in config.warnings:
        say(f"warning: {warning}", level="warning")
    least: Level = "warning" if options.quiet else "debug" if options.verbose else "info"
    trio.run(_run, config, registry, Console(config.secrets(), least))
    return 0


async def _run(config: GatewayConfig, registry: Registry, console: Console) -> None:
    with ExitStack() as handlers:
        hang_up = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []  # Windows has none
        signals = handlers.enter_context(trio.open_signal_receiver(*STOP, *hang_up))
        async with open_gateway(config, registry=registry, plugins=[console]) as gateway:
            async for number in signals:
                if number in STOP:
                    say(f"{signal.Signals(number).name}: stopping")
                    break
            # From here on Python's own handlers are back: a second signal ends the process at once.
            handlers.close()
    if console.least != "warning":
        _say_summary(gateway.state(), durable=config.options.journal != "memory")


def _say_summary(state: GatewayState, *, durable: bool) -> None:
    for name, feed in state.feeds.items():
        say(f"{name}: {feed.events} events in {feed.frames} frames, {feed.unreadable} unreadable, {feed.gaps} gaps")
    for name, sink in state.sinks.items():
        dead = f", {sink.dead} dead letters" if sink.dead else ""
        waiting = f", {sink.lag} wait in the journal" if sink.lag and durable else ""
        say(f"sink {name}: {sink.delivered} delivered, {sink.dropped} lost{dead}{waiting}")
