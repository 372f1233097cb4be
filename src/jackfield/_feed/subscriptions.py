"""What one connection is subscribed to, and the next step from there to what is wanted; pure.

Wanted are all topics that somebody needs, narrow ones beside wide ones that cover them. The target is the
smallest set that brings them all, of those that the vendor has not refused. So if it refuses the wide
topic, the narrow ones are subscribed to instead. A topic is unsubscribed only when the vendor has answered every
subscription of the target, and when nobody needs it: nobody goes without what they had while something else is on
its way, nor after the vendor has refused that something. And only what is held is ever unsubscribed: at VoIPBIN an
unsubscribe too many can silence other connections of the same account, since its broker counts
references and not names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import attrs

from jackfield._routing.cover import Cover, open_cover
from jackfield.plugin.provider import Dialect

__all__ = ["Step", "Subscriptions"]

Step = tuple[Literal["subscribe", "unsubscribe"], str]


@attrs.define
class Subscriptions:
    """One connection's subscriptions; a new connection starts with a new one."""

    _dialect: Dialect
    _wanted: frozenset[str] = frozenset()
    pending: set[str] = attrs.field(factory=set)
    """Subscribed to and not answered."""
    held: set[str] = attrs.field(factory=set)
    """Confirmed."""
    refused: set[str] = attrs.field(factory=set)
    """Refused on this connection, and not asked for again on it."""
    _needs: Cover = attrs.field(init=False)
    """Of everything that is wanted."""
    _target: Cover = attrs.field(init=False)
    """Of what is wanted and not refused."""
    _served: Cover = attrs.field(init=False)
    """Of what is held."""

    def __attrs_post_init__(self) -> None:
        self._needs, self._target, self._served = (open_cover(self._dialect) for _ in range(3))

    def want(self, topics: Iterable[str]) -> None:
        """From now on exactly these are needed."""
        wanted = frozenset(topics)
        for topic in self._wanted - wanted:
            self._needs.remove(topic)
            if topic not in self.refused:
                self._target.remove(topic)
        for topic in wanted - self._wanted:
            self._needs.add(topic)
            if topic not in self.refused:
                self._target.add(topic)
        self._wanted = wanted

    def next_step(self) -> Step | None:
        """The next thing to say to the vendor; ``None`` while there is nothing to say.

        Taking the step is assumed: what is subscribed to is pending from now on, and what is unsubscribed
        is no longer held.
        """
        if missing := self._target.minimal - self.held - self.pending:
            topic = min(missing)
            self.pending.add(topic)
            return "subscribe", topic
        if not self.pending and (spare := next(self._spare(), None)) is not None:
            self._release(spare)
            return "unsubscribe", spare
        return None

    def _spare(self) -> Iterator[str]:
        """What is held beyond the target, and serves nobody whom nothing else that is held serves."""
        for topic in sorted(self.held - self._target.minimal):
            if all(any(other != topic for other in self._served.covering(need)) for need in self._needs.covered(topic)):
                yield topic

    def confirm(self, topic: str) -> bool:
        """The vendor serves a topic, at last or after all; whether that is news."""
        if topic in self.held or topic not in self.pending | self.refused:
            return False
        self.pending.discard(topic)
        self.held.add(topic)
        self._served.add(topic)
        if topic in self.refused:
            self.refused.discard(topic)
            if topic in self._wanted:
                self._target.add(topic)
        return True

    def refuse(self, topic: str) -> bool:
        """The vendor does not serve a topic, or no longer; whether that is news."""
        if topic not in self.held | self.pending:
            return False
        self.pending.discard(topic)
        if topic in self.held:
            self._release(topic)
        self.refused.add(topic)
        if topic in self._wanted:
            self._target.remove(topic)
        return True

    def _release(self, topic: str) -> None:
        self.held.discard(topic)
        self._served.remove(topic)

    @property
    def settled(self) -> bool:
        """Whether everything that was asked for is answered and nothing is left to say."""
        return not self.pending and self._target.minimal <= self.held and next(self._spare(), None) is None
