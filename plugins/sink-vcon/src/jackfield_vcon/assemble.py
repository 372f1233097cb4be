"""A conversation's events as a vCon; pure, and the same bytes whatever the order and the copies of the events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs
import msgspec

from jackfield.events import Event
from jackfield_vcon.analyses import analyses
from jackfield_vcon.dialogs import Dialogs, timestamp
from jackfield_vcon.facts import Facts, moment
from jackfield_vcon.identity import vcon_uuid, whole_text
from jackfield_vcon.links import shown, shown_json, shown_text
from jackfield_vcon.people import People
from jackfield_vcon.recordings import Recordings
from jackfield_vcon.redact import EVENTS

__all__ = ["Amended", "Edition", "assemble", "encode"]

VERSION = "0.4.0"
COMPLETENESS = "jackfield-completeness"
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_SPAN = ("kind", "feed", "since", "until", "reason")
_GAPS = ("stream.gap_suspected", "stream.not_verified")


@attrs.frozen
class Amended:
    """The version before: its uuid and its content's hash."""

    uuid: str
    content_hash: str


@attrs.frozen
class Edition:
    """Which of a conversation's vCons."""

    version: int = 1
    amended: Amended | None = None
    form: str = ""
    """What is left out."""


FIRST = Edition()


def assemble(
    facts: Facts,
    key: str,
    *,
    domain: str = "",
    gaps: Iterable[Event] = (),
    edition: Edition = FIRST,
    recordings: Recordings | None = None,
) -> dict[str, Any]:
    """The vCon of a conversation; `gaps` are what was said of events that may be missing."""
    recordings = recordings or Recordings()
    people = People.of(facts, domain)
    dialogs = Dialogs.of(facts, people, recordings)
    first, last = moment(facts.events[0]), moment(facts.events[-1])
    vcon: dict[str, Any] = {
        "vcon": VERSION,
        "uuid": vcon_uuid(domain, key, edition.version, edition.form),
        "created_at": timestamp(max(last, first)),
        "subject": shown_text(_subject(facts)),
        "extensions": ["CC"],
    }
    if (amended := edition.amended) is not None:
        vcon["updated_at"] = timestamp(max(each.received for each in facts.events).astimezone(UTC))
        vcon["amended"] = {"uuid": amended.uuid, "content_hash": amended.content_hash}
    # Who made the vCon contributed what is attached to it.
    maker = {"name": domain or "jackfield", "type": "organization"}
    vcon["parties"] = [*shown(people.listed), maker]
    vcon["dialog"] = [_without_credentials(dialog) for dialog in dialogs.listed]
    if analysis := analyses(facts, people, dialogs):
        vcon["analysis"] = analysis
    attached = {"start": timestamp(first), "party": len(people.listed), "dialog": 0}
    vcon["attachments"] = [
        _events(facts, attached),
        _completeness(facts, gaps, dialogs, attached),
    ]
    return vcon


def encode(vcon: Mapping[str, Any]) -> bytes:
    """Its text."""
    try:
        return msgspec.json.encode(vcon) + b"\n"
    except UnicodeEncodeError:  # a message that was cut within an emoji; the attached event has it as it came
        return msgspec.json.encode(_whole(vcon)) + b"\n"


def _whole(value: Any) -> Any:
    match value:
        case str():
            return whole_text(value)
        case Mapping():
            return {name: _whole(each) for name, each in value.items()}
        case list():
            return [_whole(each) for each in value]
    return value


def _subject(facts: Facts) -> str:
    direction = next((each.parties.direction for each in facts.events if each.parties.direction), "")
    media = next((each.parties.media for each in facts.events if each.parties.media), "")
    queue = next((each.parties.queue_name for each in facts.events if each.parties.queue_name), "")
    return " ".join(word for word in (direction, media, f"contact, {queue}" if queue else "contact") if word)


def _without_credentials(dialog: Mapping[str, Any]) -> dict[str, Any]:
    """Without them in its links; what somebody said stays as it was said."""
    said = {"body": dialog["body"]} if "body" in dialog else {}
    return {name: shown(value) for name, value in dialog.items()} | said


def _events(facts: Facts, attached: Mapping[str, Any]) -> dict[str, Any]:
    """All of them, as every sink writes them but for credentials in links."""
    return {
        "purpose": EVENTS,
        **attached,
        "mediatype": "application/jsonl",
        "body": "".join(f"{shown_json(event.to_json().decode())}\n" for event in facts.events),
        "encoding": "none",
    }


def _completeness(facts: Facts, gaps: Iterable[Event], dialogs: Dialogs, attached: Mapping[str, Any]) -> dict[str, Any]:
    """In which spans events may be missing, whether its end was seen, and which recordings are not verified."""
    unique = {event.id: event for event in gaps if event.kind in _GAPS}
    # Where its beginning or its end is missing, that may be in a gap before or behind what is there.
    first = moment(facts.events[0]) if facts.beginning_seen else _EARLIEST
    last = _LATEST if facts.end_missing else moment(facts.events[-1])
    spans = sorted({span for event in unique.values() if (span := _span(event, first, last)) is not None})
    body: dict[str, Any] = {"beginning_seen": facts.beginning_seen, "end_seen": facts.is_over}
    body["gaps"] = [dict(zip(_SPAN, span, strict=True)) for span in spans]
    if dialogs.unverified:
        body["recordings"] = [{"dialog": index, "reason": reason} for index, reason in dialogs.unverified.items()]
    return {
        "purpose": COMPLETENESS,
        **attached,
        "mediatype": "application/json",
        "body": shown(body),
        "encoding": "json",
    }


def _span(event: Event, first: datetime, last: datetime) -> tuple[str, ...] | None:
    """The span in which events of a feed may be missing; ``None`` where a conversation does not reach into it."""
    data = event.data if isinstance(event.data, dict) else {}
    since, until = (_moment(data.get(name)) or moment(event) for name in ("since", "until"))
    if since > last or until < first:
        return None
    kind = event.kind.partition(".")[2]
    return kind, event.feed, timestamp(since), timestamp(until), str(data.get("reason", ""))


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo is not None else found.replace(tzinfo=UTC)
