"""An event as one readable line: when, where, what, about which thing, and the details that matter.

Vendors' texts are shown without control characters, so that nobody's caller name moves our cursor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Any

from jackfield.events import Event, Parties

__all__ = ["render"]

# Details of payloads in the order of their use to a reader; the first few that an event has follow its parties.
_TELLING = (
    "status",
    "state",
    "message",
    "text",
    "position",
    "estimated_wait",
    "wait_time",
    "reason",
    "topic",
    "topics",
)
MOST_DETAILS = 4
LONGEST_DETAIL = 48
SHORT_ID = 8

_COLORS = {
    "call": "36",
    "contact": "32",
    "offer": "33",
    "agent": "35",
    "queue": "34",
    "message": "96",
    "transcription": "37",
    "stream": "90",
    "unmapped": "31",
}


def render(event: Event, *, color: bool = False) -> str:
    """The event as a line without a line break."""
    # When it came, not when it happened: KAZOO's clock shows whole seconds, and a live view reads down.
    moment = event.received.astimezone()
    kind = f"{_plain(event.kind):<26}"
    if color:
        code = _COLORS.get(event.kind.partition(".")[0], "0")
        kind = f"\x1b[{code}m{kind}\x1b[0m"
    address = event.address
    thing = _plain(f"{address.resource}/{_short(address.resource_id)}")
    details = "  ".join(islice(dict.fromkeys(chain(_parties(event.parties), _details(event.data))), MOST_DETAILS))
    clock = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"
    return f"{clock}  {_plain(event.feed):<12} {kind} {thing:<22} {details}".rstrip()


def _parties(parties: Parties) -> Iterator[str]:
    shown = {
        "caller": " ".join(filter(None, (parties.caller_name, parties.caller))),
        "agent": parties.agent_name or _short(parties.agent_id),
        "queue": parties.queue_name or _short(parties.queue_id),
        "cause": parties.cause,
        "reason": parties.agent_reason,
    }
    return (f"{name}={_cut(text)}" for name, text in shown.items() if text)


def _details(data: Any) -> Iterator[str]:
    fields = data if isinstance(data, Mapping) else {}
    return (f"{name}={_cut(value)}" for name in _TELLING if (value := fields.get(name)) not in (None, "", [], {}))


def _short(text: str) -> str:
    return text if len(text) <= SHORT_ID + 4 else text[:SHORT_ID] + "…"


def _cut(value: Any) -> str:
    text = _plain(", ".join(map(str, value)) if isinstance(value, list) else str(value))
    return text if len(text) <= LONGEST_DETAIL else text[: LONGEST_DETAIL - 1] + "…"


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else "�" for each in text)
