"""``jackfield vcon``: events as vCons on demand, without a gateway."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from jackfield.errors import EventError
from jackfield.events import Event
from jackfield.plugin.command import CommandHost, CommandSpec
from jackfield_vcon.identity import check_domain
from jackfield_vcon.redact import PARTS

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
    parser.add_argument(
        "--domain", type=_domain, default="localhost", help="of which uuids are made (default: localhost)"
    )
    parser.add_argument("--redact", action="append", choices=PARTS, default=[], help="leave this out; may be repeated")


def _domain(text: str) -> str:
    try:
        check_domain(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _run(options: argparse.Namespace, host: CommandHost) -> int:
    from jackfield_vcon.assemble import encode  # loaded by this command alone
    from jackfield_vcon.on_demand import vcons

    bad: list[int] = []
    try:
        with options.file.open("rb") if options.file is not None else sys.stdin.buffer as lines:
            events = list(_read(lines, host, bad))
    except OSError as error:
        host.say(f"jackfield: {options.file or 'standard input'}: cannot be read: {error.strerror}")
        return 2
    found = vcons(events, domain=options.domain, redact=options.redact)
    for vcon in found:
        host.print(encode(vcon).decode().rstrip("\n"))
    if not found:
        host.say("no conversation is in these events")
    if bad:
        host.say(f"{len(bad)} of the lines are no events and were left out, so vCons may lack something")
    return 0 if found and not bad else 1


def _read(lines: Iterable[bytes], host: CommandHost, bad: list[int]) -> Iterator[Event]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield Event.from_cloudevent(line)
            except EventError as error:
                bad.append(number)
                host.say(f"line {number}: {error}")


COMMAND = CommandSpec("vcon", "print conversations as vCons", _configure, _run)
