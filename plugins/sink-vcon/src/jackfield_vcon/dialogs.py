"""The dialogs of a vCon: each leg, each message, each recording, and what became of them; pure."""

from __future__ import annotations

from typing import Any

import attrs

from jackfield.events import Event
from jackfield_vcon.facts import Facts, moment
from jackfield_vcon.legs import SOUND, in_words, leg, numbers_of, timestamp
from jackfield_vcon.payloads import same_message, text_of
from jackfield_vcon.people import People
from jackfield_vcon.recordings import COMPLETED, Content, Recordings

__all__ = ["Dialogs", "timestamp"]

_CONTACTS = ("contact.", "offer.", "supervision.")


@attrs.define
class Dialogs:
    """Dialogs in the order of their beginnings, the customer's own first."""

    facts: Facts
    people: People
    recordings: Recordings
    listed: list[dict[str, Any]] = attrs.field(factory=list)
    unverified: dict[int, str] = attrs.field(factory=dict)
    """Links to recordings whose content nobody has hashed, and why."""
    _where: dict[str, int] = attrs.field(factory=dict)

    @classmethod
    def of(cls, facts: Facts, people: People, recordings: Recordings) -> Dialogs:
        """All of a conversation; at least one."""
        dialogs = cls(facts, people, recordings)
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
                dialogs._add_contact(contact, main)
                legs.pop(main, None)
        for name, events in legs.items():
            dialogs._add(leg(events, facts, people), name)
        dialogs._add_machines()
        dialogs._add_transfers()
        messages = facts.named("message.received", "message.sent", "chat.message_posted")
        known = {event.address.resource_id for event in messages}
        for message in messages:
            if same_message(message) not in known:  # the one that it repeats says more of who takes part
                dialogs._add(dialogs._message(message))
        for recording in facts.named(COMPLETED):
            dialogs._add_recording(recording)
        if not dialogs.listed:
            first = facts.events[0]
            dialogs._add({"type": "incomplete", "start": timestamp(moment(first)), "disposition": "failed"})
        return dialogs

    def index_of(self, name: str | None) -> int:
        """The dialog of a call or of a talk with a machine; the first one where it has none of its own."""
        return self._where.get(name or "", 0)

    def _add(self, dialog: dict[str, Any], name: str = "") -> int:
        if name:
            self._where[name] = len(self.listed)
        self.listed.append(dialog)
        return len(self.listed) - 1

    def _legs(self) -> dict[str, list[Event]]:
        """The events of each call, the customer's first leg first."""
        legs: dict[str, list[Event]] = {}
        for event in self.facts.events:
            if event.kind.startswith("call."):
                legs.setdefault(event.address.resource_id, []).append(event)
        return legs

    def _add_contact(self, events: list[Event], main: str) -> None:
        """A contact: one dialog for each agent who had it, and a transfer between one and the next."""
        talks: list[list[Event]] = [[]]
        agents: list[int] = []
        for event in events:
            agent = self.people.agent(event) if event.kind == "contact.connected" else None
            if agent is not None and agent not in agents[-1:]:
                if agents:
                    talks.append([])
                agents.append(agent)
            talks[-1].append(event)
        starts = [moment(talk[0]) for talk in talks[1:]]
        indexes = [
            self._add(leg(talk, self.facts, self.people, until=until), "" if number else main)
            for number, (talk, until) in enumerate(zip(talks, [*starts, None], strict=True))
        ]
        for number, start in enumerate(starts):
            self._add(
                {
                    "type": "transfer",
                    "start": timestamp(start),
                    "transferor": agents[number],
                    "transferee": self.people.customer,
                    "transfer_target": agents[number + 1],
                    "original": indexes[number],
                    "target_dialog": indexes[number + 1],
                }
            )

    def _add_machines(self) -> None:
        """Talks with a machine."""
        talks: dict[str, list[Event]] = {}
        for event in self.facts.events:
            if event.kind.startswith("ai_call.") and "message" not in event.kind:
                talks.setdefault(event.address.resource_id, []).append(event)
        for name, events in talks.items():
            first, last = moment(events[0]), moment(events[-1])
            bot = self.people.machine()
            dialog = {
                "type": "recording",
                "start": timestamp(first),
                "duration": round((last - first).total_seconds(), 6),
                "parties": [self.people.customer, *([bot] if bot is not None else [])],
                "mediatype": SOUND,
            }
            self._add(dialog | in_words(events), name)

    def _add_transfers(self) -> None:
        """Calls that a vendor says were transferred; of the call to the target nothing is known but a later leg."""
        seen: set[str] = set()
        for event in self.facts.named("call.transferred"):
            if (call := event.address.resource_id) in seen:
                continue
            seen.add(call)
            agent, start = self.people.agent(event), timestamp(moment(event))
            original = self.index_of(call)
            later = [
                index
                for index in sorted({*self._where.values()} - {original})
                if self.listed[index].get("start", "") >= start
            ]
            self._add(
                {
                    "type": "transfer",
                    "start": start,
                    "transferor": self.people.nobody() if agent is None else agent,
                    "transferee": self.people.customer,
                    "transfer_target": self.people.nobody(),
                    "original": original,
                    # A dialog of which nothing is known is empty, as the draft has it.
                    "target_dialog": later[0] if later else self._add({}),
                }
            )

    def _message(self, event: Event) -> dict[str, Any]:
        people = self.people
        sender = people.number(event.parties.caller)
        if sender is None:
            sender = people.line if event.parties.direction == "outbound" or event.kind == "message.sent" else None
        originator = people.customer if sender is None else sender
        line = () if people.line is None else (people.line,)
        others = {people.customer, *line, *numbers_of([event], people)} - {originator}
        dialog: dict[str, Any] = {
            "type": "text",
            "start": timestamp(moment(event)),
            "parties": [originator, *sorted(others)],
            "mediatype": "text/plain",
            "body": text_of(event),
            "encoding": "none",
            "message_id": event.address.resource_id,
        }
        return dialog | in_words([event])

    def _add_recording(self, event: Event) -> None:
        """A recording, by its link where there is one; what is there is known only if somebody has fetched it."""
        ours = [e for e in self.facts.named("recording.started") if e.address.resource_id == event.address.resource_id]
        first = moment(ours[0]) if ours else moment(event)
        call = self.listed[self.index_of(event.correlation)] if self.listed else {}
        dialog: dict[str, Any] = {
            "type": "recording",
            "start": timestamp(first),
            "parties": call.get("parties", [self.people.customer]),
            "mediatype": SOUND,
            "filename": event.address.resource_id,
        }
        if ours:
            dialog["duration"] = round((moment(event) - first).total_seconds(), 6)
        problem = "no link"
        if (link := self.recordings.link(event)) is not None:
            content = self.recordings.contents.get(link.key, Content(problem="not fetched"))
            dialog["url"], problem = link.shown, content.problem
            if content.content_hash:
                dialog["content_hash"] = content.content_hash
                dialog["mediatype"] = content.media_type or SOUND
        index = self._add(dialog | in_words([event]))
        if "content_hash" not in dialog:
            self.unverified[index] = problem
