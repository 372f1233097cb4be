"""``jackfield journal``: what a journal's folder holds, and how to send it once more."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from jackfield._cli import journal_files, journal_forget, replay
from jackfield._cli.console import say, warn
from jackfield._cli.journal_folders import gateway_options, journal_folder, journal_folders
from jackfield._cli.moments import check_span, moment
from jackfield._cli.numbers import number
from jackfield._cli.paths import named_path
from jackfield._cli.plugin_options import add_plugin_options
from jackfield._cli.progress import Progress
from jackfield._cli.selecting import selector
from jackfield._cli.texts import searched
from jackfield._delivery.replay import EventFilter, letters, past
from jackfield._journal.coverage import measure_coverage
from jackfield._journal.store import SegmentStore
from jackfield._journal.store.records import Loss
from jackfield.config import GatewayOptions
from jackfield.errors import JournalError
from jackfield.events import Event, Record
from jackfield.kinds import causal_rank

__all__ = ["PATH", "configure", "run"]

EPILOG = """\
PATH is a configuration, whose journal is meant, or a journal's folder itself. Where 'run --workers'
has written a journal for each feed, all of them are meant, or name a feed's own folder. A gateway
may be running meanwhile, except for 'import', 'compact' and 'forget-durable', which are refused then.
They, 'replay --dead' and 'forget-sink' change the journal; the others only read it.

examples:
  jackfield journal stats gateway.toml
  jackfield journal events gateway.toml 'contact.*' --since 2h
  jackfield journal events gateway.toml --correlation 7edd095189dd15125c59e1401e8c398c
  jackfield journal dead-letters gateway.toml --sink crm
  jackfield journal replay gateway.toml 'contact.*' --since 2026-11-21T08:00 --sink crm --dry-run
  jackfield journal replay gateway.toml --dead
  jackfield journal backup gateway.toml /backup/2026-11-21
  jackfield journal import gateway.toml var/journal.rescued-20261121T080000Z"""

PATH = "a configuration, whose journal is meant, or a journal's folder itself"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.set_defaults(each=None)
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    stats = _action(actions, "stats", "how much there is, and how far each sink has come")
    _add_found_path(stats)
    stats.add_argument("--json", action="store_true", help="one JSON object for each journal instead of text")
    stats.set_defaults(each=_stats)
    events = _action(
        actions,
        "events",
        "the events, one CloudEvents JSON object a line, as they came; those of one contact as they happened",
    )
    _add_selection(events)
    events.add_argument("--limit", type=number(int, 1), metavar="N", help="stop after so many")
    events.set_defaults(each=_events)
    dead = _action(
        actions, "dead-letters", "the events that sinks refused for good, with the reasons, one JSON object a line"
    )
    _add_selection(dead)
    dead.add_argument("--sink", metavar="NAME", help="of this sink only")
    dead.set_defaults(each=_dead)
    again = _action(actions, "replay", "send events to sinks once more, with their ids and origin=replay")
    _add_selection(again)
    again.add_argument(
        "--sink", action="append", metavar="NAME", help="to this sink, whatever the routes say (repeatable)"
    )
    again.add_argument("--dead", action="store_true", help="the dead letters; what arrives is one no more")
    again.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    add_plugin_options(again)
    again.set_defaults(each=_replay)
    check = _action(actions, "check", "read everything and compare it with its checksums; nothing is changed")
    _add_found_path(check)
    check.set_defaults(each=_check)
    journal_forget.configure(partial(_action, actions), journal_folder)
    journal_files.configure(partial(_action, actions), journal_folder, gateway_options)


def _action(actions: Any, name: str, summary: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}."
    )
    return parser


def _add_found_path(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", type=named_path, nargs="?", metavar="PATH", help=f"{PATH} (default: as 'jackfield run' finds it)"
    )


def _add_selection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=named_path, metavar="PATH", help=PATH)
    parser.add_argument(
        "select", nargs="*", type=selector, metavar="SELECTOR", help="what to take (default: everything)"
    )
    parser.add_argument(
        "--since", type=moment, metavar="WHEN", help="received at or after this moment, or so long ago: 2h"
    )
    parser.add_argument("--until", type=moment, metavar="WHEN", help="received before this moment")
    parser.add_argument("--correlation", type=searched, metavar="ID", help="of this contact, by its correlationid")


def run(options: argparse.Namespace) -> int:
    """Do what is asked for."""
    with nullcontext() if options.action in ("events", "replay") else Progress(f"journal {options.action}"):
        statuses: list[int] = (
            [options.do(options)]
            if options.each is None
            else [options.each(options, path) for path in journal_folders(options.path)]
        )
    return max(statuses)


def _wanted(options: argparse.Namespace) -> EventFilter:
    check_span(options.since, options.until)
    return EventFilter(tuple(options.select), options.since, options.until, options.correlation)


def _unreadable(what: str) -> Any:
    return lambda which: say(f"{what} {which} cannot be read: it is not what was written", level="warning")


def _stats(options: argparse.Namespace, path: Path) -> int:
    store = SegmentStore.open(path, readonly=True)
    try:
        cursors, dead = store.cursors(), store.dead_count()
        losses = store.losses()
        count, ends = store.count(store.first, store.next), _ends(store)
        keep_bytes = (gateway_options(options.path) or GatewayOptions()).retain_bytes
        covered = measure_coverage(store, keep_bytes)
        document: dict[str, Any] = {
            "path": str(path),
            "events": count,
            "first": store.first if count else None,
            "last": store.folder.end - 1 if count else None,
            "received": [each.isoformat() for each in ends],
            "bytes": store.size,
            "covers_seconds": covered and covered.seconds,
            "sinks": {
                name: {
                    "next": cursors.get(name),
                    "behind": store.count(max(store.first, cursors.get(name, store.next)), store.next),
                    "dead": dead.get(name, 0),
                    "lost_while_down": losses.get(name, Loss()).down,
                    "lost_while_slow": losses.get(name, Loss()).slow,
                }
                for name in sorted({*cursors, *dead, *losses})
            },
            "durable": {
                name: {"next": row.next, "behind": store.count(max(store.first, row.next), store.next)}
                for name, row in sorted(store.saved().durable.items())
                if row is not None
            },
        }
    finally:
        store.close()
    if options.json:
        print(json.dumps(document, indent=2))
        return 0
    numbers = f", positions {document['first']} to {document['last']}" if count else ""
    print(f"{path}: {count} events{numbers}, {document['bytes'] / 1e6:.1f} MB")
    if ends:
        print(f"received between {ends[0]:%Y-%m-%d %H:%M:%S} and {ends[1]:%Y-%m-%d %H:%M:%S} UTC")
    for name, sink in document["sinks"].items():
        print(f"sink {name}: {sink['behind']} behind, {sink['dead']} dead letters{_lost(sink)}")
    for name, durable in document["durable"].items():
        print(f"durable subscription {name}: {durable['behind']} behind")
    if covered:
        print(f"an outage: {covered}")
    return 0


def _lost(sink: Mapping[str, int]) -> str:
    """What retention took from a sink."""
    parts = [f"{sink[f'lost_while_{how}']} lost while it was {how}" for how in ("down", "slow")]
    return "".join(f", {part}" for part in parts if not part.startswith("0 "))


def _ends(store: SegmentStore) -> list[datetime]:
    """When the oldest and the newest event were received; empty where there is none."""
    lines = [*store.read(store.first, 1).lines, *store.read(store.folder.end - 1, 1).lines]
    moments = sorted(datetime.fromtimestamp(line.received / 1_000_000, UTC) for line in lines)  # an import is older
    return moments if len(moments) == 2 else []


def _events(options: argparse.Namespace, path: Path) -> int:
    store = SegmentStore.open(path, readonly=True)
    try:
        with replay.reading(store) as passed:
            pages: Iterable[list[Record]] = past(store, _wanted(options), _unreadable("event"), warn, passed)
            if options.correlation is not None:  # vendors tell one contact's events in any order
                pages = [sorted(chain.from_iterable(pages), key=_happened)]
            for page in pages:
                _write((event for _, event in page[: options.limit]))
                if options.limit is not None:
                    options.limit = max(0, options.limit - len(page))
                if options.limit == 0:
                    break
    finally:
        store.close()
    return 0


def _happened(record: Record) -> tuple[datetime, int]:
    """When, and within one moment what follows from what: some vendors' clocks tick in seconds."""
    event = record.event
    return event.time or event.received, causal_rank(event.kind)


