"""``jackfield timeline``: a customer's contact from its first event to its last."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from jackfield._cli.console import say, warn
from jackfield._cli.journal import PATH, journal_folder
from jackfield._journal.segments.walk import Line
from jackfield._journal.store import SegmentStore
from jackfield.errors import EventError
from jackfield.events import Event
from jackfield.state.timeline import Timeline

__all__ = ["configure", "run"]

EPILOG = """\
Contacts are found by the indexes of the journal, however many events it has. A number is
that of a caller or a callee, as the vendor writes it, with or without + and separators;
the newest contacts come last. A gateway may be running meanwhile.

examples:
  jackfield timeline gateway.toml 7edd095189dd15125c59e1401e8c398c
  jackfield timeline gateway.toml '+49 30 1234567'
  jackfield timeline var/journal +4930123456 --last 3 --json | jq .type"""

LONGEST = timedelta(hours=12)
"""Facts about streams are looked for up to so long after a contact's first event."""
_SEPARATORS = re.compile(r"[\s()./-]")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("path", type=Path, metavar="PATH", help=PATH)
    parser.add_argument("what", metavar="CORRELATION|NUMBER", help="a contact, or the number of a customer")
    parser.add_argument("--last", type=int, default=10, metavar="N", help="the newest so many contacts (default: 10)")
    parser.add_argument("--json", action="store_true", help="the events, one CloudEvents JSON object a line")


def run(options: argparse.Namespace) -> int:
    """Print the timelines."""
    store = SegmentStore.open(journal_folder(options.path), readonly=True)
    try:
        found = [timeline for each in _contacts(store, options.what) if (timeline := _timeline(store, each)).entries]
    finally:
        store.close()
    if not found:
        say(f"{options.path}: no contact {options.what!r}, and no call from or to such a number", level="warning")
        return 1
    if (left_out := len(found) - options.last) > 0:
        say(f"{left_out} earlier contacts are left out; --last {len(found)} shows them")
    for number, timeline in enumerate(found[-options.last :]):
        if options.json:
            for entry in timeline.entries:
                sys.stdout.write(f"{entry.event.to_json().decode()}\n")
            continue
        sys.stdout.write("\n" if number else "")
        for line in timeline.lines():
            sys.stdout.write(f"{_printable(line)}\n")
    return 0


def _contacts(store: SegmentStore, what: str) -> list[str]:
    """The correlations that are meant, the oldest first."""
    if next(iter(store.folder.find("correlationid", what)), None) is not None:
        return [what]
    correlations: dict[str, int] = {}
    for number in dict.fromkeys(_spellings(what)):
        for name in ("caller", "callee"):
            for event in _events(store.folder.find(name, number)):
                if event.correlation:
                    correlations.setdefault(event.correlation, int(event.received.timestamp()))
    return sorted(correlations, key=correlations.__getitem__)


def _spellings(what: str) -> Iterator[str]:
    """A number as it is written, and as vendors may write it."""
    yield what
    plain = _SEPARATORS.sub("", what)
    digits = plain.removeprefix("+").removeprefix("00")
    yield from (plain, digits, f"+{digits}", f"00{digits}")


def _timeline(store: SegmentStore, correlation: str) -> Timeline:
    events = list(_events(store.folder.find("correlationid", correlation)))
    feeds = {event.feed for event in events}
    since, until = min(event.received for event in events), max(event.received for event in events)
    facts = [each for each in _streams(store, since, min(until, since + LONGEST)) if each.feed in feeds]
    return Timeline.of([*events, *facts])


def _streams(store: SegmentStore, since: datetime, until: datetime) -> Iterator[Event]:
    """The facts about streams that came between two moments."""
    first, behind = (int(moment.timestamp() * 1_000_000) for moment in (since, until + timedelta(seconds=1)))
    for lines in store.scan(first, behind, warn):
        yield from _events(line for line in lines if b'"type":"stream.' in line.body)


def _events(lines: Iterable[Line]) -> Iterator[Event]:
    for line in lines:
        try:
            yield Event.from_cloudevent(line.body)
        except EventError as error:
            warn(f"event {line.position} cannot be read: {error}")


def _printable(text: str) -> str:
    """Without control characters, which vendors may send and a terminal would obey."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)
