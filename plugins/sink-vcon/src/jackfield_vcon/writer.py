"""The open sink: events go into the spool at once, and what is over and settled becomes a vCon."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import attrs
import trio

from jackfield.errors import DeliveryError, OnError
from jackfield.plugin.sink import Batch
from jackfield_vcon.assemble import Amended, Edition, assemble, encode
from jackfield_vcon.destinations import LONGEST_DELAY, Destination
from jackfield_vcon.facts import Facts
from jackfield_vcon.fetching import Fetcher
from jackfield_vcon.identity import content_hash
from jackfield_vcon.links import shown_text
from jackfield_vcon.recordings import Link, Recordings
from jackfield_vcon.redact import redacted
from jackfield_vcon.sealing import Sealer
from jackfield_vcon.spool import Finished, Spool
from jackfield_vcon.troubles import in_words

__all__ = ["Making", "Times", "Writer"]

AT_ONCE = 50
"""Conversations in one trip to a thread, so that events need not wait long."""
EXCHANGES = ("message.received", "message.sent", "chat.message_posted")
"""What goes on in one exchange for years: what was said long ago is forgotten, and a new vCon says the rest."""
FETCH_AGAIN = 20.0
"""Seconds until a recording is asked for again that could not be fetched."""
LAST_SECONDS = 5.0
"""For what is settled when the sink is closed; the rest is in the spool."""
TRIED_AGAIN = "vCons wait, and it is tried again"
NEXT: Mapping[OnError, str] = {
    "pause": f"vCons wait until somebody has mended that; it is tried again every {LONGEST_DELAY:g} s",
    "disable": "vCons wait for the next start of the gateway, and none is sent before it",
}
"""What becomes of vCons that cannot leave."""
logger: logging.Logger = logging.getLogger("jackfield.vcon")


@attrs.frozen
class Times:
    """For how long what is waited for, in seconds."""

    settle: float
    idle: float
    amend: float


@attrs.frozen
class Making:
    """How vCons are made of conversations."""

    domain: str
    redact: frozenset[str] = frozenset()
    templates: Mapping[str, str] = MappingProxyType({})
    """Links to recordings, by provider."""
    sealer: Sealer | None = None

    def shown(self, vcon: dict[str, Any]) -> dict[str, Any]:
        """Without what its readers may not have."""
        return redacted(vcon, self.redact) if self.redact else vcon

    def seal(self, uuid: str, body: bytes) -> bytes:
        """As it leaves."""
        return body if self.sealer is None else self.sealer.seal(uuid, body)


@attrs.define(eq=False)
class Writer:
    """Gives vCons to a destination."""

    _spool: Spool
    _destination: Destination
    _times: Times
    _making: Making
    _now: Callable[[], float]
    _fetcher: Fetcher | None = None
    _lock: trio.Lock = attrs.field(factory=trio.Lock)
    """Guards the spool."""
    _settling: trio.Lock = attrs.field(factory=trio.Lock)
    _running: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _ended: trio.Event = attrs.field(factory=trio.Event)
    _latest: float = 0.0
    """When conversations were looked at last, by a clock that may be set back."""
    _trouble: DeliveryError | None = None
    """Why the newest vCon could not leave."""

    async def write(self, batch: Batch) -> None:
        """Put the events into the spool; `DeliveryError` while that, or a vCon, cannot be written."""
        if self._trouble is not None:
            await self.settle()
        if self._trouble is not None:
            raise self._trouble
        async with self._lock:
            try:
                await trio.to_thread.run_sync(self._take, batch)
            except (OSError, sqlite3.Error) as error:
                raise DeliveryError(in_words(error, self._spool.path)) from None
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
        with trio.move_on_after(LAST_SECONDS):
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
        """Make vCons of what is settled, and let them leave; what cannot leave is tried again."""
        async with self._settling:
            try:
                with _described():
                    await self._destination.send(self._spool, self._lock)
                    while await self._step():
                        await self._destination.send(self._spool, self._lock)
                    await self._destination.send(self._spool, self._lock)
            except (OSError, sqlite3.Error, DeliveryError, _UnforeseenError) as error:
                if isinstance(error, DeliveryError):
                    trouble = error
                else:
                    trouble = DeliveryError(f"vCons cannot be written: {in_words(error, self._spool.path)}")
                # Also where no further event comes, whose delivery would report it.
                if self._trouble is None or self._trouble.on_error != trouble.on_error:
                    then = NEXT.get(trouble.on_error, TRIED_AGAIN)
                    logger.warning("%s; %s", trouble, then, extra={"event": "vcons_waiting"})
                self._trouble = trouble
            else:
                if self._trouble is not None:
                    logger.info("vCons are written again", extra={"event": "vcons_resumed"})
                self._trouble = None

    async def _step(self) -> bool:
        """Look at some conversations, and fetch what they need; whether there may be more to do."""
        async with self._lock:
            wanted, more = await trio.to_thread.run_sync(self.step, self._now())
        if wanted and self._fetcher is not None:
            found = await self._fetcher.fetch(link for links in wanted.values() for link in links)
            waited = [key for key, links in wanted.items() if any(link.key in found for link in links)]
            async with self._lock:
                await trio.to_thread.run_sync(self._spool.keep_contents, found, waited, self._now())
            return more or bool(waited)
        await trio.lowlevel.checkpoint()
        return more

    def step(self, now: float) -> tuple[dict[str, list[Link]], bool]:
        """Look at some conversations: the links that each waits for, and whether there may be more. In a thread."""
        self._spool.check()
        is_set_back, self._latest = now < self._latest - 1, now
        settled = now + self._times.settle
        self._spool.hasten(now, settled if is_set_back else max(settled, now + self._times.idle), settled)
        keys = self._spool.due(now, AT_ONCE)
        wanted: dict[str, list[Link]] = {}
        with self._spool.transaction():
            for key in keys:
                try:
                    with _described():
                        links = self._look(key, now)
                    if links:
                        wanted[key] = links
                except _UnforeseenError as error:  # one conversation must not keep all others from being written
                    logger.log(
                        logging.ERROR,
                        "%s: no vCon can be made of it: %s; tried again in %g s",
                        shown_text(key),
                        error,
                        self._times.idle,
                        extra={"event": "vcon_failed"},
                    )
                    self._spool.put_off(key, now + self._times.idle)
        forgotten = self._spool.forget(now - self._times.amend)
        return wanted, len(keys) == AT_ONCE or forgotten >= 500

    def _look(self, key: str, now: float) -> list[Link]:
        """Make a vCon of a conversation if it is over, or else say which links it waits for.

        Where it is not over, it is looked at again when it would be too long ago.
        """
        found = self._spool.read(key)
        if found.content == "-" and not any(each.kind in EXCHANGES for each in found.events):
            logger.warning(
                "%s: an event came after %g s, and its vCon is not amended any more",
                shown_text(key),
                self._times.amend,
                extra={"event": "vcon_not_amended"},
            )
            self._spool.put_off(key, None)
            return []
        facts = Facts.of(found.events)
        if not facts.events or not facts.has_substance:
            self._spool.put_off(key, None)
            return []
        if not facts.is_over and now < found.seen + self._times.idle:
            self._spool.put_off(key, found.seen + self._times.idle)
            return []
        recordings = Recordings(self._making.templates)
        if self._fetcher is not None and (links := recordings.wanted(facts.events)):
            recordings = attrs.evolve(recordings, contents=self._spool.contents(link.key for link in links))
            if missing := recordings.wanted(facts.events):
                self._spool.put_off(key, now + FETCH_AGAIN)
                return missing
        self._make(found, facts, recordings)
        return []

    def _make(self, found: Finished, facts: Facts, recordings: Recordings) -> None:
        making, key = self._making, found.key
        form = ",".join(sorted(making.redact))
        make = partial(assemble, facts, key, domain=making.domain, gaps=found.gaps, recordings=recordings)
        vcon = making.shown(make(edition=Edition(form=form)))
        content = hashlib.sha256(encode(vcon)).hexdigest()
        if content == found.content:
            self._spool.put_off(key, None)
            return
        if found.version:
            vcon = making.shown(make(edition=Edition(found.version + 1, found.before, form)))
        uuid = vcon["uuid"]
        body = making.seal(uuid, encode(vcon))
        name = f"{vcon['created_at'][:10]}/{uuid}.vcon.json"
        self._spool.finish(found, name, body, Amended(uuid, content_hash(body)), content)


class _UnforeseenError(Exception):
    """An error that is a bug."""


@contextmanager
def _described() -> Iterator[None]:
    """Say what went wrong where, for a report of the bug: not in the error's own words, which may quote a payload."""
    try:
        yield
    except (OSError, sqlite3.Error, DeliveryError):
        raise
    except Exception as error:
        frames = reversed(traceback.extract_tb(error.__traceback__)[-3:])
        where = " < ".join(f"{Path(each.filename).name}:{each.lineno}" for each in frames)
        raise _UnforeseenError(f"{type(error).__name__} at {where}") from error
