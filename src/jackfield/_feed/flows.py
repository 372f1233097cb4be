"""The HTTP flows of one connection: requests of its protocol and backfills, begun, repeated and given up; pure.

One backfill runs at a time, and several wishes make one; so many requests run at a time, and more wait. A flow that got
no answer is made again after ever longer pauses, unless the vendor does not allow it or the provider has a bug.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from datetime import datetime

import attrs

from jackfield._feed.effects import BackfillEnded, Perform, RequestFailed
from jackfield._loading.guard import provider_code
from jackfield.errors import JackfieldError, RestError
from jackfield.plugin.protocol import FeedProtocol, Request, SupportsBackfill

__all__ = ["MOST_RUNNING", "MOST_WAITING", "Flows"]

# Both vendors may answer a subscription before it is active, so what was missed is looked up a bit later: by the
# ticks, one to two seconds.
GRACE_SECONDS = 2.0
# From a flow that got no answer to the next attempt, by how many in a row got none.
BACKFILL_PAUSES = (30.0, 60.0, 120.0, 300.0, 600.0)
REQUEST_PAUSES = (1.0, 3.0, 10.0, 30.0, 60.0)
# Requests at once, and those that wait for their turn: a vendor's notices may ask for any number.
MOST_RUNNING = 16
MOST_WAITING = 10_000


@attrs.define(eq=False)
class _Flow:
    request: Request | None
    """``None`` for a backfill."""
    since: datetime | None = None
    """Of a backfill, the beginning of the gap; of a request, when it was asked for."""
    began: datetime | None = None
    attempts: int = 0
    due: float = 0.0


@attrs.define(eq=False)
class Flows:
    """What is under way, and what waits; times are the driver's elapsed seconds."""

    _protocol: FeedProtocol
    _number: int = 0
    _running: dict[int, _Flow] = attrs.field(factory=dict)
    _waiting: deque[_Flow] = attrs.field(factory=deque)
    """Requests that wait for their turn."""
    _later: list[_Flow] = attrs.field(factory=list)
    """Requests that wait for their next attempt."""
    _gaps: list[datetime] = attrs.field(factory=list)
    """Beginnings of the gaps that the next backfill is for."""
    _backfill_due: float = math.inf
    _backfills_failed: int = 0

    def request(
        self, request: Request, elapsed: float, at: datetime | None
    ) -> Iterator[Perform | BackfillEnded | RequestFailed]:
        """Make a request, now if it is its turn."""
        if len(self._waiting) + len(self._later) >= MOST_WAITING:
            yield RequestFailed(f"{request.reason}: {MOST_WAITING} requests wait already", at, request.brings_events)
            return
        self._waiting.append(_Flow(request, at))
        yield from self._begin_requests(elapsed)

    def backfill(self, since: datetime | None, elapsed: float) -> None:
        """Look up soon what was missed; without `since` because the protocol asks for it."""
        self._gaps += [] if since is None else [since]
        self._backfills_failed = 0  # a new request does not wait for the end of a long pause
        self._backfill_due = min(self._backfill_due, elapsed + GRACE_SECONDS)

    def begin(self, elapsed: float, at: datetime) -> Iterator[Perform | BackfillEnded | RequestFailed]:
        """Whatever is due."""
        self._waiting.extend(flow for flow in self._later if flow.due <= elapsed)
        self._later = [flow for flow in self._later if flow.due > elapsed]
        yield from self._begin_requests(elapsed)
        backfilling = any(flow.request is None for flow in self._running.values())
        if self._backfill_due <= elapsed and not backfilling:
            self._backfill_due = math.inf
            if isinstance(self._protocol, SupportsBackfill):
                flow = _Flow(None, min(self._gaps, default=None), at)
                self._gaps.clear()
                yield from self._begin(flow, elapsed)

    def _begin_requests(self, elapsed: float) -> Iterator[Perform | BackfillEnded | RequestFailed]:
        while self._waiting and len(self._running) < MOST_RUNNING:
            yield from self._begin(self._waiting.popleft(), elapsed)

    def _begin(self, flow: _Flow, elapsed: float) -> Iterator[Perform | BackfillEnded | RequestFailed]:
        self._number += 1
        flow.attempts += 1
        number, self._running[self._number] = self._number, flow
        try:
            with provider_code():
                if flow.request is not None:
                    made = flow.request.flow()
                else:
                    assert isinstance(self._protocol, SupportsBackfill)
                    assert flow.began is not None
                    made = self._protocol.backfill(flow.since, flow.began)
        except JackfieldError as error:
            yield from self.failed(number, error, elapsed)
        else:
            yield Perform(number, made)

    def performed(self, number: int, events: int, elapsed: float) -> Iterator[Perform | BackfillEnded | RequestFailed]:
        """A flow has ended, and brought so many events."""
        flow = self._running.pop(number)
        if flow.request is None:
            assert flow.began is not None
            self._backfills_failed = 0
            yield BackfillEnded(flow.since, flow.began, events)
        yield from self._begin_requests(elapsed)

    def failed(
        self, number: int, error: JackfieldError, elapsed: float
    ) -> Iterator[Perform | BackfillEnded | RequestFailed]:
        """A flow got no answer."""
        flow = self._running.pop(number)
        again = isinstance(error, RestError) and not error.auth_failed
        if flow.request is None:
            assert flow.began is not None
            if again:
                self._gaps += [] if flow.since is None else [flow.since]
                pause = BACKFILL_PAUSES[min(self._backfills_failed, len(BACKFILL_PAUSES) - 1)]
                self._backfill_due = min(self._backfill_due, elapsed + pause)
                self._backfills_failed += 1
            yield BackfillEnded(flow.since, flow.began, failure=str(error))
        elif again and flow.attempts <= len(REQUEST_PAUSES):
            flow.due = elapsed + REQUEST_PAUSES[flow.attempts - 1]
            self._later.append(flow)
        else:
            yield RequestFailed(f"{flow.request.reason}: {error}", flow.since, flow.request.brings_events)
        yield from self._begin_requests(elapsed)

    def abandon(self) -> Iterator[RequestFailed]:
        """The connection has ended: fail what is under way and what waits; a backfill's gap is the session's."""
        for flow in [*self._running.values(), *self._waiting, *self._later]:
            if flow.request is not None:
                reason, brings_events = flow.request.reason, flow.request.brings_events
                yield RequestFailed(f"{reason}: the connection ended first", flow.since, brings_events)
        self._running.clear()
        self._waiting.clear()
        self._later.clear()
