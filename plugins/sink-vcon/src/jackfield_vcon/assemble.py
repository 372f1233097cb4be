"""A conversation's events as a vCon; pure, and the same bytes whatever the order and the copies of the events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs
import msgspec

from jackfield.events import Event
from jackfield_vcon.dialogs import Dialogs, timestamp
from jackfield_vcon.facts import Facts, moment
from jackfield_vcon.identity import vcon_uuid
from jackfield_vcon.payloads import side_of, text_of
from jackfield_vcon.people import People

__all__ = ["Amended", "assemble", "encode"]

VERSION = "0.4.0"
_SPAN = ("feed", "since", "until", "reason")
_GAPS = ("stream.gap_suspected", "stream.not_verified")


@attrs.frozen
class Amended:
    """The version before: its uuid and its content's hash."""

    uuid: str
    content_hash: str


def assemble(
    facts: Facts,
    key: str,
    *,
    domain: str = "",
    gaps: Iterable[Event] = (),
    amended: Amended | None = None,
    version: int = 1,
    form: str = "",
) -> dict[str, Any]:
    """The vCon of a conversation; `gaps` are what was said of events that may be missing."""
    people = People.of(facts, domain)
    dialogs = Dialogs.of(facts, people)
    first, last = moment(facts.events[0]), moment(facts.events[-1])
    vcon: dict[str, Any] = {
        "vcon": VERSION,
        "uuid": vcon_uuid(domain, key, version, form),
        "created_at": timestamp(max(last, first)),
        "subject": _subject(facts),
        "extensions": ["CC"],
    }
    if amended is not None:
        vcon["amended"] = {"uuid": amended.uuid, "content_hash": amended.content_hash}
    vcon["parties"] = people.listed
    vcon["dialog"] = dialogs.listed
    if analysis := [*_transcripts(facts), *_summaries(facts)]:
        vcon["analysis"] = analysis
    vcon["attachments"] = [_events(facts), _completeness(facts, gaps)]
    return vcon


def encode(vcon: Mapping[str, Any]) -> bytes:
    """Its text."""
    return msgspec.json.encode(vcon) + b"\n"


def _subject(facts: Facts) -> str:
    direction = next((each.parties.direction for each in facts.events if each.parties.direction), "")
    media = next((each.parties.media for each in facts.events if each.parties.media), "")
    queue = next((each.parties.queue_name for each in facts.events if each.parties.queue_name), "")
    return " ".join(word for word in (direction, media, f"contact, {queue}" if queue else "contact") if word)


def _transcripts(facts: Facts) -> list[dict[str, Any]]:
    """One for each transcription."""
    found: dict[str, list[Event]] = {}
    for event in facts.named("transcription.segment_completed"):
        found.setdefault(event.correlation or event.address.resource_id, []).append(event)
    return [
        {
            "type": "transcript",
            "dialog": 0,
            "vendor": events[0].address.provider,
            "schema": "jackfield-transcript-1",
            "mediatype": "application/json",
            "body": [
                {"at": timestamp(moment(event)), "side": side_of(event), "text": text_of(event)} for event in events
            ],
            "encoding": "json",
        }
        for events in found.values()
    ]


def _summaries(facts: Facts) -> list[dict[str, Any]]:
    return [
        {
            "type": "summary",
            "dialog": 0,
            "vendor": event.address.provider,
            "schema": "text",
            "mediatype": "text/plain",
            "body": text_of(event),
            "encoding": "none",
        }
        for event in facts.named("summary.created", "summary.updated")
    ]


def _events(facts: Facts) -> dict[str, Any]:
    """All of them, as every sink writes them."""
    return {
        "purpose": "jackfield-events",
        "start": timestamp(moment(facts.events[0])),
        "party": 0,
        "dialog": 0,
        "mediatype": "application/jsonl",
        "body": b"".join(event.to_json() + b"\n" for event in facts.events).decode(),
        "encoding": "none",
    }


def _completeness(facts: Facts, gaps: Iterable[Event]) -> dict[str, Any]:
    """In which spans events may be missing, and whether its end was seen."""
    unique = {event.id: event for event in gaps if event.kind in _GAPS}
    first, last = moment(facts.events[0]), moment(facts.events[-1])
    spans = sorted({span for event in unique.values() if (span := _span(event, first, last)) is not None})
    return {
        "purpose": "jackfield-completeness",
        "start": timestamp(moment(facts.events[0])),
        "party": 0,
        "dialog": 0,
        "mediatype": "application/json",
        "body": {"end_seen": facts.is_over, "gaps": [dict(zip(_SPAN, span, strict=True)) for span in spans]},
        "encoding": "json",
    }


def _span(event: Event, first: datetime, last: datetime) -> tuple[str, ...] | None:
    """The span in which events of a feed may be missing; ``None`` where a conversation does not reach into it."""
    data = event.data if isinstance(event.data, dict) else {}
    since, until = (_moment(data.get(name)) or moment(event) for name in ("since", "until"))
    if since > last or until < first:
        return None
    return event.feed, timestamp(since), timestamp(until), str(data.get("reason", ""))


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo is not None else found.replace(tzinfo=UTC)
