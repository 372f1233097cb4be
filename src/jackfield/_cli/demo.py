"""``jackfield demo``: every simulated vendor, a gateway between them and the terminal, one stream."""

from __future__ import annotations

import argparse
import secrets
import tempfile
from functools import partial
from typing import Any

import attrs
import trio

from jackfield._cli.console import Console, say
from jackfield._cli.numbers import number
from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._cli.selecting import selector
from jackfield._cli.showing import add_showing_options, check_showable, show
from jackfield._cli.signals import cancel_at_signal
from jackfield._loading.registry import Registry
from jackfield.errors import PluginError
from jackfield.kinds import KINDS
from jackfield.plugin.hooks import hookimpl
from jackfield.reports import NotVerified, Report
from jackfield.simulation import serve

__all__ = ["configure", "run"]

AGENTS, RATE = 24, 8.0
FASTEST = 1000.0
"""Events per second that a shift of agents may have at once."""

EPILOG = """\
Starts the simulators of all installed providers on loopback, connects a gateway to
them over real websockets, and shows the events of all vendors under the same names.
No connection leaves this machine. Stop it with Ctrl-C.

examples:
  jackfield demo
  jackfield demo call.connected
  jackfield demo --dashboard
  jackfield demo --dashboard --agents 40 --queues 8 --speed 10
  jackfield demo --events 50 --format jsonl | jq .type"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument(
        "select", nargs="*", type=selector, metavar="SELECTOR", help="what to show of all vendors (default: everything)"
    )
    add_showing_options(parser)
    parser.add_argument(
        "--dashboard",
        nargs="?",
        type=number(int, 0, 65_535),
        const=0,
        metavar="PORT",
        help="serve a page on this machine instead of the stream in the terminal (default: any free port)",
    )
    parser.add_argument(
        "--agents",
        type=number(int, 2, 2000),
        metavar="N",
        help="a contact centre at a human scale, with calls of minutes and so many agents at all vendors together "
        "(default: 24 with --dashboard, else a few things one after another at --rate)",
    )
    parser.add_argument(
        "--queues", type=number(int, 1, 200), default=6, metavar="N", help="the queues of these agents (default: 6)"
    )
    parser.add_argument(
        "--speed",
        type=number(float, 0.1, 1000.0),
        default=5.0,
        metavar="N",
        help="how fast the time of these agents goes by; 1 is as in life (default: 5)",
    )
    parser.add_argument(
        "--rate",
        type=number(float, 0.01),
        metavar="R",
        help="events per second from each vendor, one after another, in place of --agents (default: 8)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="the seed of the simulators' scenario (default: 1)"
    )
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """Show the stream until --events is reached, or a signal."""
    registry = load_plugins(options.plugins, strict=options.strict_plugins)
    if options.dashboard is None:
        check_showable(registry)
    elif options.events is not None or options.format != "pretty" or options.select:
        problem = "SELECTOR, --events and --format apply to the stream in the terminal, which --dashboard replaces"
        say(f"jackfield: {problem}", level="error")
        return 2
    if options.rate is not None and options.agents is not None:
        say(
            "jackfield: --rate and --agents exclude each other: the agents' calls take the time that they take",
            level="error",
        )
        return 2
    if not any(spec.simulator for spec in registry.providers.values()):
        raise PluginError("the demo needs a provider with a simulator: install jackfield-voipbin or jackfield-vinix")
    trio.run(_demo, registry, options)
    return 0


@attrs.frozen(eq=False)
class _DemoConsole(Console):
    """Leaves out what no simulator can verify, which looks like a fault to who sees it for the first time."""

    @hookimpl
    def jackfield_observe(self, report: Report) -> None:
        """Print one report."""
        if not isinstance(report, NotVerified):
            Console.jackfield_observe(self, report)


async def _demo(registry: Registry, options: argparse.Namespace) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(cancel_at_signal, nursery.cancel_scope)
        feeds = {}
        simulated = {name: spec.simulator() for name, spec in registry.providers.items() if spec.simulator is not None}
        for place, (name, cls) in enumerate(simulated.items()):
            scale = _scale(options, place, len(simulated))
            simulator = cls(token=secrets.token_urlsafe(16), **_known(cls, scale))
            url = await nursery.start(partial(serve, simulator))
            say(f"{name} simulator: {url}")
            feeds[f"{name}-demo"] = simulator.feed(url)
        console = _DemoConsole()
        if options.dashboard is not None:
            # imported late: the stream in the terminal needs no web server
            from jackfield._cli.dashboard import open_dashboard
            from jackfield._dashboard.access import plan_access

            with tempfile.TemporaryDirectory(prefix="jackfield-demo-") as folder:  # timelines are read from a journal
                config = {"feeds": feeds, "gateway": {"journal": folder}}
                async with open_dashboard(registry, config, console, plan_access("127.0.0.1"), options.dashboard):
                    await trio.sleep_forever()
        everything = sorted({f"{kind.entity}.*" for kind in KINDS} - {"stream.*"})
        await show(registry, {"feeds": feeds}, console, options.select or everything, options)
        nursery.cancel_scope.cancel()


def _scale(options: argparse.Namespace, place: int, vendors: int) -> dict[str, Any]:
    """What the simulator of one of the vendors plays, as its options: an equal part of the agents and queues."""
    agents = options.agents
    if agents is None and options.rate is None and options.dashboard is not None:
        agents = AGENTS
    if agents is None:
        return {"rate": RATE if options.rate is None else options.rate, "seed": options.seed}
    part = {name: max(1, (all_ + place) // vendors) for name, all_ in (("agents", agents), ("queues", options.queues))}
    return part | {"speed": options.speed, "seed": options.seed + place, "rate": FASTEST}


def _known(cls: Any, scale: dict[str, Any]) -> dict[str, Any]:
    """Of these options, those that a vendor's simulator has; a plugin's may have no agents."""
    return {name: value for name, value in scale.items() if name in {field.alias for field in attrs.fields(cls)}}
