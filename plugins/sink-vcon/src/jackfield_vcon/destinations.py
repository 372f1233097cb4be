"""Where finished vCons go: into files, or by POST."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn, Protocol

import attrs
import trio

from jackfield.errors import DeliveryError
from jackfield.plugin.posting import Failure, Poster
from jackfield_vcon.durable import write_whole
from jackfield_vcon.spool import Spool

__all__ = ["LONGEST_DELAY", "Destination", "Files", "Posts"]

MEDIA_TYPE = "application/vcon"
FIRST_DELAY, LONGEST_DELAY = 1.0, 300.0
"""Seconds between attempts, doubling: the last is that of a receiver that somebody has to mend."""
HELD = 10
"""So many answers in a row such as 404 are about the URL; fewer are too, until it accepts another vCon."""
REJECTED = "rejected"
logger: logging.Logger = logging.getLogger("jackfield.vcon")


class Destination(Protocol):
    """Takes vCons out of the spool."""

    async def send(self, spool: Spool, lock: trio.Lock) -> None:
        """Send all that waits, which `lock` guards; `OSError` or `DeliveryError` where that cannot be done now."""
        ...


@attrs.frozen
class Files:
    """A file for each, in a folder for each day."""

    folder: Path
    fsync: bool = False

    async def send(self, spool: Spool, lock: trio.Lock) -> None:
        """Write what waits."""
        async with lock:
            await trio.to_thread.run_sync(self._write_all, spool)

    def _write_all(self, spool: Spool) -> None:
        while waiting := spool.outbox():
            for name, body in waiting:
                write_whole(self.folder / name, body, fsync=self.fsync)
            spool.sent(name for name, _ in waiting)


@attrs.define(eq=False)
class Posts:
    """A request for each, in the order in which they were made."""

    folder: Path
    """Where those are put aside that the receiver does not accept."""
    _poster: Poster
    _max_bytes: int
    _now: Callable[[], float]
    fsync: bool = False
    _not_before: float = 0.0
    _delay: float = 0.0
    """For so long nothing was to be sent until then."""
    _failures: int = 0
    _error: DeliveryError | None = None
    _sending: trio.Lock = attrs.field(factory=trio.Lock)

    async def send(self, spool: Spool, lock: trio.Lock) -> None:
        """Send what waits, unless it is too early after a failure."""
        async with self._sending:
            # Where a clock was set back, it is longer than that was to be.
            if self._error is not None and 0 < self._not_before - self._now() <= self._delay + 1:
                raise self._error
            held: dict[str, tuple[bytes, Failure]] = {}

            async def settled(*names: str) -> None:
                async with lock:
                    await trio.to_thread.run_sync(spool.sent, names)

            while True:
                async with lock:
                    waiting = await trio.to_thread.run_sync(spool.outbox, held)
                if not waiting:
                    break
                for name, body in waiting:
                    failure = await self._post(name, body)
                    if failure is None:
                        await settled(name)
                        self._failures = 0
                        # The URL is right, so what was said to others was about them.
                        for each, (refused, reason) in held.items():
                            await self._put_aside(each, refused, reason)
                        await settled(*held)
                        held.clear()
                    elif failure.endpoint_suspected:
                        held[name] = body, failure
                        if len(held) == HELD:
                            self._fail(attrs.evolve(failure, on_error="pause"))
                    elif failure.on_error == "dead_letter":
                        await self._put_aside(name, body, failure)
                        await settled(name)
                    else:
                        self._fail(failure)
            for _, failure in held.values():
                self._fail(attrs.evolve(failure, on_error="retry"))
            self._failures, self._error = 0, None

    async def _post(self, name: str, body: bytes) -> Failure | None:
        uuid = _uuid_of(name)
        if len(body) > self._max_bytes:
            return Failure(f"it has {len(body)} bytes, and max_request_bytes is {self._max_bytes}", "dead_letter")
        return await self._poster.post({"content-type": MEDIA_TYPE}, body, lambda: uuid)

    async def _put_aside(self, name: str, body: bytes, failure: Failure) -> None:
        aside = self.folder / REJECTED / Path(name).name
        await trio.to_thread.run_sync(partial(write_whole, aside, body, fsync=self.fsync))
        logger.error(
            "vCon %s is rejected, and put aside in %s: %s",
            _uuid_of(name),
            aside.parent,
            failure.reason,
            extra={"event": "vcon_rejected"},
        )

    def _fail(self, failure: Failure) -> NoReturn:
        """Say when it is tried again; `DeliveryError`, always."""
        self._failures += 1
        delay = min(FIRST_DELAY * 2 ** min(self._failures - 1, 9), LONGEST_DELAY)
        if failure.on_error == "pause":  # somebody has to mend it
            delay = LONGEST_DELAY
        elif failure.on_error == "disable":  # the receiver wants no more, until the next start
            delay = math.inf
        self._delay = max(delay, failure.retry_after or 0.0)
        self._not_before = self._now() + self._delay
        reason = f"vCons cannot be posted: {failure.reason}"
        self._error = DeliveryError(reason, on_error=failure.on_error, retry_after=failure.retry_after)
        raise self._error


def _uuid_of(name: str) -> str:
    return Path(name).name.partition(".")[0]
