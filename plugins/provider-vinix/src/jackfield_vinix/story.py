"""A contact centre's day in qubicle's words: families, event words and payloads.

Payload fields are those that KAZOO's documentation publishes, a live capture shows, or Vinix's REST
interface uses for the same things.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import attrs

from jackfield.simulation.day import Day
from jackfield.simulation.happenings import Happening, Queue

__all__ = ["Published", "tell"]

# KAZOO counts seconds in Erlang's calendar, from the year 0.
GREGORIAN_EPOCH = 62_167_219_200


@attrs.frozen
class Published:
    """One event as the server publishes it."""

    routing_key: str
    data: dict[str, Any]


def tell(seed: int, account_id: str, now: Callable[[], datetime]) -> Iterator[Published]:
    """Everything that happens, without end."""
    teller = _Teller(seed, account_id)
    for happening in Day(seed, now):
        yield from teller.tell(happening)


@attrs.define
class _Teller:
    seed: int
    account_id: str
    waiting: int = 0
    total: int = 0
    abandoned: int = 0
    messages: int = 0

    def tell(self, happening: Happening) -> Iterator[Published]:
        match happening.what:
            case "queue_started":
                yield self._queue(happening, "create", pid="<0.3012.0>")
            case "queue_seen":
                counts = {"available_recipient_count": 2, "active_recipient_count": 4}
                yield self._queue(happening, "sync", members=[], **counts)
            case "call_started":
                yield self._session(happening, "create", session_type="call", callee_id_number="+15550100100")
            case "queued":
                self.waiting, self.total = self.waiting + 1, self.total + 1
                contact = happening.its_contact
                entered = int(happening.at.timestamp())
                position = {"position": contact.position, "estimated_wait": contact.position * 40}
                yield self._queue(happening, "join", **position, queue_enter_time=entered)
            case "abandoned":
                self.waiting, self.abandoned = self.waiting - 1, self.abandoned + 1
                yield self._queue(happening, "leave", reason="abandoned", wait_time=self._waited(happening))
                yield self._session(happening, "delete", reason="ORIGINATOR_CANCEL")
            case "connected":
                self.waiting -= 1
                yield from self._connected(happening)
            case "hung_up":
                yield self._recipient(happening, "hangup", reason="NORMAL_CLEARING")
                yield self._session(happening, "delete", reason="NORMAL_CLEARING")
            case "wrapup_started":
                yield self._recipient(happening, "wrapup_start", wrapup_time=20)
                yield self._recipient(
                    happening, "interaction_finalize_start", interaction_id=self._interaction(happening)
                )
            case "wrapup_ended":
                notes = {"disposition": "solved", "notes": "invoice corrected"}
                done = {"interaction_id": self._interaction(happening), **notes}
                yield self._recipient(happening, "interaction_finalize_end", **done)
                yield self._recipient(happening, "wrapup_complete")
            case _:
                yield from self._about_agent(happening)

    def _about_agent(self, happening: Happening) -> Iterator[Published]:
        watched = {"wiretapping_recipient": self._id("recipient", 99), "wiretap_mode": "eavesdrop"}
        match happening.what:
            case "agent_logged_on":
                yield self._recipient(happening, "create", pid="<0.4410.0>")
            case "agent_ready":
                yield self._recipient(happening, "ready")
            case "agent_away":
                yield self._recipient(happening, "away", reason="lunch")
            case "agent_paused" | "agent_resumed":
                word = "pause" if happening.what == "agent_paused" else "resume"
                yield self._recipient(happening, word)
            case "agent_seen":
                yield self._recipient(happening, "sync", available=happening.its_agent.state == "ready")
            case "external_call_started":
                yield self._recipient(happening, "external_call_start", **self._external(happening))
            case "external_call_ended":
                yield self._recipient(happening, "external_call_end", **self._external(happening), duration=12)
            case "offered":
                yield self._recipient(happening, "offer")
            case "rejected":
                yield self._recipient(happening, "reject", reason="declined")
            case "rescinded":
                yield self._recipient(happening, "rescind", reason="timeout")
            case "supervised":
                yield self._recipient(happening, "wiretap_start", **watched)
            case "unsupervised":
                yield self._recipient(happening, "wiretap_stop", **watched)
            case "supervision_failed":
                yield self._recipient(happening, "wiretap_failed", **watched, reason="not_found")

    def _connected(self, happening: Happening) -> Iterator[Published]:
        """Two views of one connection, and the queue's farewell; KAZOO sends them in any order."""
        waited = self._waited(happening)
        recipient_id = self._id("recipient", happening.its_agent.number)
        yield self._queue(happening, "delivered", recipient_id=recipient_id, wait_time=waited, average_wait=31)
        yield self._recipient(happening, "delivered", wait_time=waited)
        yield self._queue(happening, "leave", reason="delivered", wait_time=waited)

    # -- one method for each family ------------------------------------------------------------------

    def _queue(self, happening: Happening, word: str, **more: Any) -> Published:
        queue = happening.its_queue
        data = {"queue_id": self._queue_id(queue), "queue_name": queue.name, **more, "stats": self._queue_stats()}
        return self._published(happening, "queue", self._queue_id(queue), word, data | self._call(happening))

    def _recipient(self, happening: Happening, word: str, **more: Any) -> Published:
        agent = happening.its_agent
        recipient_id = self._id("recipient", agent.number)
        data = {"recipient_id": recipient_id, "username": f"{agent.name}@example.com", "state": agent.state, **more}
        if happening.queue is not None:
            data["queue_id"] = self._queue_id(happening.queue)
        data["stats"] = {"total_calls": agent.handled, "offered_calls": agent.handled, "missed_calls": 0}
        return self._published(happening, "recipient", recipient_id, word, data | self._call(happening))

    def _session(self, happening: Happening, word: str, **more: Any) -> Published:
        session_id = self._id("session", happening.its_contact.number)
        return self._published(happening, "session", session_id, word, more | self._call(happening))

    # -- what they share -----------------------------------------------------------------------------

    def _published(self, happening: Happening, family: str, id_: str, word: str, data: dict[str, Any]) -> Published:
        self.messages += 1
        seconds = int(happening.at.timestamp())
        common = {
            "account_id": self.account_id,
            "app_name": "qubicle",
            "app_version": "4.3",
            "event_category": f"qubicle-{family}",
            "event_name": word,
            "event_timestamp": seconds + GREGORIAN_EPOCH,
            "event_unix_timestamp": seconds,
            # A simulator that was started again tells the same day at another time: another message.
            "msg_id": self._id("message", f"{self.messages}-{happening.at.timestamp()}"),
        }
        return Published(f"qubicle.{family}.{self.account_id}.{id_}.{word}", common | data)

    def _call(self, happening: Happening) -> dict[str, Any]:
        contact = happening.contact
        if contact is None:
            return {}
        return {
            "session_id": self._id("session", contact.number),
            "call_id": f"{self._id('call', contact.number)[:20]}@192.0.2.10",
            "caller_id_name": contact.caller,
            "caller_id_number": f"+1555{contact.number:07d}",
        }

    def _queue_stats(self) -> dict[str, int]:
        return {
            "estimated_wait": self.waiting * 40,
            "average_wait": 31,
            "recipient_count": 4,
            "active_session_count": self.waiting,
            "total_sessions": self.total,
            "missed_sessions": 0,
            "abandoned_sessions": self.abandoned,
        }

    def _waited(self, happening: Happening) -> int:
        return round((happening.at - happening.its_contact.since["queued"]).total_seconds())

    def _external(self, happening: Happening) -> dict[str, str]:
        return {"call_id": self._id("external", happening.its_agent.number), "direction": "outbound"}

    def _interaction(self, happening: Happening) -> str:
        return self._id("interaction", happening.its_contact.number)

    def _queue_id(self, queue: Queue) -> str:
        return self._id("queue", queue.number)

    def _id(self, what: str, number: int | str) -> str:
        """The same 32 hexadecimal digits for the same thing on every run of the same seed."""
        return hashlib.sha256(f"{self.seed}/{self.account_id}/{what}/{number}".encode()).hexdigest()[:32]
