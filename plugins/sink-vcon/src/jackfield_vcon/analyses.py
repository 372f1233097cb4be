"""What was made of a conversation: transcripts, summaries, agents' dispositions and notes; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jackfield.events import Event
from jackfield_vcon.dialogs import Dialogs, timestamp
from jackfield_vcon.facts import Facts, moment
from jackfield_vcon.payloads import ai_call_of, disposition_of, role_of, side_of, text_of
from jackfield_vcon.people import People

__all__ = ["analyses"]


def analyses(facts: Facts, people: People, dialogs: Dialogs) -> list[dict[str, Any]]:
    """All of a conversation, each with the vendor and the schema of its content."""
    return [
        *_transcripts(facts, people, dialogs),
        *_machine_talks(facts, dialogs),
        *_summaries(facts),
        *_dispositions(facts, people),
    ]


def _groups(events: Iterable[Event], key: Any) -> Iterator[list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in events:
        found.setdefault(key(event), []).append(event)
    yield from found.values()


def _transcripts(facts: Facts, people: People, dialogs: Dialogs) -> Iterator[dict[str, Any]]:
    """One for each transcription, of the call that it names."""
    calls = {
        event.address.resource_id: event.correlation
        for event in facts.named("transcription.started", "transcription.progressed", "transcription.completed")
    }
    segments = facts.named("transcription.segment_completed")
    for events in _groups(segments, lambda event: event.correlation or event.address.resource_id):
        transcription = events[0].correlation or events[0].address.resource_id
        body = []
        for event in events:
            said = {"at": timestamp(moment(event)), "side": side_of(event), "text": text_of(event)}
            body.append(said | ({"party": people.customer} if said["side"] == "in" else {}))
        yield {
            "type": "transcript",
            "dialog": dialogs.index_of(calls.get(transcription)),
            "vendor": events[0].address.provider,
            "schema": "jackfield-transcript-1",
            "mediatype": "application/json",
            "body": body,
            "encoding": "json",
        }


def _machine_talks(facts: Facts, dialogs: Dialogs) -> Iterator[dict[str, Any]]:
    """What was said to and by a machine, which is a transcript of that talk."""
    for events in _groups(facts.named("ai_call.message_completed"), ai_call_of):
        yield {
            "type": "transcript",
            "dialog": dialogs.index_of(ai_call_of(events[0])),
            "vendor": events[0].address.provider,
            "product": "AI call",
            "schema": "jackfield-ai-messages-1",
            "mediatype": "application/json",
            "body": [
                {"at": timestamp(moment(event)), "role": role_of(event), "text": text_of(event)} for event in events
            ],
            "encoding": "json",
        }


def _summaries(facts: Facts) -> Iterator[dict[str, Any]]:
    """The newest text of each."""
    given = [event for event in facts.named("summary.created", "summary.updated") if text_of(event)]
    newest = {event.address.resource_id: event for event in given}
    for event in newest.values():
        yield {
            "type": "summary",
            "dialog": 0,
            "vendor": event.address.provider,
            "schema": "text",
            "mediatype": "text/plain",
            "body": text_of(event),
            "encoding": "none",
        }


def _dispositions(facts: Facts, people: People) -> Iterator[dict[str, Any]]:
    """How agents classified a contact, and what they noted."""
    for event in facts.named("contact.disposition_completed"):
        if said := disposition_of(event):
            agent = people.agent(event)
            yield {
                "type": "report",
                "dialog": 0,
                "vendor": event.address.provider,
                "schema": "jackfield-disposition-1",
                "mediatype": "application/json",
                "body": {
                    "at": timestamp(moment(event)),
                    **said,
                    **({} if agent is None else {"party": agent}),
                },
                "encoding": "json",
            }
