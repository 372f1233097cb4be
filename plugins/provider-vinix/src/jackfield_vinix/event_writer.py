"""A contact centre's day in qubicle's words: families, event words and payloads.

Payload fields are those that KAZOO's documentation publishes, a live capture shows, or Vinix's REST
interface uses for the same things.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import attrs

from jackfield.simulation.scenario import ScenarioEvent
from jackfield_vinix.simulated_state import SimulatedQueue, SimulatedRecipient, SimulatedState
from jackfield_vinix.topics import encode_word

__all__ = ["GREGORIAN_EPOCH", "EventWriter", "Published", "write_day"]

# KAZOO counts seconds in Erlang's calendar, from the year 0.
GREGORIAN_EPOCH = 62_167_219_200


@attrs.frozen
class Published:
    """One event as the server publishes it."""

    routing_key: str
    data: dict[str, Any]

    @property
    def seconds(self) -> int:
        """When it happened, since 1970."""
        gregorian: int = self.data.get("event_timestamp") or self.data["timestamp"]
        return gregorian - GREGORIAN_EPOCH


def write_day(writer: EventWriter, events: Iterable[ScenarioEvent | None]) -> Iterator[Published | None]:
    """Everything that happens, without end; ``None`` where nothing is due yet."""
    for event in events:
        if event is None:
            yield None
        else:
            yield from writer.write(event)


@attrs.define
class EventWriter:
    """Writes what happens as events, and keeps the state after it."""

    seed: int
    account_id: str
    generation: int = 4
    calls: bool = False
    """Whether the switch's events of each contact's call are written too."""
    state: SimulatedState = attrs.field(init=False)
    _messages: int = 0
    _starts: int = 0

    def __attrs_post_init__(self) -> None:
        self.state = SimulatedState(self._id)

    def restart(self, at: datetime) -> Iterator[Published]:
        """Every process of the centre starts anew, as after a fail-over: created again, counting from 0."""
        self._starts += 1
        for queue in self.state.queues.values():
            queue.total = queue.abandoned = 0
        pid = f"<0.{3012 + self._starts}.0>"
        for queue_id, queue in self.state.queues.items():
            yield self._about_queue(at, "create", queue_id, queue, pid=pid)
        for recipient_id, recipient in self.state.recipients.items():
            yield self._about_recipient(at, "create", recipient_id, recipient, pid=pid)

    def sync(self, at: datetime) -> Iterator[Published]:
        """Each queue and each recipient as it stands."""
        for queue_id, queue in self.state.queues.items():
            counts = {"available_recipient_count": 2, "active_recipient_count": len(self.state.recipients)}
            yield self._about_queue(at, "sync", queue_id, queue, members=[], **counts)
        for recipient_id, recipient in self.state.recipients.items():
            yield self._about_recipient(at, "sync", recipient_id, recipient, **self._whole(recipient))

    def write(self, event: ScenarioEvent) -> Iterator[Published]:
        """What the server says of one thing that happens."""
        self.state.follow(event)
        match event.what:
            case "queue_started":
                yield self._queue(event, "create", pid="<0.3012.0>")
            case "queue_seen":
                counts = {"available_recipient_count": 2, "active_recipient_count": 4}
                yield self._queue(event, "sync", members=[], **counts)
            case "call_started":
                yield from self._channel(event, "CHANNEL_CREATE")
                yield self._session(event, "create", session_type="call", callee_id_number="+15550100100")
            case "call_alerting":
                yield from self._channel(event, "CHANNEL_PROGRESS")
            case "call_answered":
                yield from self._channel(event, "CHANNEL_ANSWER")
            case "queued":
                contact = event.required_contact
                entered = int(event.at.timestamp())
                position = {"position": contact.position, "estimated_wait": contact.position * 40}
                yield self._queue(event, "join", **position, queue_enter_time=entered)
            case "abandoned":
                yield self._queue(event, "leave", reason="abandoned", wait_time=self._waited(event))
                yield self._session(event, "delete", reason="ORIGINATOR_CANCEL")
                ended = {"hangup_cause": "ORIGINATOR_CANCEL", "billing_seconds": max(1, self._waited(event))}
                yield from self._channel(event, "CHANNEL_DESTROY", **ended)
            case "connected":
                yield from self._channel(event, "CHANNEL_BRIDGE")
                yield from self._connected(event)
            case "hung_up":
                yield self._recipient(event, "hangup", reason="NORMAL_CLEARING")
                yield self._session(event, "delete", reason="NORMAL_CLEARING")
                ended = {"hangup_cause": "NORMAL_CLEARING", "billing_seconds": 30}
                yield from self._channel(event, "CHANNEL_DESTROY", **ended)
            case "wrapup_started":
                yield self._recipient(event, "wrapup_start", wrapup_time=20)
                yield self._recipient(event, "interaction_finalize_start", interaction_id=self._interaction(event))
            case "wrapup_ended":
                notes = {"disposition": "solved", "notes": "invoice corrected"}
                done = {"interaction_id": self._interaction(event), **notes}
                yield self._recipient(event, "interaction_finalize_end", **done)
                yield self._recipient(event, "wrapup_complete")
            case _:
                yield from self._about_agent(event)

    def _about_agent(self, event: ScenarioEvent) -> Iterator[Published]:
        watched = {"wiretapping_recipient": self._id("recipient", 99), "wiretap_mode": "eavesdrop"}
        match event.what:
            case "agent_logged_on":
                yield self._recipient(event, "create", pid="<0.4410.0>")
            case "agent_ready":
                yield self._recipient(event, "ready")
            case "agent_away":
                yield self._recipient(event, "away", reason="lunch")
            case "agent_paused" | "agent_resumed":
                word = "pause" if event.what == "agent_paused" else "resume"
                yield self._recipient(event, word)
            case "agent_seen":
                yield self._recipient(event, "sync", **self._whole(self.state.recipient(event)))
            case "external_call_started":
                yield self._recipient(event, "external_call_start", **self._external(event))
            case "external_call_ended":
                yield self._recipient(event, "external_call_end", **self._external(event), duration=12)
            case "offered":
                yield self._recipient(event, "offer")
            case "rejected":
                yield self._recipient(event, "reject", reason="declined")
            case "rescinded":
                yield self._recipient(event, "rescind", reason="timeout")
            case "supervised":
                yield self._recipient(event, "wiretap_start", **watched)
            case "unsupervised":
                yield self._recipient(event, "wiretap_stop", **watched)
            case "supervision_failed":
                yield self._recipient(event, "wiretap_failed", **watched, reason="not_found")

    def _connected(self, event: ScenarioEvent) -> Iterator[Published]:
        """Two views of one connection, and that the contact left the queue; KAZOO sends them in any order."""
        waited = self._waited(event)
        recipient_id = self._id("recipient", event.required_agent.number)
        yield self._queue(event, "delivered", recipient_id=recipient_id, wait_time=waited, average_wait=31)
        self.state.recipient(event).calls += 1  # counted when the event is sent, however long the others take
        yield self._recipient(event, "delivered", wait_time=waited)
        yield self._queue(event, "leave", reason="delivered", wait_time=waited)

    # -- one method for each family ------------------------------------------------------------------

    def _queue(self, event: ScenarioEvent, word: str, **more: Any) -> Published:
        queue_id = self._id("queue", event.required_queue.number)
        more |= self._call(event)
        return self._about_queue(event.at, word, queue_id, self.state.queue(event), **more)

    def _recipient(self, event: ScenarioEvent, word: str, **more: Any) -> Published:
        recipient_id = self._id("recipient", event.required_agent.number)
        if event.queue is not None:
            more["queue_id"] = self._id("queue", event.queue.number)
        more |= self._call(event)
        return self._about_recipient(event.at, word, recipient_id, self.state.recipient(event), **more)

    def _session(self, event: ScenarioEvent, word: str, **more: Any) -> Published:
        session_id = self._id("session", event.required_contact.number)
        return self._published(event.at, "session", session_id, word, more | self._call(event))

    def _about_queue(self, at: datetime, word: str, queue_id: str, queue: SimulatedQueue, **more: Any) -> Published:
        waiting = len(queue.waiting)
        stats = {"estimated_wait": waiting * 40, "average_wait": 31, "recipient_count": 4, "missed_sessions": 0}
        stats |= {"active_session_count": waiting, "total_sessions": queue.total, "abandoned_sessions": queue.abandoned}
        data = {"queue_id": queue_id, "queue_name": queue.name, **more, "stats": stats}
        return self._published(at, "queue", queue_id, word, data)

    def _about_recipient(
        self, at: datetime, word: str, recipient_id: str, recipient: SimulatedRecipient, **more: Any
    ) -> Published:
        data = {"recipient_id": recipient_id, "username": f"{recipient.name}@example.com", "state": recipient.state}
        stats = {"total_calls": recipient.calls, "offered_calls": recipient.calls, "missed_calls": 0}
        return self._published(at, "recipient", recipient_id, word, data | more | {"stats": stats})

    def _whole(self, recipient: SimulatedRecipient) -> dict[str, Any]:
        """A recipient's status, which a sync and REST report alike."""
        calls = {"offered_call": recipient.offered, "handling_call": recipient.handling}
        status = {"available": recipient.state == "ready", "availability_state": recipient.state}
        queues = {each: each not in recipient.paused for each in self.state.queues}
        return status | {"queue_availability": queues} | {name: call for name, call in calls.items() if call}

    def _channel(self, event: ScenarioEvent, word: str, **more: Any) -> Iterator[Published]:
        """One event of a contact's call, as the switch's control sends it."""
        if not self.calls:
            return
        contact = event.required_contact
        call = self._call(event)
        call_id = call["call_id"]
        seconds = int(event.at.timestamp())
        channel = {"account_id": self.account_id, "call_interaction_id": f"{contact.number}-{call_id[:8]}"}
        data = {
            "app_name": "ecallmgr",
            "app_version": "4.3" if self.generation == 4 else "5.0",
            "event_category": "call_event",
            "event_name": word,
            "call_id": call_id,
            "call_direction": "inbound",
            "caller_id_name": call["caller_id_name"],
            "caller_id_number": call["caller_id_number"],
            "timestamp": seconds + GREGORIAN_EPOCH,
            "msg_id": str(int(event.at.timestamp() * 1_000_000)),
            "custom_channel_vars": channel | {"bridge_id": call_id},
            "custom_application_vars": {},
        }
        yield Published(f"call.{self.account_id}.{word}.{encode_word(call_id)}", data | more)

    # -- what they share -----------------------------------------------------------------------------

    def _published(self, at: datetime, family: str, id_: str, word: str, data: dict[str, Any]) -> Published:
        self._messages += 1
        seconds = int(at.timestamp())
        common = {
            "account_id": self.account_id,
            "app_name": "qubicle",
            "app_version": "4.3" if self.generation == 4 else "5.0",
            "event_category": f"qubicle-{family}",
            "event_name": word,
            "event_timestamp": seconds + GREGORIAN_EPOCH,
            "event_unix_timestamp": seconds,
            # A simulator that was started again plays the same day at another time: another message.
            "msg_id": self._id("message", f"{self._messages}-{at.timestamp()}"),
        }
        return Published(f"qubicle.{family}.{self.account_id}.{id_}.{word}", common | data)

    def _call(self, event: ScenarioEvent) -> dict[str, Any]:
        contact = event.contact
        if contact is None:
            return {}
        return {
            "session_id": self._id("session", contact.number),
            "call_id": f"{self._id('call', contact.number)[:20]}@192.0.2.10",
            "caller_id_name": contact.caller,
            "caller_id_number": f"+1555{contact.number:07d}",
        }

    def _waited(self, event: ScenarioEvent) -> int:
        return round((event.at - event.required_contact.since["queued"]).total_seconds())

    def _external(self, event: ScenarioEvent) -> dict[str, str]:
        return {"call_id": self._id("external", event.required_agent.number), "direction": "outbound"}

    def _interaction(self, event: ScenarioEvent) -> str:
        return self._id("interaction", event.required_contact.number)

    def _id(self, what: str, number: int | str) -> str:
        """The same 32 hexadecimal digits for the same thing on every run of the same seed."""
        return hashlib.sha256(f"{self.seed}/{self.account_id}/{what}/{number}".encode()).hexdigest()[:32]
