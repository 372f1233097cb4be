"""``jackfield timeline``: a customer's contact from its first event to its last."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jackfield._cli.console import say, warn
from jackfield._cli.journal import PATH, journal_folder
from jackfield._cli.numbers import number
from jackfield._cli.texts import searched
from jackfield._journal.store import SegmentStore
from jackfield._journal.timelines import EventsInFolder, find_timelines

__all__ = ["configure", "run"]

EPILOG = """\
Contacts are found by the indexes of the journal, however many events it has. A number is
that of a caller or a callee, as the vendor writes it, with or without + and separators;
the newest contacts come last. A gateway may be running meanwhile.

examples:
  jackfield timeline gateway.toml 7edd095189dd15125c59e1401e8c398c
  jackfield timeline gateway.toml '+49 30 1234567'
  jackfield timeline var/journal +4930123456 --last 3 --json | jq .type"""


LAST = "the newest so many contacts (default: 10)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("path", type=Path, metavar="PATH", help=PATH)
    parser.add_argument("what", type=searched, metavar="CORRELATION|NUMBER", help="a contact, or a customer's number")
    parser.add_argument("--last", type=number(int, 1), default=10, metavar="N", help=LAST)
    parser.add_argument("--json", action="store_true", help="the events, one CloudEvents JSON object a line")


def run(options: argparse.Namespace) -> int:
    """Print the timelines."""
    store = SegmentStore.open(journal_folder(options.path), readonly=True)
    try:
        found, there_are = find_timelines(EventsInFolder(store, warn), options.what, options.last)
    finally:
        store.close()
    if not found:
        say(f"{options.path}: no contact {options.what!r}, and no call from or to such a number", level="warning")
        return 1
    if (left_out := there_are - len(found)) > 0:
        say(f"{left_out} earlier contacts are left out; --last {there_are} shows them")
    for shown, timeline in enumerate(found):
        if options.json:
            for entry in timeline.entries:
                sys.stdout.write(f"{entry.event.to_json().decode()}\n")
            continue
        sys.stdout.write("\n" if shown else "")
        for line in timeline.lines():
            sys.stdout.write(f"{_printable(line)}\n")
    return 0


def _printable(text: str) -> str:
    """Without control characters, which vendors may send and a terminal would obey."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)
