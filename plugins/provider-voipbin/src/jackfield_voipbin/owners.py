"""Whose event it is, where the message does not say by whose topic it came.

Only the documented envelope has a topic. A resource by itself belongs to its customer, but came to a feed that is
subscribed to an agent's topics alone as that agent's event; its id is the same in either case.
"""

from __future__ import annotations

from collections.abc import Iterable

from jackfield.addresses import Address, AddressPattern
from jackfield.events import Event

__all__ = ["resolve_address"]


def resolve_address(event: Event, patterns: Iterable[AddressPattern]) -> Address:
    """The event's address, given what the topics bring by which it may have come.

    The customer's, if one of the customer's topics brings it. Else an agent's whose topics do: its owner's, or that of
    the only one that it can be, since a chat comes to each of its participants.
    """
    address = event.address
    if event.native_topic:
        return address
    agents: set[str] = set()
    for pattern in patterns:
        if pattern.scope == "customer" and pattern.matches(address):
            return address
        if pattern.scope == "agent" and pattern.scope_id and pattern.resource in (None, address.resource):
            agents.add(pattern.scope_id)
    if not agents:
        return address
    owner = event.data.get("owner_id") if isinstance(event.data, dict) else None
    agent = owner if isinstance(owner, str) and owner in agents else agents.pop() if len(agents) == 1 else None
    return address if agent is None else address._replace(scope="agent", scope_id=agent)
