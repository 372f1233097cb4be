"""The server's rate limit of one connection, kept from our side: its bucket of tokens, by the tick of a second."""

from __future__ import annotations

import attrs

__all__ = ["Pace"]


@attrs.define
class Pace:
    """How many messages may go out now; each costs a token."""

    capacity: int = 100
    """KAZOO's default; each message costs one, a ping too."""
    each_tick: int = 10
    tokens: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tokens = self.capacity

    def take(self) -> bool:
        """A token, if there is one."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def tick(self) -> None:
        """A second has passed."""
        self.tokens = min(self.capacity, self.tokens + self.each_tick)

    def exceeded(self) -> None:
        """The server says that it was too much: its bucket is smaller than ours, so let it fill up first."""
        self.tokens = -self.each_tick
