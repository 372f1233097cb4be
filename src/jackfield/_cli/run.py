"""``jackfield run``: the gateway as a process."""

from __future__ import annotations

import argparse
import gc
import signal
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path

import trio

from jackfield._cli.console import Console, say
from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._gateway.gateway import Gateway, open_gateway
from jackfield._gateway.snapshot import GatewayState
from jackfield._loading.registry import Registry
from jackfield.config import GatewayConfig, build_config, read_toml
from jackfield.reports import Level

__all__ = ["configure", "run", "run_until_signal", "say_summary", "tune"]

EPILOG = """\
Connects every feed, delivers to every sink, and goes on until SIGINT or SIGTERM;
then it says goodbye to the vendors, drains the sinks and exits with 0. A second
signal stops it at once. SIGHUP, which log rotation sends, stops nothing: files that
were moved are followed by themselves. 'jackfield check CONFIG' shows beforehand
what it will do."""

# New objects between two looks of Python's collector for cycles, of which events have none: with its default, 700, it
# would go through all that wait in buffers again and again, for a sixth of the time that an event takes.
COLLECT_AFTER = 50_000

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
    tune()
    least: Level = "warning" if options.quiet else "debug" if options.verbose else "info"
    trio.run(_run, config, registry, Console(config.secrets(), least))
    return 0


def tune() -> None:
    """Set this process up for a stream of events; a host that embeds a gateway decides for itself."""
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


async def _run(config: GatewayConfig, registry: Registry, console: Console) -> None:
    stats = await run_until_signal(open_gateway(config, registry=registry, plugins=[console]))
    if console.least != "warning":
        say_summary(stats, durable=config.gateway.journal != "memory")


async def run_until_signal(opening: AbstractAsyncContextManager[Gateway]) -> GatewayState:
    """Run a gateway until it is told to stop, and end it in good order; what it has done."""
    with ExitStack() as handlers:
        hang_up = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []  # Windows has none
        signals = handlers.enter_context(trio.open_signal_receiver(*STOP, *hang_up))
        async with opening as gateway:
            async for number in signals:
                if number in STOP:
                    say(f"{signal.Signals(number).name}: stopping")
                    break
            # From here on Python's own handlers are back: a second signal ends the process at once.
            handlers.close()
    return gateway.state()


def say_summary(state: GatewayState, *, durable: bool) -> None:
    """Tell what was received, delivered and lost."""
    for name, feed in state.feeds.items():
        refused = sum(feed.webhooks.rejections.values())
        posts = f" and {feed.webhooks.accepted} webhooks" if feed.webhooks.accepted else ""
        turned = f", {refused} refused" if refused else ""
        came = f"{feed.events} events in {feed.frames} frames{posts}"
        say(f"{name}: {came}, {feed.unreadable} unreadable{turned}, {feed.gaps} {'gap' if feed.gaps == 1 else 'gaps'}")
    for name, sink in state.sinks.items():
        dead = f", {sink.dead} dead letters" if sink.dead else ""
        waiting = f", {sink.lag} wait in the journal" if sink.lag and durable else ""
        say(f"sink {name}: {sink.delivered} delivered, {sink.dropped} lost{dead}{waiting}")
