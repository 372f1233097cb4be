"""What a vendor's events report of a contact centre, compared with what happened: one law for every vendor.

A simulated day (`jackfield.simulation.day.Day`) is in no vendor's terms, and each vendor's simulator publishes it in
the vendor's. So whatever that calls a queued caller, a provider's events report the same steps in the same order:
who was queued, offered to whom, answered by whom, or gave up::

    reported = reported_steps(simulated_events(provider, simulator))
    assert difference(reported, happened_steps(Day(simulator.seed, now))) == ""

Ids differ from vendor to vendor: contacts, agents and queues are numbered in the order in which they first appear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from jackfield.events import Event
from jackfield.simulation.scenario import ScenarioEvent

__all__ = ["KINDS", "Step", "difference", "happened_steps", "reported_steps"]

KINDS = {
    "queued": "contact.queued",
    "offered": "offer.created",
    "connected": "contact.connected",
    "abandoned": "contact.abandoned",
}
"""The steps that every vendor reports, and their kinds."""


@attrs.frozen
class Step:
    """One step, with numbers in place of ids; ``None`` and empty for what is not reported."""

    kind: str
    contact: int | None = None
    agent: int | None = None
    queue: int | None = None
    caller: str = ""

    def agrees(self, other: Step) -> bool:
        """Whether two are the same step, as far as both report."""
        mine, theirs = attrs.astuple(self), attrs.astuple(other)
        return all(a == b or a in (None, "") or b in (None, "") for a, b in zip(mine, theirs, strict=True))


@attrs.define
class _Numbers:
    """Numbers things by their names in the order in which they appear."""

    _known: dict[str, dict[object, int]] = attrs.field(factory=lambda: {"contact": {}, "agent": {}, "queue": {}})

    def of(self, sort: str, name: object) -> int | None:
        return None if name in (None, "") else self._known[sort].setdefault(name, len(self._known[sort]))


def reported_steps(events: Iterable[Event]) -> Iterator[Step]:
    """The steps that events report, without copies."""
    numbers, seen, kinds = _Numbers(), set[str](), frozenset(KINDS.values())
    for event in events:
        if event.kind not in kinds or event.id in seen:
            continue
        seen.add(event.id)
        who = event.parties
        contact = None if event.kind.startswith("agent.") else event.correlation
        agent = None if event.kind == "contact.queued" else who.agent_id
        yield Step(
            event.kind,
            numbers.of("contact", contact),
            numbers.of("agent", agent),
            numbers.of("queue", who.queue_id),
            who.caller_name,
        )


def happened_steps(day: Iterable[ScenarioEvent]) -> Iterator[Step]:
    """The steps of a simulated day, as endless as that is."""
    numbers = _Numbers()
    for event in day:
        if (kind := KINDS.get(event.what)) is None:
            continue
        contact = event.contact
        agent = event.agent.number if event.agent is not None and event.what != "queued" else None
        queue = event.queue.number if event.queue is not None and contact is not None else None
        yield Step(
            kind,
            numbers.of("contact", contact and contact.number),
            numbers.of("agent", agent),
            numbers.of("queue", queue),
            contact.caller if contact is not None else "",
        )


def difference(reported: Iterable[Step], expected: Iterable[Step]) -> str:
    """The first step that differs, in words; empty where each reported step was to come.

    What was expected may go on; it may be what another vendor's events report.
    """
    for number, (step, other) in enumerate(zip(reported, expected, strict=False), 1):
        if not step.agrees(other):
            return f"step {number} is reported as {step}, and was {other}"
    return ""
