"""The shell of the terminal programs: feeds, a watch of the state, a model of what it says, and the screen.

A terminal is redrawn twice a second; otherwise, and with --plain, one line is printed per change.
"""

import argparse
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

import trio
from simulated import simulated_feeds

from jackfield import JackfieldError, Watch, open_gateway
from jackfield.state import Change, Snapshot

CLEAR, HIDE, SHOW = "\x1b[H\x1b[J", "\x1b[?25l", "\x1b[?25h"


class Model(Protocol):
    """What is shown of the state, without a clock, a terminal or a network."""

    def show(self, snapshot: Snapshot) -> None:
        """Begin with everything as it stands."""
        ...

    def change(self, change: Change, now: datetime) -> str:
        """Take in one change; returns the changed row's text, or an empty one."""
        ...

    def lines(self, now: datetime) -> Iterable[str]:
        """The whole screen."""
        ...


async def follow(watch: Watch, model: Model, *, plain: bool) -> None:
    """Update the model; a slow terminal gets each thing once, as it stands by then."""
    async for changes in watch:
        now = datetime.now(UTC)
        for change in changes.changes:
            if (line := model.change(change, now)) and plain:
                print(f"{now.astimezone():%H:%M:%S}  {line}", flush=True)


async def draw(model: Model) -> None:
    """Redraw the screen twice a second, for the timers."""
    print(HIDE, end="")
    try:
        while True:
            print(CLEAR + "\n".join(model.lines(datetime.now(UTC))), flush=True)
            await trio.sleep(0.5)
    finally:
        print(SHOW, flush=True)


async def show(model: Model, entities: Sequence[str], options: argparse.Namespace) -> None:
    """Show the model until SIGINT or SIGTERM."""
    plain = options.plain or not sys.stdout.isatty()
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with (
            simulated_feeds(options.rate) if options.demo else nullcontext() as feeds,
            open_gateway({"feeds": feeds} if feeds else options.config) as gateway,
            gateway.watch(*entities) as watch,
            trio.open_nursery() as tasks,
        ):
            model.show(watch.snapshot)
            tasks.start_soon(partial(follow, watch, model, plain=plain))
            if not plain:
                tasks.start_soon(draw, model)
            await anext(signals)
            tasks.cancel_scope.cancel()


def arguments(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line, with the options that all these programs have."""
    parser.add_argument("config", nargs="?", default="gateway.toml", help="a TOML file (default: gateway.toml)")
    parser.add_argument("--demo", action="store_true", help="use simulated vendors instead of the file's feeds")
    parser.add_argument("--rate", type=float, default=3.0, help="their events per second (default: 3)")
    parser.add_argument("--plain", action="store_true", help="print one line per change")
    return parser.parse_args()


def run(model: Model, entities: Sequence[str], options: argparse.Namespace) -> None:
    """Show the model; exits with a message if the gateway cannot run."""
    try:
        trio.run(show, model, entities, options)
    except JackfieldError as error:
        sys.exit(str(error))
