"""What one connection is subscribed to, and the next step from there to what is wanted; pure.

Wanted are all topics that somebody needs, narrow ones beside wide ones that cover them. Aimed at is the
smallest set that brings them all, of those that the vendor has not refused. So if it refuses the wide
topic, the narrow ones are asked for instead. A topic is given back only when everything aimed at is
answered, and when nobody needs it: nobody goes without what they had while something else is on its way,
nor after the vendor has refused that something. And only what is held is ever given back: at VoIPBIN an
unsubscribe too many can silence other connections of the same account, since its broker counts
references and not names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

import attrs

__all__ = ["Step", "Subscriptions"]

Step = tuple[Literal["subscribe", "unsubscribe"], str]


@attrs.define
class Subscriptions:
    """One connection's subscriptions; a new connection starts with a new one."""

    _covers: Callable[[str, str], bool]
    """Whether a topic brings everything that another brings; the dialect's."""
    _smallest: Callable[[Iterable[str]], frozenset[str]]
    """The topics of these that no other of them covers."""
    _wanted: frozenset[str] = frozenset()
    _aim: frozenset[str] = frozenset()
    pending: set[str] = attrs.field(factory=set)
    """PlanEntry for and not answered."""
    held: set[str] = attrs.field(factory=set)
    """Confirmed."""
    refused: set[str] = attrs.field(factory=set)
    """Refused on this connection, and not asked for again on it."""

    def want(self, topics: Iterable[str]) -> None:
        """From now on exactly these are needed."""
        self._wanted = frozenset(topics)
        self._take_aim()

    def next_step(self) -> Step | None:
        """The next thing to say to the vendor; ``None`` while there is nothing to say.

        Taking the step is assumed: what is subscribed to is pending from now on, and what is given back
        is no longer held.
        """
        if asked := self._aim - self.held - self.pending:
            topic = min(asked)
            self.pending.add(topic)
            return "subscribe", topic
        if not self.pending and (spare := next(self._spare(), None)) is not None:
            self.held.discard(spare)
            return "unsubscribe", spare
        return None

    def _spare(self) -> Iterator[str]:
        """What is held beyond the aim, and serves nobody whom nothing else that is held serves."""
        for topic in sorted(self.held - self._aim):
            others = self.held - {topic}
            needs = (need for need in self._wanted if self._covers(topic, need))
            if all(any(self._covers(other, need) for other in others) for need in needs):
                yield topic

    def confirm(self, topic: str) -> bool:
        """The vendor serves a topic, at last or after all; whether that is news."""
        if topic in self.held or topic not in self.pending | self.refused:
            return False
        self.pending.discard(topic)
        self.held.add(topic)
        if topic in self.refused:
            self.refused.discard(topic)
            self._take_aim()
        return True

    def refuse(self, topic: str) -> bool:
        """The vendor does not serve a topic, or no longer; whether that is news."""
        if topic not in self.held | self.pending:
            return False
        self.pending.discard(topic)
        self.held.discard(topic)
        self.refused.add(topic)
        self._take_aim()
        return True

    @property
    def settled(self) -> bool:
        """Whether everything that was asked for is answered and nothing is left to say."""
        return not self.pending and self._aim <= self.held and next(self._spare(), None) is None

    def _take_aim(self) -> None:
        self._aim = self._smallest(self._wanted - self.refused)
