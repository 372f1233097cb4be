"""The state of a contact centre, as far as its events and REST say: recipients, sessions, queues.

An event that is older than what is known of its thing changes nothing. KAZOO's clock ticks in seconds and its events
come in any order, so of those within one second the one that follows from the other counts, else the last to come.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Literal, TypeVar, get_args

import attrs
import msgspec

from jackfield.addresses import Address
from jackfield_vinix.naming import UNKNOWN_ID
from jackfield_vinix.presence import NOTHING_KNOWN, Status, step
from jackfield_vinix.wire import fold, plain_id, text_of

__all__ = ["AccountState", "Recipient", "Session", "Stage"]

T = TypeVar("T")

# A day's sessions of a large state, so that what comes late still finds its own; and more recipients than any has.
MOST_KEPT = 10_000
# So many more, and they go together: a dict walks past all that has gone from its beginning, each time anew, and one
# that knows its order takes longer for each entry.
AT_ONCE = 1_000

Stage = Literal["created", "waiting", "left", "handled", "released", "ended"]
_ORDER: Mapping[Stage, int] = {stage: order for order, stage in enumerate(get_args(Stage))}

_STAGES: Mapping[tuple[str, str], Stage] = {
    ("session", "create"): "created",
    ("queue", "join"): "waiting",
    ("queue", "leave"): "left",
    ("queue", "delivered"): "handled",
    ("recipient", "delivered"): "handled",
    ("recipient", "hangup"): "released",
    ("session", "delete"): "ended",
}

# What follows from what at a recipient, for events of one session within one second.
_STEPS = (("offer",), ("reject", "rescind", "delivered"), ("hangup",), ("wrapup_start",), ("wrapup_complete",))
_RANKS = {word: rank for rank, words in enumerate(_STEPS, 1) for word in words}

# What is said about a contact that the recipient is being offered, and about one that it has or had.
_OFFERED = frozenset({"offer", "reject", "rescind"})
_HANDLED = frozenset(
    {
        "hangup",
        "wrapup_start",
        "wrapup_complete",
        "wiretap_start",
        "wiretap_stop",
        "wiretap_failed",
        "interaction_finalize_start",
        "interaction_finalize_end",
    }
)


class Recipient(msgspec.Struct):
    """An agent, and since when its status is known."""

    id: str
    status: Status = NOTHING_KNOWN
    at: datetime | None = None
    session: str = ""
    """The session of its last event, by its plain id."""
    rank: int = 0
    """How far that had come."""


class Session(msgspec.Struct):  # not attrs: of texts and a moment, it costs the garbage collector nothing
    """A contact, and since when it is known so."""

    id: str
    stage: Stage = "created"
    queue_id: str = ""
    """The queue where it waits, or waited last."""
    at: datetime | None = None


@attrs.define
class AccountState:
    """The state of one account; things are known by their plain ids, and bear those that events gave them."""

    recipients: dict[str, Recipient] = attrs.field(factory=dict)
    sessions: dict[str, Session] = attrs.field(factory=dict)
    unexpected: int = 0
    """Events that nothing known led to: others were lost before them, or come later."""
    late: int = 0
    """Events of a time before what was known."""
    _queues: dict[str, str] = attrs.field(factory=dict)
    """How events spell the ids of those queues that they do not spell plainly, as REST does not either."""
    _calls: dict[str, str] = attrs.field(factory=dict)
    """The session of each call."""
    _legs: dict[str, str] = attrs.field(factory=dict)
    """By interaction: the first of its calls that was seen, by which its others are joined to it."""
    _listed: dict[str, datetime] = attrs.field(factory=dict)
    """By queue: when REST last listed who waits there; nobody else did then."""

    def learn(self, address: Address, fields: Mapping[str, Any], time: datetime | None) -> str:
        """Learn from an event; the session that it belongs to, empty where it belongs to none that is known."""
        _, _, _, family, resource_id, word = address
        session_id = fields.get("session_id", "")
        if type(session_id) is not str:
            session_id = text_of(fields, "session_id")
        call_id = text_of(fields, "call_id") if "call_id" in fields else ""
        recipient = None
        if resource_id != UNKNOWN_ID:
            if family == "recipient":
                recipient = self.recipient(resource_id)
            elif family == "session":
                session_id = session_id or resource_id
        if not session_id:
            session_id = self._session_of(family, word, call_id, fields, recipient)
        elif call_id:
            _kept(self._calls, call_id, session_id)
        key = session_id.replace("-", "").lower()
        if recipient is not None:
            self._step(recipient, word, fields, session_id, key, time)
        if not key:
            return ""
        known = self.sessions.get(key)
        if (stage := _STAGES.get((family, word))) is not None:
            queue_id = self.queue(text_of(fields, "queue_id")) if "queue_id" in fields else ""
            if known is None and not self._listed:  # nothing is known that it could be too late for
                return _kept(self.sessions, key, Session(session_id, stage, queue_id, time)).id
            known = known or _kept(self.sessions, key, Session(session_id))
            self._advance(known, stage, queue_id, time)
        return known.id if known is not None else session_id

    def _step(
        self,
        recipient: Recipient,
        word: str,
        fields: Mapping[str, Any],
        session_id: str,
        session: str,
        time: datetime | None,
    ) -> None:
        rank, at = _RANKS.get(word, 0), recipient.at
        if time is not None and at is not None:
            overtaken = 0 < rank < recipient.rank and time == at and session == recipient.session
            if time < at or overtaken:
                self.late += 1
                return
        recipient.session, recipient.rank = session, rank
        recipient.status, expected = step(recipient.status, word, fields, session_id)
        recipient.at = time or at
        self.unexpected += not expected

    def _advance(self, session: Session, stage: Stage, queue_id: str, time: datetime | None) -> None:
        before, at = session.stage, session.at
        if (
            before == "ended"
            or (time is not None and at is not None and time < at)
            or (_ORDER[stage] < _ORDER[before] and time == at)
            or (stage == "waiting" and self._listed and _is_before(time, self._listed.get(plain_id(queue_id))))
        ):
            self.late += 1
            return
        if not (stage == "left" and before == "handled"):  # the queue confirms that an agent has it
            session.stage = stage
        session.queue_id = queue_id or session.queue_id
        session.at = time or at

    def queue(self, queue_id: str) -> str:
        """The id of a queue as events spell it."""
        key = plain_id(queue_id)
        return self._queues.get(key, key) if key == queue_id else _kept(self._queues, key, queue_id)

    def listed(self, queue_id: str, at: datetime) -> None:
        """REST listed who waited in a queue at that moment; a join of an earlier time is out of date."""
        self._listed[plain_id(queue_id)] = at

    def session(self, session_id: str) -> Session:
        """What is known of a session, which from now on is known."""
        known = self.sessions.get(key := plain_id(session_id))
        return _kept(self.sessions, key, Session(session_id)) if known is None else known

    def recipient(self, recipient_id: str) -> Recipient:
        """What is known of a recipient, who from now on is known."""
        known = self.recipients.get(key := plain_id(recipient_id))
        return _kept(self.recipients, key, Recipient(recipient_id)) if known is None else known

    def _call_of(self, call_id: str, fields: Mapping[str, Any]) -> str:
        """What a call belongs to: its session where that is known, else the first leg of its interaction."""
        interaction = _interaction_of(fields)
        first = _kept(self._legs, interaction, call_id) if interaction and call_id else call_id
        return self._calls.get(call_id, "") or self._calls.get(first, "") or first

    def _session_of(
        self, family: str, word: str, call_id: str, fields: Mapping[str, Any], recipient: Recipient | None
    ) -> str:
        """The session of an event that does not name it, by the first that does: its call, its recipient."""
        if family == "call":
            return self._call_of(call_id, fields)
        if call_id:
            return self._calls.get(call_id, "")
        if recipient is None and word == "delivered":
            recipient = self.recipients.get(plain_id(text_of(fields, "recipient_id")))
        if recipient is None:
            return ""
        status = recipient.status
        if word in _OFFERED:
            return status.offered if word != "offer" else ""
        if word == "delivered":
            return status.offered or (status.handled if status.presence == "handling" else "")
        return status.handled if word in _HANDLED else ""


def _interaction_of(fields: Mapping[str, Any]) -> str:
    """What joins the legs of one call, at KAZOO: beside the event's fields or among those of its channel."""
    return text_of(fields, "call_interaction_id") or text_of(
        fold(fields.get("custom_channel_vars")), "call_interaction_id"
    )


def _is_before(time: datetime | None, known: datetime | None) -> bool:
    return time is not None and known is not None and time < known


def _kept(table: dict[str, T], key: str, value: T) -> T:
    """What a table has under a key, or the value from now on; the oldest go where there are too many."""
    if (known := table.get(key)) is not None:
        return known
    if len(table) >= MOST_KEPT + AT_ONCE:
        for oldest in [*islice(table, AT_ONCE)]:
            del table[oldest]
    table[key] = value
    return value
