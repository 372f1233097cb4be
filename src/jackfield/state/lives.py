"""The lives of contacts, calls and agents: which state an event leads to, as one table for every vendor.

A provider may leave states out and never contradict the table: a contact that is offered without having been queued is
right, one that is queued after its end is not. `Life.step` accepts events in any order, since some are lost and some
come late; `contradictions` is strict, and the conformance kit holds every provider to it.

KAZOO sends a contact's leaving of the queue, its routing and its connection in any order within a second, so
``contact.dequeued`` changes nothing once it is routed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import attrs

from jackfield.events import Event
from jackfield.kinds import causal_rank

__all__ = ["AGENT", "CALL", "CONTACT", "LIVES", "UNKNOWN", "Life", "Transition", "contradictions"]

UNKNOWN = "unknown"
"""The state before the first event about it."""


class Transition(NamedTuple):
    """An event, the states that it is expected in, and the one that it leads to."""

    kind: str
    since: tuple[str, ...]
    to: str
    """Empty where it changes nothing."""


@attrs.frozen(eq=False)
class Life:
    """The states of one sort of thing, and the transitions between them."""

    entity: str
    states: tuple[str, ...]
    """In the order in which they come in an ordinary life."""
    optional: frozenset[str]
    """States that a provider may leave out on the way to a later one."""
    over: frozenset[str]
    """The states that end it."""
    goal: str
    """The state that the optional ones lead to."""
    transitions: tuple[Transition, ...]
    kinds: frozenset[str] = attrs.field(init=False)
    """The kinds of events that it knows."""
    next: Mapping[tuple[str, str], str] = attrs.field(init=False, repr=False)
    """The state after an event in a state, expected or not."""
    _expected: frozenset[tuple[str, str]] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        stated = {(state, each.kind): each.to or state for each in self.transitions for state in each.since}
        object.__setattr__(self, "kinds", frozenset(each.kind for each in self.transitions))
        object.__setattr__(self, "_expected", frozenset(stated))
        object.__setattr__(self, "next", {**{pair: self._missed(*pair) for pair in self._pairs()}, **stated})

    def step(self, state: str, kind: str) -> str:
        """The state after an event of this kind; an event that fits nowhere changes nothing."""
        return self.next.get((state, kind), state)

    def expects(self, state: str, kind: str) -> bool:
        """Whether such an event may come in this state, or in one that it may have come to unnoticed."""
        if state == UNKNOWN or kind not in self.kinds:
            return True
        if (state, kind) in self._expected:
            return True
        ahead = self.states[self.states.index(state) + 1 :] if state in self.optional else ()
        return any((each, kind) in self._expected for each in ahead if each in self.optional or each == self.goal)

    def _pairs(self) -> Iterator[tuple[str, str]]:
        return ((state, kind) for state in (UNKNOWN, *self.states) for kind in self.kinds)

    def _missed(self, state: str, kind: str) -> str:
        """Where an unexpected event leads: to its state, unless life has come further than that."""
        to = next(each.to for each in self.transitions if each.kind == kind)
        if not to or state in self.over:
            return state
        order = (UNKNOWN, *self.states)
        return to if order.index(state) <= order.index(to) else state


_WAITS = ("created", "queued", "offered")

CONTACT = Life(
    "contact",
    ("created", "queued", "offered", "dequeued", "routed", "connected", "disconnected", "abandoned", "ended"),
    frozenset({"created", "queued", "offered", "routed"}),
    frozenset({"abandoned", "ended"}),
    "connected",
    (
        Transition("contact.created", (UNKNOWN, "abandoned", "ended"), "created"),  # a call may be queued a second time
        Transition("contact.queued", (UNKNOWN, "created", "dequeued", "disconnected", "abandoned"), "queued"),
        Transition("offer.created", ("created", "queued", "offered", "dequeued", "disconnected"), "offered"),
        Transition("offer.rejected", ("offered",), "queued"),
        Transition("offer.rescinded", ("offered",), "queued"),
        # Several agents ring at once: what becomes of the other offers comes when one has it.
        Transition("offer.rejected", ("queued", "dequeued", "routed", "connected", "disconnected", "ended"), ""),
        Transition("offer.rescinded", ("queued", "dequeued", "routed", "connected", "disconnected", "ended"), ""),
        Transition("offer.rescinded", ("abandoned",), ""),
        Transition("contact.routed", (*_WAITS, "dequeued"), "routed"),
        Transition("contact.routed", ("connected", "disconnected", "ended"), ""),
        Transition("contact.connected", (*_WAITS, "dequeued", "routed", "disconnected"), "connected"),
        Transition("contact.disconnected", ("connected",), "disconnected"),
        Transition("contact.disconnected", ("ended",), ""),
        Transition("contact.dequeued", ("queued", "offered"), "dequeued"),
        Transition("contact.dequeued", ("routed", "connected", "disconnected", "abandoned", "ended"), ""),
        Transition("contact.abandoned", (*_WAITS, "dequeued"), "abandoned"),
        Transition("contact.ended", (*_WAITS, "dequeued", "routed", "connected", "disconnected"), "ended"),
        Transition("contact.ended", ("abandoned",), ""),
        Transition("contact.deleted", (*_WAITS, "dequeued", "routed", "connected", "disconnected"), "ended"),
        Transition("contact.deleted", ("abandoned", "ended"), ""),
    ),
)

_UP = ("initiated", "originated", "alerting", "connected", "held", "parked")

CALL = Life(
    "call",
    ("initiated", "originated", "alerting", "connected", "held", "parked", "clearing", "cleared", "failed"),
    frozenset({"initiated", "originated", "alerting"}),
    frozenset({"cleared", "failed"}),
    "connected",
    (
        Transition("call.initiated", (UNKNOWN,), "initiated"),
        Transition("call.originated", (UNKNOWN, "initiated"), "originated"),
        Transition("call.alerting", ("initiated", "originated", "alerting"), "alerting"),
        Transition("call.connected", ("initiated", "originated", "alerting", "parked"), "connected"),
        Transition("call.bridged", ("initiated", "originated", "alerting"), "connected"),
        Transition("call.bridged", ("connected", "held"), ""),
        Transition("call.unbridged", ("connected", "held", "clearing", "cleared"), ""),
        Transition("call.held", ("connected",), "held"),
        Transition("call.retrieved", ("held",), "connected"),
        Transition("call.transferred", ("alerting", "connected", "held", "clearing", "cleared"), ""),
        Transition("call.parked", ("alerting", "connected", "held"), "parked"),
        Transition("call.unparked", ("parked",), "connected"),
        Transition("call.clearing", _UP, "clearing"),
        Transition("call.cleared", (*_UP, "clearing"), "cleared"),
        Transition("call.failed", (*_UP, "clearing"), "failed"),
        Transition("call.deleted", (*_UP, "clearing"), "cleared"),
        Transition("call.deleted", ("cleared", "failed"), ""),
    ),
)

_AT_WORK = ("not_ready", "ready", "reserved", "busy", "wrapup")
_ANYWHERE = ("logged_off", *_AT_WORK)

AGENT = Life(
    "agent",
    ("logged_off", "not_ready", "ready", "reserved", "busy", "wrapup"),
    frozenset({"logged_off", "not_ready", "ready", "reserved"}),
    frozenset(),
    "busy",
    (
        Transition("agent.logged_on", (UNKNOWN, "logged_off"), "not_ready"),
        Transition("agent.ready", _ANYWHERE, "ready"),
        Transition("agent.not_ready", _ANYWHERE, "not_ready"),
        Transition("agent.reserved", _AT_WORK, "reserved"),
        Transition("offer.created", ("ready", "not_ready", "wrapup"), "reserved"),
        Transition("offer.created", ("reserved", "busy"), ""),
        Transition("offer.rejected", ("reserved",), "ready"),
        Transition("offer.rescinded", ("reserved",), "ready"),
        Transition("agent.busy", _AT_WORK, "busy"),
        Transition("contact.connected", _AT_WORK, "busy"),
        Transition("agent.external_call_started", _AT_WORK, "busy"),
        Transition("agent.external_call_ended", ("busy",), "ready"),
        Transition("contact.disconnected", ("busy",), "ready"),
        Transition("agent.wrapup_started", ("ready", "busy"), "wrapup"),
        Transition("agent.wrapup_ended", ("wrapup",), "ready"),
        Transition("agent.logged_off", _ANYWHERE, "logged_off"),
    ),
)

LIVES: Mapping[str, Life] = {life.entity: life for life in (CONTACT, CALL, AGENT)}
"""By the entity whose life it is. An agent returns to ``not_ready``, not to ``ready``, if that was chosen meanwhile."""


def contradictions(events: Iterable[Event]) -> Iterator[str]:
    """What a provider's events say of contacts and calls that cannot have happened in this order, in words.

    The events are those of one feed, in any order; those of one time are put into the order in which one causes the
    other. Each contact is connected once for each agent's connection, and ends once.
    """
    lives: dict[tuple[Life, str], list[tuple[object, int, int, str]]] = {}
    for number, event in enumerate(events):
        entity = event.kind.partition(".")[0]
        life, thing = (CALL, event.address.resource_id) if entity == "call" else (CONTACT, event.correlation or "")
        if entity in ("call", "contact", "offer") and thing and event.kind in life.kinds:
            at = event.time or event.received
            lives.setdefault((life, thing), []).append((at, causal_rank(event.kind), number, event.kind))
    for (life, thing), facts in lives.items():
        state, before = UNKNOWN, ""
        for _, _, _, kind in sorted(facts):
            if not life.expects(state, kind):
                yield f"{life.entity} {thing} is {state} by {before}, and then comes {kind}"
            state, before = life.step(state, kind), kind
