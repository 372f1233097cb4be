"""``jackfield demo``: every simulated vendor, a gateway between them and the terminal, one stream."""

from __future__ import annotations

import argparse
import secrets
import signal
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import trio

from jackfield._cli.console import Console, abandon_stdout, say
from jackfield._cli.numbers import number
from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._gateway import open_gateway
from jackfield._registry import Registry
from jackfield.errors import DeliveryError, PluginError
from jackfield.simulation.server import serve
from jackfield.sinks import Batch, Sink
from jackfield.vocabulary import KINDS

__all__ = ["configure", "run"]

EPILOG = """\
Starts the simulators of all installed providers on loopback, connects a gateway to
them over real websockets, and shows what comes out: different vendors' events
under the same names. Nothing leaves this machine. Stop it with Ctrl-C.

examples:
  jackfield demo
  jackfield demo --events 50 --format jsonl | jq .type"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("--events", type=number(int, 1), metavar="N", help="stop after so many events (default: go on)")
    parser.add_argument(
        "--format", choices=("pretty", "jsonl"), default="pretty", help="for people, or one CloudEvent a line"
    )
    parser.add_argument(
        "--rate",
        type=number(float, 0.01),
        default=8.0,
        metavar="R",
        help="events in a second from each vendor (default: 8)",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which day it is (default: 1)")
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """Show the stream until there were enough events, or a signal."""
    registry = load_plugins(none=options.no_plugins, strict=options.strict_plugins)
    if "stdout" not in registry.sinks:
        raise PluginError("the demo writes through the sink 'stdout': install jackfield-stdout")
    if not any(spec.simulator for spec in registry.providers.values()):
        raise PluginError("the demo needs a provider with a simulator: install jackfield-voipbin or jackfield-vinix")
    trio.run(_demo, registry, options)
    return 0


async def _demo(registry: Registry, options: argparse.Namespace) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            feeds = {}
            for name, spec in registry.providers.items():
                if spec.simulator is not None:
                    token = secrets.token_urlsafe(16)
                    simulator = spec.simulator()(token=token, rate=options.rate, seed=options.seed)
                    url = await nursery.start(partial(serve, simulator))
                    say(f"{name} simulator: {url}")
                    feeds[f"{name}-demo"] = simulator.feed(url)
            nursery.start_soon(_stop_at, signals, nursery.cancel_scope)
            await _show(registry, {"feeds": feeds}, options)
            nursery.cancel_scope.cancel()


async def _stop_at(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    async for _ in signals:
        scope.cancel()


async def _show(registry: Registry, config: dict[str, object], options: argparse.Namespace) -> None:
    """Listen to everything that vendors send, and write it through the sink that a gateway would use."""
    everything = sorted({f"{kind.entity}.*" for kind in KINDS} - {"stream.*"})
    make_sink: Any = registry.sinks["stdout"].options  # an attrs class, which the protocol cannot say
    sink: Sink = make_sink(format=options.format)
    left = options.events
    async with open_gateway(config, registry=registry, plugins=[Console()]) as gateway, sink.open() as out:
        with gateway.listen(*everything) as events:
            async for event in events:
                try:
                    await out.write(Batch((event,)))
                except DeliveryError:
                    abandon_stdout()
                    return
                if left is not None:
                    left -= 1
                    if not left:
                        return
