"""What goes into a journal's store and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import attrs

from jackfield._journal.downtime import AccountRow
from jackfield.events import Event

__all__ = ["DeadLetterRow", "Durable", "Loss", "Notes", "StoredDeadLetter", "Token"]


class DeadLetterRow(NamedTuple):
    """One event to be kept as a dead letter."""

    sink: str
    position: int
    at: int
    """Microseconds since 1970."""
    attempts: int
    reason: str
    event: Event

    @property
    def body(self) -> bytes:
        """The event's JSON."""
        return self.event.to_json()


class Token(NamedTuple):
    """What a vendor wants back, to go on from there."""

    text: str
    position: int
    """The position behind the events that it stands for."""


class Loss(NamedTuple):
    """How many events a sink has lost because the journal kept no more."""

    down: int = 0
    """While it, or the gateway, did not run or accept anything."""
    slow: int = 0
    """While it was delivering."""
    ahead: int = 0
    """How many of them stand behind the position that the sink wants next, so that they are not counted again."""


class Durable(NamedTuple):
    """How far one durable subscription has come."""

    next: int
    """The first position that is not acknowledged."""
    select: str
    """What it selects, a selector a line."""


@attrs.frozen
class Notes:
    """What is small and changes in place; each mapping holds what has changed."""

    cursors: Mapping[str, int] = attrs.field(factory=dict)
    """The position that each sink wants next."""
    dead: tuple[DeadLetterRow, ...] = ()
    tokens: Mapping[str, Token] = attrs.field(factory=dict)
    """By feed."""
    accounts: Mapping[str, AccountRow] = attrs.field(factory=dict)
    """By feed."""
    losses: Mapping[str, Loss] = attrs.field(factory=dict)
    """By sink."""
    durable: Mapping[str, Durable | None] = attrs.field(factory=dict)
    """Durable subscriptions; ``None`` for one to be forgotten."""

    def __bool__(self) -> bool:
        return bool(self.cursors or self.dead or self.tokens or self.accounts or self.losses or self.durable)


@attrs.frozen
class StoredDeadLetter:
    """An event that a sink never took."""

    number: int
    sink: str
    position: int
    at: int
    """Microseconds since 1970."""
    attempts: int
    reason: str
    body: bytes | None
    """``None`` where it is not what was written."""
