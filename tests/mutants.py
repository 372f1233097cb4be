"""Frames of both vendors, whole and spoiled in many ways, always the same ones; and digests of what each became.

`python tests/mutants.py` writes the digests of the present tree to `tests/property/mutants.json`. That is right only
where ids or lines are to change: sinks and other gateways then take copies of one event for two.
"""

import hashlib
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from jackfield.errors import FrameError
from jackfield.plugin.protocol import Emit, Ignore
from jackfield_vinix.protocol import VinixProtocol
from jackfield_voipbin.protocol import VoipbinProtocol

ROOT = Path(__file__).parents[1]
DIGESTS = ROOT / "tests" / "property" / "mutants.json"
BLOCK, BLOCKS = 500, 100
"""Of mutated frames for each vendor; each block has a protocol of its own, so that one can be looked at alone."""
AT = datetime(2026, 8, 20, 9, 15, 7, 123456, tzinfo=UTC)

WORDS = r"""
null true false 0 -1 1.5 0.10 1E3 1e400 -1e-400 12345678901234567890 63934444800 1787217307 1787217307123
01 +1 .5 nul NaN Infinity [] {} [[],{}] {"id":"x"} {"a":1,"a":2} {"a":}
"" "*" "%40/a" "\x" "\u0000\n"
"\ud83d" "\ud83d\ude00"
"Zo\u00eb" "Zoë" "00000000-0000-0000-0000-000000000000" "2026-08-20T09:15:07Z" "9999-01-01T00:00:00Z" "1787217307123456"
"2026-08-20T18:15:07.1234567+09:00" "call" "agent" "progressing" "hangup" "inbound" "join" "customer_id:X:call:1"
"agent_id:A:call:call_hangup:1" "qubicle.queue.A.B" "qubicle.session.4B.%2E.create"
"""
# What stands in a value's place, as JSON text: what msgspec refuses or skips, and what a vendor may well send.
TEXTS = (
    *WORDS.split(),
    '"white space"',
    '"\x01"',
    f'"{"x" * 300}"',
    "9" * 400,
    "9" * 5000,
    "0." + "3" * 40,
)
# Problems that have another name since the digests were made.
RENAMED = {"its JSON object has what cannot be read": "not a JSON object"}
PLACE = b'"here"'
BYTES = (*(bytes([byte]) for byte in b'\xff\xc3\x00 \n"\\{},:0'), b"\r\n", b"e9", b"\xef\xbb\xbf")


@cache
def fixtures(vendor):
    """Every frame that the repository has of a vendor."""
    folder = ROOT / "plugins" / f"provider-{vendor}" / "tests"
    found = []
    for path in sorted(folder.glob("**/*.jsonl")):
        for line in path.read_bytes().splitlines():
            row = json.loads(line)
            frame = row.get("wire") or row.get("data") or row.get("in")
            if frame is not None:
                found.append(frame.encode() if isinstance(frame, str) else _text(frame))
    return found


def mutants(vendor, block):
    """The mutated frames of one block."""
    rng = random.Random(f"{vendor} {block}")
    whole = fixtures(vendor)
    return [_mutated(rng, whole) for _ in range(BLOCK)]


def outcome(protocol, frame, at):
    """What a frame became, as text: lines, objects and reasons, without what a library says in its own words."""
    try:
        actions = tuple(protocol.received(frame, at))
    except FrameError as error:
        problem = error.problem.partition(":")[0]
        return f"unreadable: {RENAMED.get(problem, problem)}"
    told = []
    for action in actions:
        match action:
            case Emit(event):
                assert event.raw == frame
                told.append(f"{event.to_json()!r} {event.data!r} {event.time!r} {event.inferred!r} {event.address!r}")
            case Ignore(reason):
                told.append(reason.partition(":")[0])
            case _:
                told.append(type(action).__name__)
    return "\n".join(told)


def protocol_of(vendor):
    """A protocol that has seen nothing."""
    return (
        VoipbinProtocol("office", "C")
        if vendor == "voipbin"
        else VinixProtocol("office", "4b31dd1d32ce6d249897c06332375d65")
    )


def outcomes(vendor, frames):
    """What one protocol makes of the frames, each a second later than the one before it."""
    protocol = protocol_of(vendor)
    return [outcome(protocol, frame, AT + timedelta(seconds=number)) for number, frame in enumerate(frames)]


def digest(outcomes):
    return hashlib.sha256("\n\n".join(outcomes).encode(errors="surrogatepass")).hexdigest()[:16]


def digests(vendor, blocks):
    """Of the fixtures, and of the first so many blocks of mutants."""
    return [
        digest(outcomes(vendor, each))
        for each in (fixtures(vendor), *(mutants(vendor, number) for number in range(blocks)))
    ]


def _text(value):
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return json.dumps(value).encode()


def _mutated(rng, frames):
    frame = rng.choice(frames)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        frame = rng.choice((_value, _value, _value, _member, _torn, _spaced))(rng, frame)
    return frame


def _value(rng, frame):
    """One value replaced by another text."""
    try:
        document = json.loads(frame)
    except (ValueError, RecursionError):
        return _torn(rng, frame)
    places = list(_places(document))
    if not places:
        return frame
    parent, key = rng.choice(places)
    parent[key] = "here"
    return _text(document).replace(PLACE, rng.choice(TEXTS).encode())


def _member(rng, frame):
    """One member left out, renamed, or written as a webhook writes it."""
    try:
        document = json.loads(frame)
    except (ValueError, RecursionError):
        return _torn(rng, frame)
    places = [(parent, key) for parent, key in _places(document) if isinstance(parent, dict)]
    if not places:
        return frame
    parent, key = rng.choice(places)
    value = parent.pop(key)
    match rng.randrange(3):
        case 0:
            parent["-".join(part.capitalize() for part in key.split("_"))] = value
        case 1:
            parent[
                rng.choice(
                    ("id", "tm_update", "tm_hangup", "call_id", "status", "queue_id", "type", "name", "event", "data")
                )
            ] = value
    return _text(document)


def _torn(rng, frame):
    """Bytes cut out and put in."""
    start = rng.randrange(len(frame) + 1)
    return frame[:start] + rng.choice(BYTES) * rng.randrange(2) + frame[start + rng.randrange(4) :]


def _spaced(rng, frame):
    """The same with white space between its tokens, and everything beyond ASCII escaped."""
    try:
        return json.dumps(json.loads(frame), indent=rng.choice((None, 1))).encode()
    except (ValueError, RecursionError):
        return b" " + frame + b"\n"


def _places(value):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in list(items):
        yield value, key
        yield from _places(each)


if __name__ == "__main__":
    written = {vendor: digests(vendor, BLOCKS) for vendor in ("voipbin", "vinix")}
    DIGESTS.write_text(json.dumps(written, indent=0) + "\n")
    sys.stdout.write(f"{DIGESTS.name}\n")
