"""``jackfield simulate``: a vendor's server on loopback, with a small contact centre behind it."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import trio

from jackfield._cli.console import say
from jackfield._cli.numbers import number
from jackfield._cli.plugin_options import load_plugins
from jackfield.simulation.server import serve
from jackfield.simulators import Simulator

__all__ = ["configure", "run"]

EPILOG = """\
The server runs until SIGINT or SIGTERM. It speaks as the vendor's documentation
says; 'jackfield simulate PROVIDER --help' shows what can be changed.

example:
  jackfield simulate voipbin --port 8001 --token secret"""

_READERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": number(int, -(2**63)),
    "float": number(float, float("-inf")),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare a subcommand for each provider with a simulator, with the simulator's fields as flags."""
    parser.epilog = EPILOG
    providers = parser.add_subparsers(title="providers", dest="provider", metavar="PROVIDER", required=True)
    for spec in load_plugins().providers.values():
        if spec.simulator is None:
            continue
        simulator: Any = spec.simulator()  # an attrs class, which the protocol cannot say
        flags = providers.add_parser(spec.name, help=spec.summary, description=f"A simulated server of {spec.summary}.")
        flags.add_argument(
            "--port",
            type=number(int, 0, 65_535),
            default=0,
            metavar="N",
            help="where to listen (default: any free port)",
        )
        flags.add_argument("--host", default="127.0.0.1", help="which address to listen on (default: loopback only)")
        for field in filter(lambda field: field.init, attrs.fields(simulator)):
            _add_flag(flags, field)
        flags.set_defaults(simulator=simulator)


def _add_flag(flags: argparse.ArgumentParser, field: attrs.Attribute[Any]) -> None:
    required = field.default is attrs.NOTHING
    default = "" if required else f" (default: {field.default})"
    flags.add_argument(
        f"--{field.name.replace('_', '-')}",
        type=_READERS[str(field.type)],
        required=required,
        default=None if required else field.default,
        metavar=field.name[0].upper(),
        help=field.metadata.get("help", "") + default,
    )


def run(options: argparse.Namespace) -> int:
    """Serve until a signal."""
    names = [field.name for field in attrs.fields(options.simulator) if field.init]
    try:
        simulator = options.simulator(**{name: getattr(options, name) for name in names})
    except ValueError as error:
        say(f"jackfield: {error}", level="error")
        return 2
    return trio.run(_serve, options.provider, simulator, options.host, options.port)


async def _serve(provider: str, simulator: Simulator, host: str, port: int) -> int:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            try:
                url = await nursery.start(partial(serve, simulator, host=host, port=port))
            except OSError as error:
                say(f"jackfield: cannot listen on {host}:{port}: {error.strerror}", level="error")
                return 1
            say(f"{provider} simulator: {url}")
            async for _ in signals:
                break
            nursery.cancel_scope.cancel()
    return 0
