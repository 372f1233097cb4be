"""What was asked of the server on one connection, and which reply belongs to what.

A reply belongs to the request with its id and to no other: it may come late, twice or never, with somebody else's data
or with our own binding in another spelling.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Literal

import attrs

from jackfield.plugin.protocol import Send
from jackfield_vinix.pacing import Pace
from jackfield_vinix.wire import request

__all__ = ["ANSWER_TICKS", "PendingRequest", "Requests"]

MOST_OPEN = 40
"""Requests that wait for their answers at once: of more than about 50, KAZOO loses the answers."""
ANSWER_TICKS = 10
"""Seconds after which no answer is expected any more; a K5 server does not answer everything."""

# Replies that come later than that are still understood, as far back as this.
REMEMBERED = 1000


@attrs.define(eq=False)
class PendingRequest:
    """One thing that was asked for."""

    action: Literal["subscribe", "unsubscribe"]
    binding: str = ""
    ticks: int = ANSWER_TICKS
    """Seconds that are left for the answer, from when it was sent."""


@attrs.define
class Requests:
    """One connection's requests."""

    _auth_token: str = attrs.field(repr=False)
    _account_id: str
    _name: str = ""
    """What the server's list of connections calls ours; empty where nobody reads that list."""
    _pace: Pace = attrs.field(factory=Pace)
    _unsent: deque[PendingRequest] = attrs.field(factory=deque)
    _open: dict[str, PendingRequest] = attrs.field(factory=dict)
    """By the request's id: what an answer is awaited to, the longest awaited first."""
    _overdue: dict[str, PendingRequest] = attrs.field(factory=dict)
    """What may still be answered after all."""
    _count: int = 0

    def ask(self, pending: PendingRequest) -> Iterator[Send]:
        """Send a request, now or when the pace allows."""
        self._unsent.append(pending)
        yield from self.flush()

    def again(self, pending: PendingRequest) -> None:
        """The server rate-limited this: send it again later."""
        self._pace.exceeded()
        self._unsent.append(pending)

    def answered(self, request_id: Any) -> PendingRequest | None:
        """What a reply with this id answers; ``None`` for nothing of ours, or nothing that is still open."""
        key = str(request_id) if isinstance(request_id, str | int) else ""
        return self._open.pop(key, None) or self._overdue.pop(key, None)

    def tick(self) -> Iterator[Send | PendingRequest]:
        """A second has passed: what can go out now, and what stays unanswered."""
        for request_id, pending in list(self._open.items()):
            pending.ticks -= 1
            if pending.ticks <= 0:
                self._overdue[request_id] = self._open.pop(request_id)
                yield pending
        while len(self._overdue) > REMEMBERED:
            del self._overdue[next(iter(self._overdue))]
        self._pace.tick()
        yield from self.flush()

    def longest_open(self) -> PendingRequest | None:
        """The first request that the server has not answered; replies come in order."""
        return next(iter(self._open.values()), None)

    def flush(self) -> Iterator[Send]:
        """Send what may go out now."""
        while self._unsent and len(self._open) < MOST_OPEN and self._pace.take():
            pending = self._unsent.popleft()
            self._count += 1
            request_id = f"jackfield-{self._count}"
            pending.ticks = ANSWER_TICKS
            self._open[request_id] = pending
            yield Send(self._text(pending, request_id))

    def _text(self, pending: PendingRequest, request_id: str) -> str:
        data = {"account_id": self._account_id, "binding": pending.binding} if pending.binding else {}
        return request(pending.action, request_id, self._auth_token, self._name, **data)
