"""The dialogs of a vCon: each leg, each message, each recording, and what became of them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from jackfield.events import Event
from jackfield_vcon.facts import Facts, moment
from jackfield_vcon.payloads import text_of
from jackfield_vcon.people import People

__all__ = ["Dialogs", "timestamp"]

_DISPOSITIONS: Mapping[str, str] = {
    "busy": "busy",
    "no_answer": "no-answer",
    "timeout": "no-answer",
    "abandoned": "hung-up",
    "normal": "hung-up",
}
SOUND = "audio/x-wav"
"""Of a talk whose content is not in the vCon; readers ask for a media type all the same."""
_CONTACTS = ("contact.", "offer.", "supervision.")
_ENDS = ("call.cleared", "call.failed", "call.deleted")


def timestamp(at: datetime) -> str:
    """A moment as RFC 3339 has it."""
    return at.isoformat().replace("+00:00", "Z")


@attrs.define
class Dialogs:
    """Dialogs in the order of their beginnings, the customer's own first."""

    facts: Facts
    people: People
    listed: list[dict[str, Any]] = attrs.field(factory=list)

    @classmethod
    def of(cls, facts: Facts, people: People) -> Dialogs:
        """All of a conversation; at least one."""
        dialogs = cls(facts, people)
        legs = dialogs._legs()
        main = next(iter(legs), "")
        if facts.named("contact.queued", "contact.created", "contact.connected", "contact.abandoned") or not legs:
            contact = [
                event
                for event in facts.events
                if event.kind.startswith(_CONTACTS)
                or (event.kind.startswith("call.") and event.address.resource_id == main)
            ]
            if contact:
                dialogs._add(dialogs._leg(contact))
                legs.pop(main, None)
        for events in legs.values():
            dialogs._add(dialogs._leg(events))
        dialogs._add_machines()
        dialogs._add_transfers()
        for message in facts.named("message.received", "message.sent", "chat.message_posted"):
            dialogs._add(dialogs._message(message))
        for recording in facts.named("recording.completed"):
            dialogs._add(dialogs._recording(recording))
        if not dialogs.listed:
            first = facts.events[0]
            dialogs._add({"type": "incomplete", "start": timestamp(moment(first)), "disposition": "failed"})
        return dialogs

    def _add(self, dialog: dict[str, Any]) -> None:
        self.listed.append(dialog)

    def _legs(self) -> dict[str, list[Event]]:
        """The events of each call, the customer's first leg first."""
        legs: dict[str, list[Event]] = {}
        for event in self.facts.events:
            if event.kind.startswith("call."):
                legs.setdefault(event.address.resource_id, []).append(event)
        return legs

    def _leg(self, events: list[Event]) -> dict[str, Any]:
        """A call, or a contact with the call that it came by."""
        times = {event.kind: moment(event) for event in reversed(events)}  # the first of each kind
        abandoned = "contact.abandoned" in times and "contact.connected" not in times
        answered = times.get("contact.connected") or (None if abandoned else times.get("call.connected"))
        history = list(self._history(events))
        present = sorted({self.people.customer, *self._numbers(events), *(each["party"] for each in history)})
        started = answered or moment(events[0])
        dialog: dict[str, Any] = {
            "type": "incomplete" if answered is None else "recording",
            "start": timestamp(started),
            "parties": present,
            "originator": self._originator(events),
        }
        if answered is None:
            dialog["disposition"] = "hung-up" if abandoned else self._disposition(events)
        else:
            dialog["duration"] = max(0.0, round((_end(events) - started).total_seconds(), 6))
            dialog["mediatype"] = SOUND
            dialog["party_history"] = history
        return dialog | self._in_words(events)

    def _numbers(self, events: Iterable[Event]) -> Iterator[int]:
        for event in events:
            for number in (event.parties.caller, event.parties.callee):
                if (index := self.people.number(number)) is not None:
                    yield index

    def _originator(self, events: list[Event]) -> int:
        """Who began it: the caller, who is the customer where nobody says otherwise."""
        caller = next((event.parties.caller for event in events if event.parties.caller), "")
        index = self.people.number(caller)
        return self.people.customer if index is None else index

    def _in_words(self, events: list[Event]) -> dict[str, Any]:
        """What contact centres want to know of it."""
        words: dict[str, Any] = {"application": events[0].address.provider}
        # A call may have been heard of before its contact was, and then by an id of its own.
        ours = [event for event in events if event.kind.startswith("contact.")] or events
        if correlation := next((event.correlation for event in ours if event.correlation), None):
            words["interaction_id"] = correlation
        if skills := sorted({event.parties.queue_name for event in events if event.parties.queue_name}):
            words["skill"] = skills
        return words

    def _history(self, events: list[Event]) -> Iterator[dict[str, Any]]:
        """Who came, held, pressed a key, and went; the first to go has hung up."""
        customer, joined = self.people.customer, set[int]()

        def entry(party: int, event: Event, word: str, **more: str) -> dict[str, Any]:
            return {"party": party, "time": timestamp(moment(event)), "event": word, **more}

        for event in events:
            agent = self.people.agent(event)
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
                    if (listener := self.people.supervisor(event)) is not None:
                        yield entry(listener, event, "join" if event.kind == "supervision.started" else "drop")
                case "contact.ended" | "call.cleared" | "call.failed":
                    for party in sorted(joined):
                        yield entry(party, event, "drop")
                    joined.clear()

    @staticmethod
    def _disposition(events: list[Event]) -> str:
        causes = [event.parties.cause for event in events if event.parties.cause]
        return _DISPOSITIONS.get(causes[-1], "failed") if causes else "failed"

    def _add_machines(self) -> None:
        """Talks with a machine."""
        talks: dict[str, list[Event]] = {}
        for event in self.facts.events:
            if event.kind.startswith("ai_call.") and "message" not in event.kind:
                talks.setdefault(event.address.resource_id, []).append(event)
        for events in talks.values():
            first, last = moment(events[0]), moment(events[-1])
            bot = self.people.machine()
            dialog = {
                "type": "recording",
                "start": timestamp(first),
                "duration": round((last - first).total_seconds(), 6),
                "parties": [self.people.customer, *([bot] if bot is not None else [])],
                "originator": self.people.customer,
                "mediatype": SOUND,
            }
            self._add(dialog | self._in_words(events))

    def _add_transfers(self) -> None:
        """A contact that changes agents, and calls that a vendor says were transferred."""
        before: Event | None = None
        for event in self.facts.named("contact.connected"):
            agent = self.people.agent(event)
            earlier = None if before is None else self.people.agent(before)
            if agent is not None and earlier is not None and agent != earlier:
                transfer = {"type": "transfer", "start": timestamp(moment(event))}
                self._add(
                    transfer
                    | {
                        "parties": sorted({self.people.customer, earlier, agent}),
                        "transferor": earlier,
                        "transferee": self.people.customer,
                        "transfer_target": agent,
                        "original": 0,
                        "target_dialog": 0,
                    }
                )
            before = event
        for event in self.facts.named("call.transferred"):
            customer, agent = self.people.customer, self.people.agent(event)
            transferred = {
                "parties": sorted({customer, *([agent] if agent is not None else [])}),
                "transferor": customer if agent is None else agent,
                "transferee": customer,
                "original": 0,
            }
            self._add({"type": "transfer", "start": timestamp(moment(event)), **transferred})

    def _message(self, event: Event) -> dict[str, Any]:
        sender = self.people.number(event.parties.caller)
        parties = sorted({self.people.customer, *self._numbers([event])})
        dialog: dict[str, Any] = {
            "type": "text",
            "start": timestamp(moment(event)),
            "parties": parties,
            "originator": self.people.customer if sender is None else sender,
            "mediatype": "text/plain",
            "body": text_of(event),
            "encoding": "none",
            "message_id": event.address.resource_id,
        }
        return dialog | self._in_words([event])

    def _recording(self, event: Event) -> dict[str, Any]:
        """That it was recorded; a link to it is among the events, and has no hash."""
        ours = [e for e in self.facts.named("recording.started") if e.address.resource_id == event.address.resource_id]
        first = moment(ours[0]) if ours else moment(event)
        dialog: dict[str, Any] = {
            "type": "recording",
            "start": timestamp(first),
            "parties": list(range(len(self.people.listed))),
            "originator": self.people.customer,
            "mediatype": SOUND,
            "filename": event.address.resource_id,
        }
        if ours:
            dialog["duration"] = round((moment(event) - first).total_seconds(), 6)
        return dialog | self._in_words([event])


def _end(events: list[Event]) -> datetime:
    """When the talk was over: the contact's, else the call's."""
    for kinds in (("contact.disconnected",), ("contact.ended",), _ENDS):
        if found := [moment(event) for event in events if event.kind in kinds]:
            return max(found)
    return moment(events[-1])


def _button(event: Event) -> dict[str, str]:
    data = event.data if isinstance(event.data, dict) else {}
    digit = next((data[name] for name in ("digit", "dtmf_digit", "DTMF-Digit") if isinstance(data.get(name), str)), "")
    return {"button": digit}
