"""One leg: a call, or an agent's part of a contact, with who was in it when; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from jackfield.events import Event
from jackfield_vcon.facts import Facts, moment
from jackfield_vcon.payloads import campaign_of, ended_by
from jackfield_vcon.people import People

__all__ = ["SOUND", "in_words", "leg", "numbers_of", "timestamp"]

_DISPOSITIONS: Mapping[str, str] = {
    "busy": "busy",
    "no_answer": "no-answer",
    "timeout": "no-answer",
    "abandoned": "hung-up",
    "normal": "hung-up",
}
SOUND = "audio/x-wav"
"""Of a talk whose content is not in the vCon; readers ask for a media type all the same."""
_ENDS = ("call.cleared", "call.failed", "call.deleted")


def timestamp(at: datetime) -> str:
    """A moment as RFC 3339 has it."""
    return at.isoformat().replace("+00:00", "Z")


def leg(events: list[Event], facts: Facts, people: People, *, until: datetime | None = None) -> dict[str, Any]:
    """A call, or a contact with the call that it came by; `until` is when another agent took it over."""
    times = {event.kind: moment(event) for event in reversed(events)}  # the first of each kind
    abandoned = "contact.abandoned" in times and "contact.connected" not in times
    answered = times.get("contact.connected") or (None if abandoned else times.get("call.connected"))
    history = list(_history(events, people))
    originator = _originator(events, people)
    present = {people.customer, *numbers_of(events, people), *(each["party"] for each in history)}
    started = answered or moment(events[0])
    dialog: dict[str, Any] = {
        "type": "incomplete" if answered is None else "recording",
        "start": timestamp(started),
        # The first is the originator.
        "parties": [originator, *sorted(present - {originator})],
    }
    if answered is None:
        dialog["disposition"] = "hung-up" if abandoned else _disposition(events)
    else:
        dialog["duration"] = max(0.0, round((_end(events, until) - started).total_seconds(), 6))
        dialog["mediatype"] = SOUND
        dialog["party_history"] = history
    campaigns = [campaign for event in facts.events if (campaign := campaign_of(event)[0])]
    return dialog | in_words(events) | ({"campaign": campaigns[0]} if campaigns else {})


def numbers_of(events: Iterable[Event], people: People) -> Iterator[int]:
    """The parties whose numbers are in events."""
    for event in events:
        for number in (event.parties.caller, event.parties.callee):
            if (index := people.number(number)) is not None:
                yield index


def in_words(events: list[Event]) -> dict[str, Any]:
    """What contact centres want to know of it."""
    words: dict[str, Any] = {"application": events[0].address.provider}
    # A call may have been heard of before its contact was, and then by an id of its own.
    ours = [event for event in events if event.kind.startswith("contact.")] or events
    if correlation := next((event.correlation for event in ours if event.correlation), None):
        words["interaction_id"] = correlation
    # By its name, and by its id where no event says that.
    queues = [(event.parties.queue_id or event.parties.queue_name, event.parties.queue_name) for event in events]
    names = {queue: queue for queue, _ in queues if queue} | {queue: name for queue, name in queues if name}
    if names:
        words["skill"] = sorted(set(names.values()))
    return words


def _originator(events: list[Event], people: People) -> int:
    """Who began it: the caller, who is the customer where nobody says otherwise."""
    caller = next((event.parties.caller for event in events if event.parties.caller), "")
    index = people.number(caller)
    return people.customer if index is None else index


def _history(events: list[Event], people: People) -> Iterator[dict[str, Any]]:
    """Who came, held, pressed a key, and went; the first to go has hung up."""
    customer, joined = people.customer, set[int]()

    def entry(party: int, event: Event, word: str, **more: str) -> dict[str, Any]:
        return {"party": party, "time": timestamp(moment(event)), "event": word, **more}

    for event in events:
        agent = people.agent(event)
        match event.kind:
            case "call.connected" | "contact.connected":
                who = [customer] if event.kind == "call.connected" or agent is None else [customer, agent]
                for party in who:
                    if party not in joined:
                        joined.add(party)
                        yield entry(party, event, "join")
            case "contact.disconnected" if agent in joined and agent is not None:
                joined.discard(agent)
                yield entry(agent, event, "drop")
            case "call.held" | "call.retrieved":
                party = customer if agent is None else agent
                yield entry(party, event, "hold" if event.kind == "call.held" else "unhold")
            case "call.digit_received":
                yield entry(customer, event, "keydown", **_button(event))
            case "supervision.started" | "supervision.ended":
                if (listener := people.supervisor(event)) is not None:
                    yield entry(listener, event, "join" if event.kind == "supervision.started" else "drop")
            case "contact.ended" | "call.cleared" | "call.failed":
                ours_first = ended_by(event) == "local"
                for party in sorted(joined, key=lambda each: ((each == customer) == ours_first, each)):
                    yield entry(party, event, "drop")
                joined.clear()


def _disposition(events: list[Event]) -> str:
    causes = [event.parties.cause for event in events if event.parties.cause]
    return _DISPOSITIONS.get(causes[-1], "failed") if causes else "failed"


def _end(events: list[Event], until: datetime | None) -> datetime:
    """When the talk was over: the contact's, else the call's."""
    for kinds in (("contact.disconnected",), ("contact.ended",), _ENDS):
        if found := [moment(event) for event in events if event.kind in kinds]:
            return max(found)
    return until or moment(events[-1])


def _button(event: Event) -> dict[str, str]:
    data = event.data if isinstance(event.data, dict) else {}
    digit = next((data[name] for name in ("digit", "dtmf_digit", "DTMF-Digit") if isinstance(data.get(name), str)), "")
    return {"button": digit}
