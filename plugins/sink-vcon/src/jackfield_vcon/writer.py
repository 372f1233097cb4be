"""The open sink: events go into the spool at once, and what is over and settled becomes a file."""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import trio

from jackfield.errors import DeliveryError
from jackfield.plugin.sink import Batch
from jackfield_vcon.assemble import Amended, assemble, encode
from jackfield_vcon.facts import Facts
from jackfield_vcon.identity import content_hash
from jackfield_vcon.redact import redacted
from jackfield_vcon.spool import Spool

__all__ = ["Times", "Writer"]

AT_ONCE = 50
"""Conversations in one trip to a thread, so that events need not wait long."""
logger: logging.Logger = logging.getLogger("jackfield.vcon")


@attrs.frozen
class Times:
    """For how long what is waited for, in seconds."""

    settle: float
    idle: float
    amend: float


@attrs.define(eq=False)
class Writer:
    """Writes vCons into dated folders."""

    _folder: Path
    _spool: Spool
    _times: Times
    _domain: str
    _now: Callable[[], float]
    _redact: frozenset[str] = frozenset()
    _fsync: bool = False
    _lock: trio.Lock = attrs.field(factory=trio.Lock)
    _running: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _ended: trio.Event = attrs.field(factory=trio.Event)
    _trouble: str = ""
    """Why the newest vCon could not be written."""

    async def write(self, batch: Batch) -> None:
        """Put the events into the spool; `DeliveryError` while that, or a vCon, cannot be written."""
        if self._trouble:
            await self.settle()
        if self._trouble:
            raise DeliveryError(self._trouble)
        async with self._lock:
            try:
                await trio.to_thread.run_sync(self._take, batch)
            except (OSError, sqlite3.Error) as error:
                raise DeliveryError(f"{self._spool.path}: {error}") from None
            batch.delivered(len(batch))

    def _take(self, batch: Batch) -> None:
        now = self._now()
        self._spool.take(batch.events, now, now + self._times.settle)

    def start(self, seconds: float) -> None:
        """Write what is settled, every so many seconds.

        The host closes a sink among scopes of its own, in which a nursery of this one could not be left.
        """
        trio.lowlevel.spawn_system_task(self._run, seconds)

    async def stop(self) -> None:
        """End that, and write what is settled by now."""
        self._running.cancel()
        await self._ended.wait()
        await self.settle()

    async def _run(self, seconds: float) -> None:
        try:
            with self._running:
                while True:
                    await self.settle()
                    await trio.sleep(seconds)
        finally:
            self._ended.set()

    async def settle(self) -> None:
        """Write what is settled; what cannot be written is tried again."""
        while True:
            async with self._lock:
                try:
                    done = await trio.to_thread.run_sync(partial(self.step, self._now()))
                except (OSError, sqlite3.Error) as error:
                    if not self._trouble:  # also where no further event comes, whose delivery would report it
                        logger.warning("vCons cannot be written: %s; they wait, and it is tried again", error)
                    self._trouble = f"vCons cannot be written: {error}"
                    return
            self._trouble = ""
            if not done:
                return
            await trio.lowlevel.checkpoint()

    def step(self, now: float) -> bool:
        """Look at some conversations; whether there may be more to do. In a thread."""
        self._spool.check()
        self._send()
        keys = self._spool.due(now, AT_ONCE)
        with self._spool.transaction():
            for key in keys:
                try:
                    self._look(key, now)
                except (OSError, sqlite3.Error):
                    raise
                except Exception:  # one conversation must not keep all others from being written
                    logger.exception("%s: no vCon can be made of it; tried again in %g s", key, self._times.idle)
                    self._spool.put_off(key, now + self._times.idle)
        self._send()
        forgotten = self._spool.forget(now - self._times.amend)
        return len(keys) == AT_ONCE or forgotten >= 500

    def _look(self, key: str, now: float) -> None:
        """Write a conversation if it is over; else look again when it would be too long ago."""
        found = self._spool.read(key)
        if found.content == "-":
            logger.warning("%s: an event came after %g s, and its vCon is not amended any more", key, self._times.amend)
            self._spool.put_off(key, None)
            return
        facts = Facts.of(found.events)
        if not facts.events or not facts.has_substance:
            self._spool.put_off(key, None)
            return
        if not facts.is_over and now < found.seen + self._times.idle:
            self._spool.put_off(key, found.seen + self._times.idle)
            return
        make = partial(assemble, facts, key, domain=self._domain, gaps=found.gaps, form=",".join(sorted(self._redact)))
        vcon = self._shown(make())
        content = hashlib.sha256(encode(vcon)).hexdigest()
        if content == found.content:
            self._spool.put_off(key, None)
            return
        if found.version:
            vcon = self._shown(make(amended=found.before, version=found.version + 1))
        body = encode(vcon)
        name = f"{vcon['created_at'][:10]}/{vcon['uuid']}.vcon.json"
        self._spool.finish(found, name, body, Amended(vcon["uuid"], content_hash(body)), content)

    def _shown(self, vcon: dict[str, Any]) -> dict[str, Any]:
        return redacted(vcon, self._redact) if self._redact else vcon

    def _send(self) -> None:
        while waiting := self._spool.outbox():
            for name, body in waiting:
                _write(self._folder / name, body, fsync=self._fsync)
            self._spool.sent(name for name, _ in waiting)


def _write(path: Path, body: bytes, *, fsync: bool) -> None:
    """A file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(body)
        if fsync:
            file.flush()
            os.fsync(file.fileno())
    part.replace(path)
