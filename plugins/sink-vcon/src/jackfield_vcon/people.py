"""The parties of a vCon: the customer, the number that was called, agents and machines; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from jackfield.events import Event
from jackfield_vcon.facts import Facts
from jackfield_vcon.identity import agent_uuid
from jackfield_vcon.payloads import campaign_of, supervisor_of

__all__ = ["People"]


@attrs.define
class People:
    """Parties by who they are, in the order in which they appear."""

    domain: str
    listed: list[dict[str, Any]] = attrs.field(factory=list)
    customer: int = 0
    line: int | None = None
    """Who is at our own number."""
    _known: dict[tuple[str, ...], int] = attrs.field(factory=dict)

    @classmethod
    def of(cls, facts: Facts, domain: str) -> People:
        """Everybody in a conversation; the customer is the first, even where nobody says who that is."""
        people = cls(domain)
        outbound = next((each.parties.direction for each in facts.events if each.parties.direction), "") == "outbound"
        number, name = _first(facts, "callee" if outbound else "caller")
        people.customer = people._add(("customer",), {**_reached_at(number), **_named(name), "role": "customer"})
        if number:
            people._known["number", number] = people.customer
        line, name = _first(facts, "caller" if outbound else "callee")
        if line:
            people.line = people._add(("number", line), {**_reached_at(line), **_named(name), "type": "organization"})
        for event in facts.events:
            people._meet(event)
        return people

    def agent(self, event: Event) -> int | None:
        """The agent in an event."""
        return self._known.get(("agent", event.address.provider, event.parties.agent_id))

    def number(self, number: str) -> int | None:
        """Who has a number."""
        return self._known.get(("number", number)) if number else None

    def machine(self) -> int | None:
        """The machine that talks, where one does."""
        return self._known.get(("bot",))

    def supervisor(self, event: Event) -> int | None:
        """Who listens to the agent of an event."""
        return self._known.get(("supervisor", event.parties.agent_id))

    def nobody(self) -> int:
        """Somebody of whom nothing is known."""
        return self._add(("nobody", str(len(self.listed))), {})

    def _meet(self, event: Event) -> None:
        who, provider = event.parties, event.address.provider
        if who.agent_id:
            index = self._known.get(key := ("agent", provider, who.agent_id))
            if index is None:
                uuid = agent_uuid(self.domain, provider, event.address.scope_id, who.agent_id)
                index = self._add(key, {"uuid": uuid, "type": "person", "role": "agent"})
            if who.agent_name:
                self.listed[index].setdefault("name", who.agent_name)
        if event.kind.startswith("ai_call."):
            self._add(("bot",), {"type": "bot"})
        if event.kind == "supervision.started":
            listener = supervisor_of(event)
            own = {"uuid": agent_uuid(self.domain, provider, event.address.scope_id, listener)} if listener else {}
            self._add(("supervisor", who.agent_id), {**own, "type": "person", "role": "supervisor"})
        if contact_list := campaign_of(event)[1]:
            self.listed[self.customer].setdefault("contact_list", contact_list)
        for number, name in ((who.caller, who.caller_name), (who.callee, who.callee_name)):
            if number and ("number", number) not in self._known:
                self._add(("number", number), {**_reached_at(number), **_named(name)})

    def _add(self, who: tuple[str, ...], party: Mapping[str, Any]) -> int:
        if who not in self._known:
            self._known[who] = len(self.listed)
            self.listed.append(dict(party))
        return self._known[who]


def _first(facts: Facts, side: str) -> tuple[str, str]:
    """The first number on that side, and the first name that goes with it."""
    numbers = [(getattr(event.parties, side), getattr(event.parties, f"{side}_name")) for event in facts.events]
    number = next((each for each, _ in numbers if each), "")
    return number, next((name for each, name in numbers if name and each in ("", number)), "")


def _reached_at(address: str) -> dict[str, str]:
    if not address:
        return {}
    if address.startswith(("sip:", "sips:")):
        return {"sip": address}
    if "@" in address:
        return {"mailto": address}
    if address.startswith("+"):
        return {"tel": f"tel:{address}"}
    if address.lower() in ("anonymous", "unknown", "restricted", "private"):
        return {"name": "anonymous"}
    return {"tel": address}


def _named(name: str) -> dict[str, str]:
    return {"name": name} if name else {}
