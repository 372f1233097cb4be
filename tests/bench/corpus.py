"""Frames as the vendors send them, 600 bytes each, every one different, each with its number in ``data.seq``.

They are made from templates with places of a fixed width, so that a million of them cost a server no thought.
"""

import json
from collections.abc import Iterator
from functools import cache

CUSTOMER = "550e8400-e29b-41d4-a716-446655440000"
ACCOUNT = "4b31dd1d32ce6d249897c06332375d65"
SIZE = 600

# Nine digits each: the number of the event, and a thing's; nineteen digits: when it was sent, in nanoseconds; six
# digits of a moment: no two events in a row have the same, nor the same resource.
SEQ, SENT, MICRO = 111_111_111, 2_000_000_000_000_000_000, 777_777

_VOIPBIN = (
    ("call_progressing", "call"),
    ("call.status", "call"),
    ("call_hangup", "call"),
    ("queuecall_joined", "queue"),
    ("message_created", "message"),
    ("activeflow_updated", "activeflow"),
    ("transcript_created", "transcribe"),
    ("recording_finished", "recording"),
)
_VINIX = (
    ("queue", "join"),
    ("queue", "leave"),
    ("session", "create"),
    ("recipient", "ready"),
    ("recipient", "offer"),
    ("queue", "delivered"),
    ("recipient", "wrapup_start"),
    ("session", "delete"),
)


def _voipbin(number: int) -> dict:
    name, resource = _VOIPBIN[number % len(_VOIPBIN)]
    thing = f"{number:08x}-0000-4000-8000-{SEQ:012d}"
    return {
        "event_type": name,
        "timestamp": f"2026-08-20T09:15:07.{MICRO}Z",
        "topic": f"customer_id:{CUSTOMER}:{resource}:{thing}",
        "data": {
            "seq": SEQ,
            "sent": SENT,
            "id": thing,
            "customer_id": CUSTOMER,
            "flow_id": f"0b0c4f33-9a26-4d9b-8c5a-{SEQ:012d}",
            "source": {
                "type": "tel",
                "target": "+15550001111",
                "target_name": "Zoë Müller" if number % 4 == 0 else "J",
            },
            "destination": {"type": "tel", "target": "+15550002222"},
            "status": "progressing",
            "direction": "incoming",
            "mute": False,
            "tm_create": f"2026-08-20T09:15:00.{MICRO}Z",
        },
    }


def _vinix(number: int) -> dict:
    family, name = _VINIX[number % len(_VINIX)]
    thing = f"{number:023x}{SEQ}"
    return {
        "action": "event",
        "subscribed_key": f"qubicle.{family}",
        "subscription_key": f"qubicle.{family}.{ACCOUNT}.*",
        "name": name,
        "routing_key": f"qubicle.{family}.{ACCOUNT}.{thing}.{name}",
        "data": {
            "seq": SEQ,
            "sent": SENT,
            "account_id": ACCOUNT,
            "app_name": "qubicle",
            "event_category": f"qubicle-{family}",
            "event_name": name,
            "msg_id": f"{number:07x}{SEQ:025d}",
            "event_timestamp": 63_934_000_000 + MICRO,
            f"{family}_id": thing,
            "session_id": f"{number:x}-{SEQ}",
            "stats": {"estimated_wait": 30, "average_wait": 31},
        },
    }


def _padded(frame: dict) -> bytes:
    text = json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode()
    if (room := SIZE - len(text) - len(',"note":""')) > 0:
        frame["data"]["note"] = "x" * room
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode()


@cache
def templates(vendor: str, count: int = 64) -> tuple[bytes, ...]:
    """Frames with `SEQ`, `SENT` and `MICRO` at the places that are to be filled; made once, not for each connection."""
    return tuple(_padded((_voipbin if vendor == "voipbin" else _vinix)(number)) for number in range(count))


def frames(vendor: str, start: int, stop: int) -> Iterator[bytes]:
    """The frames with these numbers."""
    places = {SEQ: b"%(seq)09d", MICRO: b"%(micro)06d"}
    shapes = [each.replace(b"%", b"%%") for each in templates(vendor)]
    for value, place in places.items():
        shapes = [each.replace(b"%d" % value, place) for each in shapes]
    for number in range(start, stop):
        yield shapes[number % len(shapes)] % {b"seq": number + 100_000_000, b"micro": number * 7919 % 1_000_000}


def number_of(seq: int) -> int:
    """The number of the event with this ``data.seq``."""
    return seq - 100_000_000