def _write(events: Iterable[Event]) -> None:
    for event in events:
        sys.stdout.buffer.write(event.to_json() + b"\n")


def _dead(options: argparse.Namespace, path: Path) -> int:
    store = SegmentStore.open(path, readonly=True)
    try:
        known = sorted({*store.cursors(), *store.dead_count()})
        if options.sink is not None and options.sink not in known:
            raise JournalError(f"{path}: no sink {options.sink!r}; there are: {', '.join(known) or 'none'}")
        for page in letters(store, options.sink, _wanted(options), _unreadable("dead letter")):
            for each in page:
                line = {
                    "number": each.number,
                    "sink": each.sink,
                    "position": each.position,
                    "at": each.at.isoformat(),
                    "attempts": each.attempts,
                    "reason": each.reason,
                    "event": msgspec.Raw(each.event.to_json()),
                }
                sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    finally:
        store.close()
    return 0


def _replay(options: argparse.Namespace, path: Path) -> int:
    return replay.run(options, path, _wanted(options), _unreadable)


def _check(options: argparse.Namespace, path: Path) -> int:
    store = SegmentStore.open(path, readonly=True)
    problems = 0
    try:
        for problem in store.check():
            problems += 1
            print(problem)
        events = store.count(store.first, store.next)
        covered = measure_coverage(store, (gateway_options(options.path) or GatewayOptions()).retain_bytes)
    finally:
        store.close()
    if covered:
        say(f"an outage: {covered}")
    found = "1 problem" if problems == 1 else f"{problems} problems"
    say(f"{path}: {events} events read, {found}", level="error" if problems else "info")
    return 1 if problems else 0
