"""``jackfield vcon``: events as vCons on demand, without a gateway."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jackfield.errors import ConfigError, ConfigProblem, EventError
from jackfield.events import Event
from jackfield.plugin.command import CommandHost, CommandSpec
from jackfield_vcon.assemble import assemble, encode
from jackfield_vcon.facts import Facts
from jackfield_vcon.identity import conversation_of, key_of
from jackfield_vcon.redact import PARTS, redacted

__all__ = ["COMMAND"]

EPILOG = """\
Reads CloudEvents, one JSON object a line, such as 'jackfield timeline --json' and the file sink
write, and prints one vCon a line for each conversation in them, finished or not. With the same
domain they have the uuids that the sink 'vcon' gives.

examples:
  jackfield timeline gateway.toml '+49 30 1234567' --json | jackfield vcon --domain example.com
  jackfield vcon var/events.jsonl --redact names --redact numbers"""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="the events (default: standard input)")
    parser.add_argument("--domain", default="localhost", help="of which uuids are made (default: localhost)")
    parser.add_argument("--redact", action="append", choices=PARTS, default=[], help="leave this out; may be repeated")


def _run(options: argparse.Namespace, host: CommandHost) -> int:
    try:
        with options.file.open("rb") if options.file is not None else sys.stdin.buffer as lines:
            events = list(_read(lines))
    except OSError as error:
        problem = ConfigProblem(str(options.file), f"cannot be read: {error.strerror}")
        raise ConfigError([problem]) from None
    gaps = [event for event in events if event.kind.startswith("stream.")]
    found = 0
    for key, own in _conversations(events).items():
        facts = Facts.of(own)
        if facts.has_substance:
            host.print(encode(_made(facts, key, gaps, options)).decode().rstrip("\n"))
            found += 1
    if not found:
        host.say("no conversation is in these events")
    return 0 if found else 1


def _read(lines: Iterable[bytes]) -> Iterator[Event]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield Event.from_cloudevent(line)
            except EventError as error:
                raise ConfigError([ConfigProblem(f"line {number}", str(error))]) from None


def _conversations(events: Iterable[Event]) -> Mapping[str, list[Event]]:
    """The events of each conversation, by its key."""
    found: dict[str, list[Event]] = {}
    whole: dict[str, str] = {}
    for event in events:
        if not event.kind.startswith("stream."):
            found.setdefault(key_of(event), []).append(event)
            if (named := conversation_of(event)) is not None:
                whole[named[0]] = min(named[1], whole.get(named[0], named[1]))
    for part in [key for key in found if key in whole and whole[key] in found]:
        found[whole[part]] += found.pop(part)
    return found


def _made(facts: Facts, key: str, gaps: list[Event], options: argparse.Namespace) -> dict[str, Any]:
    form = ",".join(sorted(set(options.redact)))
    feeds = {event.feed for event in facts.events}
    ours = [gap for gap in gaps if gap.feed in feeds]
    vcon = assemble(facts, key, domain=options.domain, gaps=ours, form=form)
    return redacted(vcon, options.redact) if options.redact else vcon


COMMAND = CommandSpec("vcon", "print conversations as vCons", _configure, _run)
