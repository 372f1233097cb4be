"""``jackfield simulate``: a vendor's server on loopback, with a simulated contact centre and faults."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import attrs
import trio

from jackfield._cli.console import say
from jackfield._cli.numbers import number
from jackfield._cli.plugin_options import load_plugins
from jackfield._cli.signals import cancel_at_signal
from jackfield._loading.structure import structure
from jackfield.errors import ConfigProblem, PluginError
from jackfield.plugin.simulator import Simulator
from jackfield.simulation import Faults, simulate

__all__ = ["configure", "configure_simulator", "made", "run"]

EPILOG = """\
The server runs until SIGINT or SIGTERM and follows the vendor's documentation.
'jackfield simulate PROVIDER --help' lists its options and faults.

examples:
  jackfield simulate voipbin --port 8001 --token secret
  jackfield simulate voipbin --port 8001 --token secret --duplicate 4 --cut-every 30"""

PROVIDER_EPILOG = """\
While it runs: GET and PATCH http://HOST:PORT/_simulator read and set all faults and
the options marked live, as JSON; POST http://HOST:PORT/_simulator/cut cuts all
connections."""

_READERS: dict[Any, Callable[[str], Any]] = {
    str: str,
    int: number(int, -(2**63)),
    float: number(float, float("-inf")),
}
_METAVARS: dict[Any, str] = {str: "TEXT", int: "N", float: "X"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare a subcommand for each provider with a simulator; the simulator's fields and the faults become flags."""
    parser.epilog = EPILOG
    providers = parser.add_subparsers(title="providers", dest="provider", metavar="PROVIDER", required=True)
    for spec in load_plugins().providers.values():
        if spec.simulator is None:
            continue
        simulator: Any = spec.simulator()  # an attrs class, which `Simulator` cannot express
        flags = providers.add_parser(
            spec.name,
            help=spec.summary,
            description=f"A simulated server of {spec.summary}.",
            epilog=PROVIDER_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        try:
            configure_simulator(flags, simulator)
        except PluginError as error:
            raise PluginError(f"the simulator of {spec.name}: {error}") from None
        flags.set_defaults(simulator=simulator)
        needed = [
            f"{_flag(field)} {_METAVARS.get(field.type, '...')}"
            for field in _public(simulator)
            if field.default is attrs.NOTHING
        ]
        flags.usage = " ".join([f"jackfield simulate {spec.name} [-h]", *needed, "[OPTION ...]"])


def configure_simulator(parser: argparse.ArgumentParser, simulator: Any) -> None:
    """Declare the flags of one simulator, which is an attrs class."""
    parser.add_argument(
        "--port",
        type=number(int, 0, 65_535),
        default=0,
        metavar="N",
        help="the port to listen on (default: any free port)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen on (default: loopback only); its clients can also switch the faults",
    )
    parser.add_argument(
        "--events", type=number(int, 0), metavar="N", help="produce N events, then continue serving without new ones"
    )
    vendor = parser.add_argument_group("the vendor's server")
    faults = parser.add_argument_group("faults, which can be switched while it runs", "All are off by default.")
    for group, cls in ((vendor, simulator), (faults, Faults)):
        for field in _public(cls):
            try:
                _add_flag(group, field, live=group is vendor and field.metadata.get("live", False))
            except argparse.ArgumentError:
                raise PluginError(f"its field {field.name} has the name of another flag") from None


def _public(cls: Any) -> list[attrs.Attribute[Any]]:
    """The fields that are options."""
    return [field for field in attrs.fields(attrs.resolve_types(cls)) if field.init and not field.name.startswith("_")]


def _add_flag(group: argparse._ArgumentGroup, field: attrs.Attribute[Any], *, live: bool) -> None:
    notes = [f"default: {field.default}"] if field.default and field.default is not attrs.NOTHING else []
    notes += ["live"] if live else []
    # Flags that are not given are left out, so that the class's own defaults hold.
    common: dict[str, Any] = {
        "default": argparse.SUPPRESS,
        "help": field.metadata.get("help", "").replace("%", "%%") + (f" ({', '.join(notes)})" if notes else ""),
    }
    flag = _flag(field)
    wanted = (
        [each for each in get_args(field.type) if each is not NoneType] if _is_optional(field.type) else [field.type]
    )
    if wanted == [bool]:
        action = "store_true" if field.default is False else argparse.BooleanOptionalAction
        group.add_argument(flag, action=action, **common)
        return
    common["required"] = field.default is attrs.NOTHING
    if get_origin(wanted[0]) is Literal:
        choices = get_args(wanted[0])
        group.add_argument(flag, type=_READERS.get(type(choices[0]), str), choices=choices, **common)
    elif wanted[0] in _READERS:
        group.add_argument(flag, type=_READERS[wanted[0]], metavar=_METAVARS[wanted[0]], **common)
    else:
        raise PluginError(f"its field {field.name} has the type {field.type}, which cannot become a flag")


def _flag(field: attrs.Attribute[Any]) -> str:
    return f"--{field.name.replace('_', '-')}"


def _is_optional(wanted: Any) -> bool:
    return NoneType in get_args(wanted)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal."""
    wrong: list[ConfigProblem] = []
    simulator = made(options.simulator, options, wrong)
    faults = made(Faults, options, wrong)
    if wrong:
        for problem in wrong:
            say(f"jackfield: {problem}", level="error")
        return 2
    return trio.run(_serve, options, simulator, faults)


def made(cls: Any, options: argparse.Namespace, wrong: list[ConfigProblem]) -> Any:
    """The object that the flags describe; problems are appended to `wrong`."""
    given = {field.name: getattr(options, field.name) for field in _public(cls) if field.name in options}
    found: list[ConfigProblem] = []
    made = structure(cls, given, "", found)
    wrong += [
        ConfigProblem(f"--{each.path[1:].replace('_', '-')}" if each.path else "", each.message) for each in found
    ]
    return made


async def _serve(options: argparse.Namespace, simulator: Simulator, faults: Faults) -> int:
    try:
        async with simulate(
            simulator, faults=faults, limit=options.events, host=options.host, port=options.port
        ) as running:
            say(f"{options.provider} simulator: {running.url}")
            say(f"switches: {running.control}")
            with trio.CancelScope() as scope:
                await cancel_at_signal(scope)
    except OSError as error:
        say(f"jackfield: cannot listen on {options.host}:{options.port}: {error.strerror}", level="error")
        return 1
    return 0
