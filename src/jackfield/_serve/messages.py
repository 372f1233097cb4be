"""What goes out: positions as texts, events as CloudEvents, server-sent events, documents of the state. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import attrs
import msgspec

from jackfield._gateway.watch import Changes
from jackfield._serve.grants import Grant
from jackfield.events import Event
from jackfield.state import Agent, Change, Queue, Snapshot, Totals
from jackfield.state.timeline import Timeline

__all__ = [
    "Entry",
    "Positions",
    "changes_document",
    "comment",
    "contacts_document",
    "message",
    "named_message",
    "snapshot_document",
]

DIGITS = 16


@attrs.frozen
class Positions:
    """Positions as texts, which sort in the journal's order and which no other journal has."""

    journal: str

    def text(self, position: int) -> str:
        """The text of a position."""
        return f"{self.journal}-{position:0{DIGITS}d}"

    def read(self, text: str) -> int | None:
        """The position; ``None`` where it is another journal's. `ValueError` where it is not a position."""
        journal, _, number = text.rpartition("-")
        if not (journal.isalnum() and number.isascii() and number.isdigit() and len(number) >= DIGITS):
            raise ValueError(f"{text[:80]!r} is not a position of a journal; give one as it came, such as an event's")
        return int(number[:20]) if journal == self.journal else None


@attrs.define(eq=False)
class Entry:
    """A committed event, and how it is written; made once for all clients that may see the same of it."""

    position: int
    event: Event
    _texts: dict[tuple[bool, bool], bytes] = attrs.field(factory=dict)
    _messages: dict[tuple[bool, bool], bytes] = attrs.field(factory=dict)

    def text(self, grant: Grant, positions: Positions) -> bytes:
        """The event as a CloudEvents JSON object, with its position."""
        text = self._texts.get(grant.view)
        if text is None:
            json = grant.shown(self.event).to_json()
            text = b'{"position":"%b",%b' % (positions.text(self.position).encode(), json[1:])
            self._texts[grant.view] = text
        return text

    def message(self, grant: Grant, positions: Positions) -> bytes:
        """The event as a server-sent one."""
        text = self._messages.get(grant.view)
        if text is None:
            text = self._messages[grant.view] = message(self.text(grant, positions), positions.text(self.position))
        return text


# -- server-sent events --------------------------------------------------------------------------------


def message(data: bytes, position: str = "") -> bytes:
    """A message without a name; with a position the client resumes behind it."""
    return b"id: %b\ndata: %b\n\n" % (position.encode(), data) if position else b"data: %b\n\n" % data


def named_message(name: str, data: bytes) -> bytes:
    """A message that a page gets by its name only."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


def comment(position: str = "") -> bytes:
    """What no page sees; with a position the client resumes behind it all the same."""
    return b":\nid: %b\n\n" % position.encode() if position else b":\n\n"


# -- the state -----------------------------------------------------------------------------------------

encode = msgspec.json.encode


def snapshot_document(snapshot: Snapshot, grant: Grant, positions: Positions, now: datetime) -> bytes:
    """A state as JSON, as far as the grant goes."""
    seen = grant.snapshot(snapshot)
    document = {"position": positions.text(seen.position), "now": now, "live": seen.live}
    document |= {name: getattr(seen, name) for name in seen.__struct_fields__ if name != "position"}
    return encode(document)


def changes_document(
    changes: Changes, grant: Grant, positions: Positions, now: datetime, owners: dict[str, str]
) -> bytes:
    """What has changed as JSON, as far as the grant goes; nothing where it sees none of it.

    `owners` has the feed of each queue and agent, and is kept up to date.
    """
    for each in changes.changes:
        if isinstance(each.value, Agent | Queue):
            owners[each.key] = each.value.feed
    shown = [seen for each in changes.changes if (seen := _seen(each, grant, owners)) is not None]
    document = {"position": positions.text(changes.position), "now": now, "day": changes.day, "changes": shown}
    return encode(document) if shown else b""


def contacts_document(timelines: Iterable[Timeline], grant: Grant) -> bytes:
    """Timelines as JSON, of what the grant sees of them; nothing where that is nothing."""
    shown = []
    for timeline in timelines:
        seen = Timeline.of([grant.shown(each.event) for each in timeline.entries if grant.sees(each.event)])
        if not seen.entries:
            continue
        entries = [
            {
                "at": each.at,
                "after": each.after.total_seconds(),
                "kind": each.kind,
                "feed": each.feed,
                "text": each.text,
                "event": msgspec.Raw(each.event.to_json()),
            }
            for each in seen.entries
        ]
        correlation = next((each.event.correlation for each in seen.entries if each.event.correlation), "")
        shown.append({"correlation": correlation, **_spans(seen), "entries": entries})
    return encode({"contacts": shown}) if shown else b""


def _spans(timeline: Timeline) -> dict[str, float | None]:
    spans = {"waited": timeline.waited, "handled": timeline.handled}
    return {name: None if span is None else span.total_seconds() for name, span in spans.items()}


def _seen(change: Change, grant: Grant, owners: Mapping[str, str]) -> Change | None:
    entity, key, value = change.entity, change.key, change.value
    if entity == "totals":
        return change if grant.allows_totals(key, owners.get(key, "")) else None
    if value is None:  # what was forgotten is nothing but a key
        return change if grant.allows_entity(entity, key.partition("/")[0]) else None
    assert not isinstance(value, Totals)
    if not grant.allows_value(entity, key, value):
        return None
    return msgspec.structs.replace(change, value=grant.without_people(value))
