"""The shell of the terminal programs: feeds, one listener, a model of its events, and the screen.

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

from jackfield import Event, JackfieldError, Listener, open_gateway

CLEAR, HIDE, SHOW = "\x1b[H\x1b[J", "\x1b[?25l", "\x1b[?25h"


class Model(Protocol):
    """State reduced from events, without a clock, a terminal or a network."""

    def apply(self, event: Event) -> str:
        """Update the state from one event; returns the changed row's text, or an empty one."""
        ...

    def lines(self, now: datetime) -> Iterable[str]:
        """The whole screen."""
        ...


async def follow(events: Listener[Event], model: Model, *, plain: bool) -> None:
    """Update the model, one batch of events at a time."""
    while batch := await events.take():
        for event in batch:
            if (line := model.apply(event)) and plain:
                print(f"{event.received.astimezone():%H:%M:%S}  {line}", flush=True)


async def draw(model: Model) -> None:
    """Redraw the screen twice a second, for the timers."""
    print(HIDE, end="")
    try:
        while True:
            print(CLEAR + "\n".join(model.lines(datetime.now(UTC))), flush=True)
            await trio.sleep(0.5)
    finally:
        print(SHOW, flush=True)


async def show(model: Model, selectors: Sequence[str], options: argparse.Namespace) -> None:
    """Show the model until SIGINT or SIGTERM."""
    plain = options.plain or not sys.stdout.isatty()
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with (
            simulated_feeds(options.rate) if options.demo else nullcontext() as feeds,
            open_gateway({"feeds": feeds} if feeds else options.config) as gateway,
            trio.open_nursery() as tasks,
        ):
            events = gateway.listen(*selectors, buffer=10_000)
            tasks.start_soon(partial(follow, events, model, plain=plain))
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


def run(model: Model, selectors: Sequence[str], options: argparse.Namespace) -> None:
    """Show the model; exits with a message if the gateway cannot run."""
    try:
        trio.run(show, model, selectors, options)
    except JackfieldError as error:
        sys.exit(str(error))
