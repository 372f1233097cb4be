"""What the gateway itself has subscribed to at its message bus, which all its clients share.

KAZOO counts it (``blackhole_listener``, branch 4.3 and 5): one more for each subscription, one less for each
unsubscribe and for each subscription of a connection that closes. Whoever unsubscribes counts, also where it never
subscribed, so that the others get nothing any more, at once or when the next of them closes; what each connection
believes to be subscribed to does not change.
"""

from __future__ import annotations

import attrs

from jackfield_vinix.topics import APPLICATION, matches_binding

__all__ = ["Bus", "family_in"]


@attrs.define
class Bus:
    """The counts by what is subscribed to: a family, or a binding of one thing in it."""

    _account_id: str
    _counts: dict[str, int] = attrs.field(factory=dict)

    def add(self, subscription: str) -> None:
        """A client subscribes."""
        self._counts[subscription] = self._counts.get(subscription, 0) + 1

    def remove(self, subscription: str) -> None:
        """A client unsubscribes, or closes."""
        left = self._counts.pop(subscription, 0) - 1
        if left > 0:
            self._counts[subscription] = left

    def forget(self) -> None:
        """The process that counts starts anew."""
        self._counts.clear()

    def brings(self, routing_key: str) -> bool:
        """Whether the gateway gets an event with this key at all."""
        return family_in(routing_key) in self._counts or any(
            matches_binding(each, self._account_id, routing_key)
            for each in self._counts
            if each.startswith(f"{APPLICATION}.")
        )


def family_in(key: str) -> str:
    """The family in a binding or a key."""
    application, _, rest = key.partition(".")
    return rest.partition(".")[0] if application == APPLICATION else application
