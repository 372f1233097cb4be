"""``jackfield timeline``: a customer's contact from its first event to its last."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from jackfield._cli.config_option import load_config
from jackfield._cli.console import say, warn
from jackfield._cli.journal import PATH
from jackfield._cli.journal_folders import journal_folders
from jackfield._cli.numbers import number
from jackfield._cli.paths import named_path
from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._cli.texts import searched
from jackfield._journal.store import SegmentStore
from jackfield._journal.timelines import EventsInFolder, find_timelines
from jackfield._loading.contact_formats import write_contact
from jackfield.errors import ConfigError, ConfigProblem
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
  jackfield timeline var/journal +4930123456 --last 3 --json | jq .type
  jackfield timeline gateway.toml '+49 30 1234567' --format vcon > contacts.vcon"""


LAST = "the newest so many contacts (default: 10)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("path", type=named_path, metavar="PATH", help=PATH)
    parser.add_argument("what", type=searched, metavar="CORRELATION|NUMBER", help="a contact, or a customer's number")
    parser.add_argument("--last", type=number(int, 1), default=10, metavar="N", help=LAST)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the events, one CloudEvents JSON object a line")
    form.add_argument("--format", metavar="NAME", help="a form that a plugin offers, such as vcon")
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """Print the timelines."""
    write = _writer(options) if options.format is not None else None
    found, there_are = list[Timeline](), 0
    for folder in journal_folders(options.path):
        store = SegmentStore.open(folder, readonly=True)
        try:
            some, count = find_timelines(EventsInFolder(store, warn), options.what, options.last)
        finally:
            store.close()
        found, there_are = found + some, there_are + count
    found = sorted(found, key=_newest)[-options.last :]
    if not found:
        say(f"{options.path}: no contact {options.what!r}, and no call from or to such a number", level="warning")
        return 1
    if (left_out := there_are - len(found)) > 0:
        say(f"{left_out} earlier contacts are left out; --last {there_are} shows them")
    for shown, timeline in enumerate(found):
        if write is not None:
            sys.stdout.buffer.write(write([entry.event for entry in timeline.entries]))
            continue
        if options.json:
            for entry in timeline.entries:
                sys.stdout.write(f"{entry.event.to_json().decode()}\n")
            continue
        sys.stdout.write("\n" if shown else "")
        for line in timeline.lines():
            sys.stdout.write(f"{_printable(line)}\n")
    return 0


def _writer(options: argparse.Namespace) -> Callable[[Sequence[Event]], bytes]:
    """Writes a contact in a plugin's form, as the sinks of the configuration do where there is one."""
    registry = load_plugins(options.plugins, strict=options.strict_plugins)
    if (form := registry.contact_formats.get(options.format)) is None:
        known = ", ".join(map(repr, sorted(registry.contact_formats))) or "nothing; no plugin offers one"
        raise ConfigError([ConfigProblem("--format", f"{options.format!r} is none of {known}")])
    path = options.path
    configured = path.is_file() or any(path.glob("*.toml"))
    # What the sinks leave out for privacy is left out here too, so a configuration that cannot be read ends this.
    sinks = [each.impl for each in load_config([path], registry).sinks] if configured else []
    return partial(write_contact, form, sinks=sinks)


def _newest(timeline: Timeline) -> datetime:
    """When the newest of its events came."""
    return max(entry.event.received for entry in timeline.entries)


def _printable(text: str) -> str:
    """Without control characters, which vendors may send and a terminal would obey."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)
