"""Durable subscriptions of clients: where one of a name goes on, who follows it, and what it acknowledges.

Each token has names of its own. The newest client of a name has it: what was there before ends, since a server learns
late that a client has gone. What is acknowledged is done with, up to a position: by a request of its own, by a message
of ``jackfield.v1``, or by the ``Last-Event-ID`` with which a client comes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import msgspec
import trio

from jackfield._gateway.committed import CommittedEvents
from jackfield._journal.durable import DurableSubscription
from jackfield._serve.asking import OLDEST, Refused, json_response
from jackfield._serve.counters import ServeCounters
from jackfield._serve.grants import Grant
from jackfield._serve.messages import Positions
from jackfield._serve.subscription import SET_BACK, Start
from jackfield.errors import JournalError
from jackfield.plugin.http import Request, Response
from jackfield.selectors import Selector

__all__ = ["TAKEN_OVER", "Beginning", "ServedDurables"]

TAKEN_OVER = "another client follows this durable subscription now"
SAVE_SECONDS = 10.0


class _Acknowledged(msgspec.Struct, forbid_unknown_fields=True):
    position: str


@attrs.frozen
class Beginning:
    """Where a subscription begins, and if it is durable, under which name."""

    start: Start
    key: str = ""
    place: DurableSubscription | None = None


@attrs.define(eq=False)
class ServedDurables:
    """Those of all tokens."""

    _events: CommittedEvents
    _positions: Positions
    _counts: ServeCounters
    _followed: dict[str, trio.CancelScope] = attrs.field(factory=dict)

    def begin(
        self, name: str, grant: Grant, select: tuple[Selector, ...], after: str, resumed: str, first: int
    ) -> Beginning:
        """Where it goes on, or where a new one begins that asks for what comes after a position.

        `resumed` is up to where the client has everything; `first` the position of the oldest event that is kept.
        """
        durables, key = self._events.durables, _key(name, grant)
        known = key in durables
        asked = Start.of(resumed or after, self._positions, self._events)
        beginning = max(1, first) if after == OLDEST and not resumed else max(1, asked.position)
        try:
            place = durables.open(key, select, beginning)
        except JournalError as error:
            raise Refused(409, f"durable: {error}") from None
        if not known:
            return Beginning(attrs.evolve(asked, position=beginning), key, place)
        if resumed and not asked.gap:
            durables.acknowledge(key, asked.position - 1)
        position = place.position
        gap, named = (asked.gap, asked.asked) if resumed else ("", self._positions.text(position - 1))
        return Beginning(Start(position, gap, named), key, place)

    @contextmanager
    def follow(self, key: str) -> Iterator[trio.CancelScope]:
        """Follow one, if there is a key; the scope is cancelled when a newer client does."""
        if before := self._followed.pop(key, None):
            before.cancel()
            self._counts.rejections[TAKEN_OVER] += 1
        with trio.CancelScope() as scope:
            if key:
                self._followed[key] = scope
            try:
                yield scope
            finally:
                if self._followed.get(key) is scope:
                    del self._followed[key]

    def acknowledge(self, key: str, text: str) -> None:
        """Be done with everything up to a position; `Refused` where that is none of this journal's."""
        try:
            position = self._positions.read(text)
        except ValueError as error:
            raise Refused(400, f"position: {error}") from None
        if position is None:
            raise Refused(409, f"position: {text[:80]} is of another journal; acknowledge what came last")
        if not self._events.knows(position):
            raise Refused(409, f"position: {text[:80]} is not in this journal: it was not given yet, or {SET_BACK}")
        self._events.durables.acknowledge(key, position)

    async def saved(self) -> None:
        """Wait until what was acknowledged and forgotten by now is saved; `Refused` while the disk does not take it."""
        try:
            with trio.fail_after(SAVE_SECONDS):
                await self._events.durables.saved()
        except (JournalError, trio.TooSlowError) as error:
            problem = str(error) or f"it takes longer than {SAVE_SECONDS:g} s"
            raise Refused(503, f"not saved yet: {problem}; it is tried again") from None

    def position(self, key: str) -> str:
        """Up to where one has acknowledged everything."""
        return self._positions.text(self._events.durables.position(key) - 1)

    async def respond(self, request: Request, names: tuple[str, ...], grant: Grant) -> Response:
        """``/v1/durable``: the token's; below it one of them: GET, POST to acknowledge, DELETE to forget."""
        if not names:
            _check_method(request, "GET", "HEAD")
            every = [key for key in self._events.durables if key.rpartition("/")[:2] == (grant.token, "/")]
            return json_response(200, {"durable": [self._document(key) for key in every]})
        if len(names) != 1 or (key := _key(names[0], grant)) not in self._events.durables:
            if request.method == "DELETE":
                await self.saved()  # one that is forgotten is gone once that is saved
            raise Refused(404, "there is no such durable subscription of this token; a stream with ?durable= makes it")
        _check_method(request, "GET", "HEAD", "POST", "DELETE")
        if request.method == "DELETE":
            if key in self._followed:
                raise Refused(409, "a client follows it; end its stream first")
            self._events.durables.forget(key)
            await self.saved()
            return Response(204)
        if request.method == "POST":
            try:
                asked = msgspec.json.decode(request.body, type=_Acknowledged)
            except (msgspec.MsgspecError, UnicodeError) as error:
                raise Refused(400, f'body: {error}; send {{"position": "…"}}') from None
            self.acknowledge(key, asked.position)
            await self.saved()
        return json_response(200, self._document(key))

    def _document(self, key: str) -> dict[str, object]:
        durables = self._events.durables
        return {
            "name": key.rpartition("/")[2],
            "position": self.position(key),
            "behind": self._events.count(durables.position(key), self._events.end),
            "select": [str(each) for each in durables.selectors(key)],
            "followed": key in self._followed,
        }


def _check_method(request: Request, *allowed: str) -> None:
    if request.method not in allowed:
        raise Refused(405, f"only {', '.join(allowed)} are allowed here", {"allow": ", ".join(allowed)})


def _key(name: str, grant: Grant) -> str:
    """The name in the journal; a program's own listeners have names without the stroke."""
    return f"{grant.token}/{name}"
