"""One agent's desktop in a terminal: ready, away, the offered contact with caller and queue, the wrap-up timer.

    python docs/examples/agent_desktop.py alice --demo            between simulated vendors
    python docs/examples/agent_desktop.py alice gateway.toml      with your feeds; see docs/how-to/agent-desktop.md

An agent who works at several vendors has a line for each. In a terminal the lines are drawn anew twice a second;
elsewhere, and with --plain, a line is printed for each change.
"""

import argparse
import signal
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial

import trio
from agent_lines import SELECTORS, Desktop
from simulated import simulated_feeds

from jackfield import JackfieldError, Listener, open_gateway

CLEAR, HIDE, SHOW = "\x1b[H\x1b[J", "\x1b[?25l", "\x1b[?25h"


async def follow(events: Listener, desktop: Desktop, *, plain: bool) -> None:
    """Keep the desktop up to date, a batch at a time."""
    while batch := await events.take():
        for event in batch:
            if desktop.apply(event) and plain:
                print(f"{event.received.astimezone():%H:%M:%S}  {desktop.text(event.feed, event.received)}", flush=True)


async def draw(desktop: Desktop) -> None:
    """Draw all lines anew, twice a second, for the timers."""
    print(HIDE, end="")
    try:
        while True:
            now = datetime.now(UTC)
            print(CLEAR + "\n".join(desktop.text(feed, now) for feed in sorted(desktop.lines)), flush=True)
            await trio.sleep(0.5)
    finally:
        print(SHOW, flush=True)


async def main(options: argparse.Namespace) -> None:
    """Show the desktop until SIGINT or SIGTERM."""
    plain = options.plain or not sys.stdout.isatty()
    desktop = Desktop(options.agent)
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with (
            simulated_feeds(options.rate) if options.demo else nullcontext() as feeds,
            open_gateway({"feeds": feeds} if feeds else options.config) as gateway,
            trio.open_nursery() as tasks,
        ):
            events = gateway.listen(*SELECTORS, buffer=10_000)
            tasks.start_soon(partial(follow, events, desktop, plain=plain))
            if not plain:
                tasks.start_soon(draw, desktop)
            await anext(signals)
            tasks.cancel_scope.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="One agent's desktop.")
    parser.add_argument("agent", help="the agent's name, the same at every vendor")
    parser.add_argument("config", nargs="?", default="gateway.toml", help="a TOML file (default: gateway.toml)")
    parser.add_argument("--demo", action="store_true", help="simulated vendors in place of the file's feeds")
    parser.add_argument("--rate", type=float, default=3.0, help="their events in a second (default: 3)")
    parser.add_argument("--plain", action="store_true", help="print a line for each change")
    try:
        trio.run(main, parser.parse_args())
    except JackfieldError as error:
        sys.exit(str(error))
