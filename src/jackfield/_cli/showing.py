"""A live stream in the terminal: a gateway's listener, written by the sink ``stdout``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from jackfield._cli.console import Console, abandon_stdout
from jackfield._cli.numbers import number
from jackfield._gateway.opening import open_gateway
from jackfield._loading.registry import Registry
from jackfield.config import GatewayConfig
from jackfield.errors import DeliveryError, PluginError
from jackfield.plugin.sink import Batch, Sink
from jackfield.selectors import Selector

__all__ = ["add_showing_options", "check_showable", "show"]


def add_showing_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--events`` and ``--format``."""
    parser.add_argument("--events", type=number(int, 1), metavar="N", help="stop after N events (default: never)")
    parser.add_argument(
        "--format",
        choices=("pretty", "jsonl"),
        default="pretty",
        help="readable lines, or one CloudEvents JSON object per line (default: pretty)",
    )


def check_showable(registry: Registry) -> None:
    """Raise `PluginError` if the sink ``stdout`` is not installed, before anything is started."""
    if "stdout" not in registry.sinks:
        raise PluginError("this command writes with the sink 'stdout', which is not loaded: install jackfield-stdout")


async def show(
    registry: Registry,
    config: GatewayConfig | Mapping[str, Any],
    console: Console,
    selectors: Iterable[str | Selector],
    options: argparse.Namespace,
) -> None:
    """Write the selected events, until --events is reached or standard output is closed."""
    make_sink: Any = registry.sinks["stdout"].cls  # an attrs class, which `Sink` cannot express
    sink: Sink = make_sink(format=options.format)
    left = options.events
    async with open_gateway(config, registry=registry, plugins=[console]) as gateway, sink.open() as out:
        with gateway.listen(*selectors) as events:
            async for event in events:
                try:
                    await out.write(Batch((event,)))
                except DeliveryError as error:
                    if error.on_error != "disable":
                        raise
                    abandon_stdout()
                    return
                if left is not None:
                    left -= 1
                    if not left:
                        return
