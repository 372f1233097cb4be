"""An open source: reads the partitions that this member holds, and acknowledges what is committed."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import attrs
import trio
from coredis.exceptions import NoScriptError, ResponseError, StreamConsumerGroupError

from jackfield.errors import ConnectionLost, SecretError
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import iter_secrets
from jackfield_redis.failures import TROUBLES, failure_of
from jackfield_redis.feed import RedisFeed
from jackfield_redis.keys import Partition, partition, partition_count_key
from jackfield_redis.leases import Held, Leases
from jackfield_redis.link import Link, linked, one_cause
from jackfield_redis.relay import Entry, Gap, frame_of, gap_frame
from jackfield_redis.scripts import CLAIM, PENDING, READ, Script
from jackfield_redis.server_checks import id_key

__all__ = ["Reader", "reading"]

# Pauses between two looks at streams that have nothing: short after something came, longer and longer then.
FIRST_PAUSE, LONGEST_PAUSE = 0.002, 0.05
NO_STREAM_SECONDS = 0.25
LEAVE_SECONDS = 2.0
CLAIMED_AT_ONCE = 1000


@attrs.define(eq=False, slots=False)
class Reader:
    """One connection of the feed to its group."""

    _feed: RedisFeed
    _link: Link
    _token: str | None
    """The newest one that this gateway has committed; ``None`` where it has none."""
    _known_ms: int = attrs.field(init=False)
    """When that was written, milliseconds since 1970; 0 where there is none."""
    _leases: Leases | None = None
    _frames: list[tuple[Held | None, bytes]] = attrs.field(factory=list)
    """What has come and was not handed over."""
    _came: trio.Event = attrs.field(factory=trio.Event)
    _taken: trio.Event = attrs.field(factory=trio.Event)
    _acks: dict[int, list[str]] = attrs.field(factory=dict)
    _to_ack: trio.Event = attrs.field(factory=trio.Event)
    _loss: ConnectionLost | None = None
    _redact: Redactor = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._redact = Redactor.of(secret for _, secret in iter_secrets(self._feed))
        self._known_ms = 0 if self._token is None else _written_at(Entry.of_token(self._token).id)

    # -- what the host calls -----------------------------------------------------------------------

    async def receive(self) -> Sequence[bytes]:
        """Entries of the partitions that are held, in order for each; `ConnectionLost` where Redis is away."""
        while True:
            await trio.lowlevel.checkpoint()
            if self._loss is not None:
                raise self._loss
            came, self._frames = self._frames, []
            self._taken.set()
            if frames := [frame for held, frame in came if held is None or self._is_held(held)]:
                return frames
            self._came = trio.Event()
            if not self._frames and self._loss is None:
                await self._came.wait()

    def _is_held(self, held: Held) -> bool:
        """What was read under a lease that has run out since is not handed over: the next holder gets it."""
        if self._leases is None or self._leases.holds(held):
            return self._leases is not None
        # Where it is renewed after all it would go on behind these entries: a new one begins with what is pending.
        self._leases.drop(held)
        return False

    async def send(self, frame: str | bytes) -> None:
        """Acknowledge the entry with this token, and what came before it in its partition."""
        if self._loss is not None:
            raise self._loss
        entry = Entry.of_token(frame if isinstance(frame, str) else frame.decode())
        ids = self._acks.setdefault(entry.partition, [])
        held = None if self._leases is None else self._leases.held.get(entry.partition)
        key = id_key(entry.id.encode())
        while held is not None and held.in_flight and id_key(held.in_flight[0].encode()) <= key:
            ids.append(held.in_flight.popleft())
        if not ids or ids[-1] != entry.id:
            ids.append(entry.id)
        self._to_ack.set()

    # -- tasks -------------------------------------------------------------------------------------

    async def until_lost(self, task: Callable[[], Awaitable[None]]) -> None:
        """Run a task; what it fails by ends the connection."""
        try:
            await task()
        except TROUBLES as error:
            failure = failure_of(error, self._feed.shown, self._redact)
            self._loss = self._loss or ConnectionLost(failure.reason, auth_failed=failure.on_error == "pause")
            self._came.set()

    async def keep(self) -> None:
        """Hold this member's share of the leases."""
        leases = await self._find_stream()
        while True:
            pause = await leases.beat()
            await trio.sleep(pause)

    async def _find_stream(self) -> Leases:
        key = partition_count_key(self._feed.stream)
        while True:
            count = await self._link.call("GET", key)
            if count is not None:
                self._leases = Leases(self._feed, self._link, int(count), self._group_made)
                return self._leases
            if self._token is not None:
                entry, self._token = Entry.of_token(self._token), None
                reason = "Redis has lost the stream, and with it what was not read"
                self._report(Gap(entry.partition, self._known_ms, reason))
                self._known_ms = 0
            await trio.sleep(NO_STREAM_SECONDS)

    async def fetch(self) -> None:
        """Read one round ahead of what is handed over."""
        pause = FIRST_PAUSE
        while True:
            if self._frames:
                await self._taken.wait()
            self._taken = trio.Event()
            found = await self._round()
            pause = FIRST_PAUSE if found else min(2 * pause, LONGEST_PAUSE)
            if not found:
                await trio.sleep(pause)

    async def _round(self) -> bool:
        """Read every partition that is held, together; whether anything came."""
        if self._leases is None:
            return False
        await self._link.ready()
        asked = [(held, self._ask(held)) for held in self._leases.readable()]
        found = False
        for held, answer in asked:
            try:
                try:
                    said = await answer
                except NoScriptError:
                    said = await self._ask(held, by_text=True)
            except ResponseError as error:
                if not isinstance(error, StreamConsumerGroupError) and "NOGROUP" not in str(error):
                    raise
                await self._recreate(held)
                continue
            found |= self._read(held, said)
        return found

    def _ask(self, held: Held, *, by_text: bool = False) -> Awaitable[Any]:
        feed, keys = self._feed, held.keys
        names = [keys.lease(feed.group), keys.entries]
        common = (held.lease, feed.group, feed.member)
        if held.claiming is not None:
            return self._send(CLAIM, names, *common, held.claiming, CLAIMED_AT_ONCE, by_text=by_text)
        if held.pending_after is not None:
            return self._send(PENDING, names, *common, held.pending_after, feed.batch_events, by_text=by_text)
        return self._send(READ, [*names, keys.read(feed.group)], *common, feed.batch_events, by_text=by_text)

    def _send(self, script: Script, keys: list[str], *arguments: str | int, by_text: bool) -> Awaitable[Any]:
        if by_text:
            return self._link.send("EVAL", script.text, len(keys), *keys, *arguments)
        return self._link.send_script(script, keys, *arguments)

    def _read(self, held: Held, said: list[Any]) -> bool:
        """Take what a script has said; whether there may be more."""
        assert self._leases is not None
        if said[0] == b"lost":
            if self._leases.held.get(held.keys.number) is held:
                del self._leases.held[held.keys.number]
            return False
        if held.claiming is not None:
            held.claiming = None if said[0] == b"0-0" else said[0].decode()
            self._missed(held, int(said[1]), "")
            return True
        _, entries, missing, last = said
        if held.pending_after is not None:
            held.pending_after = last.decode() or None
            self._missed(held, int(missing), last.decode())
            self._take(held, entries)
            return True
        self._missed(held, int(missing), last.decode())
        self._take(held, entries)
        return bool(entries)

    def _take(self, held: Held, entries: list[Any]) -> None:
        for name, fields in entries:
            entry = Entry(held.keys.number, name.decode())
            event = next((value for key, value in zip(fields[::2], fields[1::2], strict=False) if key == b"event"), b"")
            held.in_flight.append(entry.id)
            held.last = entry.id
            self._frames.append((held, frame_of(entry, event)))
        self._came.set()

    def _missed(self, held: Held, count: int, since: str) -> None:
        if count:
            reason = f"{count} entries were trimmed before they were read; keep them for longer"
            self._report(Gap(held.keys.number, _written_at(since), reason))

    def _report(self, gap: Gap) -> None:
        self._frames.append((None, gap_frame(gap)))
        self._came.set()

    @property
    def _gone(self) -> str:
        return f"the group {self._feed.group!r} was gone: Redis has lost data, or somebody has deleted it"

    def _group_made(self, keys: Partition) -> None:
        """A partition had no group, although this gateway has read as one of it before: so have the others none."""
        if self._known_ms:
            self._report(Gap(keys.number, self._known_ms, self._gone))
            self._known_ms = 0

    async def _recreate(self, held: Held) -> None:
        """The group is gone, and with it what it knew: read the partition from its first entry on."""
        assert self._leases is not None
        since = _written_at(held.last) or self._known_ms
        await self._link.call("DEL", held.keys.read(self._feed.group))
        if await self._leases.ensure_group(held.keys):
            self._report(Gap(held.keys.number, since, self._gone))
        held.claiming, held.pending_after = "0-0", "0-0"

    async def acknowledge(self) -> None:
        """Acknowledge in batches, as many as have come meanwhile."""
        while True:
            await self._to_ack.wait()
            await self.flush()

    async def flush(self) -> None:
        """Acknowledge what is to be acknowledged."""
        acks, self._acks = self._acks, {}
        self._to_ack = trio.Event()
        await self._link.ready()
        for number, ids in acks.items():
            keys = partition(self._feed.stream, number)
            await self._link.send("XACK", keys.entries, self._feed.group, *ids)

    async def leave(self) -> None:
        """Acknowledge the rest, and give back the leases."""
        with trio.move_on_after(LEAVE_SECONDS) as limit, suppress(*TROUBLES):
            limit.shield = True
            if self._loss is None and self._leases is not None:
                await self.flush()
                await self._leases.leave()


def _written_at(entry_id: str) -> int:
    """When an entry was written, milliseconds since 1970; 0 where it is not known which."""
    return id_key(entry_id.encode())[0] if entry_id else 0


@asynccontextmanager
async def reading(feed: RedisFeed, token: str | None) -> AsyncGenerator[Reader, None]:
    """Connected to Redis until the end; `ConnectionLost` where that does not succeed."""
    redact = Redactor.of(secret for _, secret in iter_secrets(feed))
    async with linked(feed) as link:
        try:
            await link.ready()
        except TROUBLES as error:
            failure = failure_of(error, feed.shown, redact)
            raise ConnectionLost(failure.reason, auth_failed=failure.on_error == "pause") from None
        except (SecretError, ValueError) as error:
            raise ConnectionLost(redact(str(error)), auth_failed=True) from None
        reader = Reader(feed, link, token)
        async with one_cause(), trio.open_nursery() as nursery:
            for task in (reader.keep, reader.fetch, reader.acknowledge):
                nursery.start_soon(reader.until_lost, task)
            try:
                yield reader
            finally:
                nursery.cancel_scope.cancel()  # so that nothing is won any more; leaving is shielded
                await reader.leave()
