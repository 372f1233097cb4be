"""What a vendor wants back once its events are committed, in the order in which they came."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

import attrs

from jackfield._journal.store.records import Token

__all__ = ["Receipts", "Tokens"]


@attrs.frozen
class Tokens:
    """The tokens of some events of a feed."""

    feed: str
    by_event: Mapping[str, str]
    """By the event's id, in the events' order."""
    committed: Callable[[list[str]], object]
    """Called with tokens whose events are committed."""


@attrs.define(eq=False)
class Receipts:
    """Tokens that wait for a commit."""

    _note: Callable[[str, Token], None]
    _waiting: deque[tuple[int, str, Tokens]] = attrs.field(factory=deque)

    def expect(self, token: str, tokens: Tokens, position: int) -> None:
        """Acknowledge a token once everything before that position is committed."""
        self._waiting.append((position, token, tokens))

    def settle(self, end: int) -> None:
        """Everything before `end` is committed."""
        while self._waiting and self._waiting[0][0] <= end:
            position, token, tokens = self._waiting.popleft()
            settled = [token]
            while self._waiting and self._waiting[0][0] <= end and self._waiting[0][2] is tokens:
                position, token, _ = self._waiting.popleft()
                settled.append(token)
            self._note(tokens.feed, Token(token, position))
            tokens.committed(settled)
