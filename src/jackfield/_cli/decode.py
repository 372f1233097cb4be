"""``jackfield decode``: a vendor's frames on standard input, neutral events on standard output."""

from __future__ import annotations

import argparse
import codecs
import sys
from datetime import UTC, datetime

from jackfield._cli.console import say
from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._loading.guard import provider_code
from jackfield.errors import FrameError, JackfieldError, PluginError
from jackfield.plugin.protocol import Emit, FeedProtocol, Ignore, SupportsExplanation

__all__ = ["configure", "run"]

EPILOG = """\
Each line of standard input is one frame as the vendor's websocket sent it. Each
event is written to standard output as one CloudEvents JSON object per line. A frame
that is not an event is reported on standard error, with its line number and the
reason.

examples:
  jackfield decode voipbin --number < frames.txt
  jackfield decode voipbin --topic customer_id:ID:transcribe:transcribe_speech_ended < frames.txt"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("provider", metavar="PROVIDER", help="the provider that reads the frames, such as voipbin")
    parser.add_argument(
        "--number", action="store_true", help="start each event's line with its input line's number and a tab"
    )
    parser.add_argument(
        "--feed", default="decode", metavar="NAME", help="the feed's name in the events (default: decode)"
    )
    parser.add_argument(
        "--topic",
        action="append",
        default=[],
        metavar="TOPIC",
        help="what the connection is subscribed to, where that says what its frames are; may be repeated",
    )
    parser.add_argument(
        "--explain", action="store_true", help="say on standard error why each frame became what it became"
    )
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """Decode until the input ends."""
    registry = load_plugins(options.plugins, strict=options.strict_plugins)
    spec = registry.providers.get(options.provider)
    if spec is None:
        installed = ", ".join(sorted(registry.providers)) or "none"
        say(f"jackfield: no provider {options.provider!r} (installed: {installed})", level="error")
        return 2
    protocol = spec.decoder(options.feed)
    for topic in options.topic:
        try:
            with provider_code():
                _subscribe(protocol, topic)
        except TopicError as error:
            say(f"jackfield: --topic: {error}", level="error")
            return 2
    frames = without = events = 0
    for number, line in enumerate(sys.stdin.buffer, 1):
        frame = line.rstrip(b"\r\n")
        if number == 1:  # some editors start a file with a byte order mark
            frame = frame.removeprefix(codecs.BOM_UTF8)
        if not frame.strip():
            continue
        frames += 1
        found = _decode(protocol, frame, number, f"{number}\t".encode() if options.number else b"")
        if options.explain:
            say(f"line {number}: {_explanation(protocol)}")
        events += found
        without += not found
    sys.stdout.buffer.flush()
    say(f"{_count(frames, 'frame')}: {_count(events, 'event')}, {without} without one")
    return 0


class TopicError(JackfieldError):
    """A topic that the provider cannot read."""


def _subscribe(protocol: FeedProtocol, topic: str) -> None:
    try:
        tuple(protocol.subscribe(topic))
    except ValueError as error:  # as a dialect says of a text that its vendor has no such topic
        raise TopicError(str(error)) from None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _explanation(protocol: FeedProtocol) -> str:
    if not isinstance(protocol, SupportsExplanation):
        return "the provider does not explain how it reads frames"
    with provider_code():
        return protocol.explain() or "nothing is known about it"


def _decode(protocol: FeedProtocol, frame: bytes, number: int, prefix: bytes) -> int:
    """Write one frame's events, or report why there is none; returns their number."""
    try:
        with provider_code():
            actions = tuple(protocol.received(frame, datetime.now(UTC)))
    except FrameError as error:
        say(f"line {number}: unreadable: {error.problem}", level="warning")
        return 0
    except PluginError as error:  # as in a gateway, a provider's bug costs this frame only
        say(f"line {number}: unreadable: {error}", level="warning")
        return 0
    found = [action.event for action in actions if isinstance(action, Emit)]
    for event in found:
        sys.stdout.buffer.write(prefix + event.to_json() + b"\n")
    if not found:
        reasons = [action.reason for action in actions if isinstance(action, Ignore)]
        say(f"line {number}: no event: {'; '.join(reasons) or 'the provider returned no action'}")
    return len(found)
