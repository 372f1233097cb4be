"""Durable subscriptions of a gateway: feeds subscribe to what they select, whether their consumers are there or not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import attrs

from jackfield._journal.durable import DurableSubscription, DurableSubscriptions
from jackfield.config import GatewayConfig
from jackfield.reports import DurableStats
from jackfield.selectors import Selector

__all__ = ["Durables"]


@attrs.frozen(eq=False)
class Durables:
    """All of a gateway, by name; served ones have the name of their client's token before theirs."""

    _journal: DurableSubscriptions
    _select: Callable[[Iterable[Selector]], None]
    """Let the feeds subscribe to what these need; counted, so that each call needs its `_deselect`."""
    _deselect: Callable[[Iterable[Selector]], None]
    _ownerless: set[str] = attrs.field(factory=set)
    """Those of tokens that are not configured, which nobody can follow."""

    def __iter__(self) -> Iterator[str]:
        return iter(self._journal)

    def __contains__(self, name: str) -> bool:
        return name in self._journal

    def begin(self, config: GatewayConfig) -> None:
        """Let the feeds subscribe to what earlier runs were asked for."""
        owners = {*config.serve.tokens, *(f"viewers/{name}" for name in config.viewers)}
        if config.serve.open or config.serve.listen is None:  # a dashboard may be open too
            owners.add("")
        for name in self:
            self._select(self.selectors(name))
            token, stroke, _ = name.rpartition("/")
            if stroke and token not in owners:
                self._ownerless.add(name)

    def states(self) -> dict[str, DurableStats]:
        """How each stands, by name."""
        return {name: DurableStats(self._journal.behind(name), name not in self._ownerless) for name in self}

    def selectors(self, name: str) -> tuple[Selector, ...]:
        """What one selects; nothing where there is none of that name."""
        return tuple(map(Selector.parse, filter(None, self._journal.select(name).split("\n"))))

    def position(self, name: str) -> int:
        """The first position that is not acknowledged."""
        return self._journal.position(name)

    def open(self, name: str, selectors: tuple[Selector, ...], beginning: int) -> DurableSubscription:
        """One to follow, which begins there where the name is new; `JournalError` where there are too many."""
        before = self.selectors(name)
        opened = self._journal.open(name, "\n".join(map(str, selectors)), beginning)
        if selectors != before:
            self._select(selectors)
            self._deselect(before)
        return opened

    def acknowledge(self, name: str, position: int) -> None:
        """Be done with everything up to that position, which is committed; never goes back."""
        self._journal.acknowledge(name, position)

    def forget(self, name: str) -> None:
        """Have it begin anew when its name is used again."""
        before = self.selectors(name)
        self._journal.forget(name)
        self._deselect(before)

    async def saved(self) -> None:
        """Wait until what was acknowledged by now is saved; `JournalError` while the disk does not take it."""
        await self._journal.saved()
