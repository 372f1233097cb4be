"""What a recipient is doing, as a state machine that accepts events in any order.

Events get lost and come in any order, so each is accepted in each state; one that the state did not lead to is
only counted as unexpected. Sources: Vinix's page for the events, KAZOO's REST interface for the words of a state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from jackfield_vinix.wire import fold, plain_id, text_of

__all__ = ["NOTHING_KNOWN", "STATES", "TRANSITIONS", "Presence", "Status", "step"]

Presence = Literal["unknown", "logged_out", "away", "ready", "offered", "handling", "wrapup"]

STATES: Mapping[str, Presence] = {
    "ready": "ready",
    "away": "away",
    "wrapup_time": "wrapup",
    "wrapup": "wrapup",
    "call_offer": "offered",
    "offered": "offered",
    "on_a_call": "handling",
    "handling": "handling",
    "not_logged_in": "logged_out",
    "logged_out": "logged_out",
}
"""The vendor's words for a state, in lower case and with ``_`` between, and ours."""


class Transition(NamedTuple):
    """What an event says of its recipient."""

    expected: frozenset[Presence]
    """The states that lead to it; empty where any does."""
    to: Presence | None
    """Where it leads; ``None`` where it stays."""
    stated: bool = False
    """Whether a state in the event goes before that."""


def _after(*states: Presence, to: Presence | None, stated: bool = False) -> Transition:
    return Transition(frozenset(states), to, stated)


TRANSITIONS: Mapping[str, Transition] = {
    "create": _after("logged_out", to="away", stated=True),
    "login": _after("logged_out", to="away", stated=True),
    "delete": _after(to="logged_out"),
    "logout": _after(to="logged_out"),
    "ready": _after("away", "wrapup", "ready", to="ready"),
    "away": _after("ready", "wrapup", "away", to="away"),
    "offer": _after("ready", to="offered"),
    "reject": _after("offered", to="ready", stated=True),
    "rescind": _after("offered", to="ready", stated=True),
    "delivered": _after("offered", "ready", to="handling"),
    "hangup": _after("handling", to=None),
    "wrapup_start": _after(to="wrapup"),
    "wrapup_complete": _after("wrapup", to="ready", stated=True),
}
"""Which events lead to another presence, and how."""


# These end an offer.
_SETTLED = frozenset({"reject", "rescind", "delivered"})


class Status(msgspec.Struct, frozen=True):  # not attrs: one is made for most events of a recipient
    """A recipient at one moment."""

    presence: Presence = "unknown"
    offered: str = ""
    """The session that rings there, until it is known what became of that."""
    handled: str = ""
    """The session that it has, or had last."""
    paused: frozenset[str] = frozenset()
    """Queues, by their plain ids, that it accepts nothing from."""
    external: bool = False
    """Whether it is in a call outside every queue."""
    base: Presence = "ready"
    """Where it goes back to after a contact."""

    @property
    def session(self) -> str:
        """The session that it is busy with now."""
        return {"offered": self.offered, "handling": self.handled}.get(self.presence, "")

    def updated(self, fields: Mapping[str, Any], *, whole: bool = False) -> Status:
        """As a sync or REST reports it; what they leave out stays, except that a `whole` status names every contact."""
        offered, handled = (_session_of(fields, name) for name in ("offered_call", "handling_call"))
        presence, external = _state_in(fields), self.external
        available = fields.get("available")
        if handled or offered:
            presence, external = "handling" if handled else "offered", False
        elif presence == "handling" and (whole or self.presence != "handling"):
            presence, external = self.base, True  # a call, and nobody's of a queue's
        elif presence is not None:
            external = False
        elif isinstance(available, bool) and (available or self.presence == "ready"):
            presence = "ready" if available else "away"
        queues = fields.get("queue_availability")
        paused = self.paused
        if isinstance(queues, dict):
            paused = frozenset(plain_id(queue) for queue, active in queues.items() if active is False)
        presence = presence or self.presence
        return msgspec.structs.replace(
            self,
            presence=presence,
            offered=(offered or self.offered) if presence == "offered" else "",
            handled=handled or self.handled,
            paused=paused,
            external=external,
            base=presence if presence in ("ready", "away") else self.base,
        )


NOTHING_KNOWN = Status()


def step(status: Status, word: str, fields: Mapping[str, Any], session_id: str = "") -> tuple[Status, bool]:
    """The status after an event of this session, and whether that event was to be expected."""
    transition = TRANSITIONS.get(word)
    if transition is None:
        return _beside(status, word, fields), True
    leads, to, stated = transition
    presence = status.presence
    expected = not leads or presence == "unknown" or presence in leads
    if to == "logged_out":
        return Status("logged_out"), expected
    to = (_state_in(fields) if stated else None) or to or status.base
    # Made anew and not replaced, which costs three times as much, for each event of a recipient.
    return (
        Status(
            to,
            session_id if word == "offer" else "" if word in _SETTLED else status.offered,
            (session_id or status.offered or status.handled) if to == "handling" else status.handled,
            status.paused,
            status.external,
            to if to in ("ready", "away") else status.base,
        ),
        expected,
    )


def _beside(status: Status, word: str, fields: Mapping[str, Any]) -> Status:
    """The status after an event that leads to no other presence, unless it reports one."""
    if word == "sync":
        return status.updated(fields)
    if word in ("pause", "resume"):
        queue = {plain_id(text_of(fields, "queue_id"))} - {""}
        paused = status.paused | queue if word == "pause" else status.paused - queue
        return msgspec.structs.replace(status, paused=paused)
    if word in ("external_call_start", "external_call_end"):
        return msgspec.structs.replace(status, external=word == "external_call_start")
    return status


def _state_in(fields: Mapping[str, Any]) -> Presence | None:
    words = (text_of(fields, name) for name in ("availability_state", "state"))
    return next((STATES[each] for word in words if (each := _plain(word)) in STATES), None)


def _plain(word: str) -> str:
    return word.strip().lower().replace("-", "_").replace(" ", "_")


def _session_of(fields: Mapping[str, Any], name: str) -> str:
    return text_of(fold(fields.get(name)), "session_id")
