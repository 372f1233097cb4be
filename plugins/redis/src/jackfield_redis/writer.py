"""An open sink: each batch as one script for each partition, sent together."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import attrs
from coredis.exceptions import NoScriptError, ResponseError

from jackfield.errors import DeliveryError, SecretError
from jackfield.events import Event
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import iter_secrets
from jackfield.plugin.sink import Batch
from jackfield_redis.failures import TROUBLES, Failure, failure_of
from jackfield_redis.keys import Partition, partition, partition_count_key, partition_of
from jackfield_redis.link import Argument, Link
from jackfield_redis.scripts import APPEND
from jackfield_redis.server_checks import (
    ServerFacts,
    check_fsync,
    check_sound,
    facts_of,
    id_key,
    moment_of,
    stream_end,
)
from jackfield_redis.sink import RedisSink

__all__ = ["Writer"]

# A script holds up the server while it runs: about 10 µs for an event.
EVENTS_AT_ONCE = 200


@attrs.define(eq=False)
class _Piece:
    """Some events of one partition, by their indexes in the batch."""

    partition: Partition
    indexes: list[int]
    keys: list[str]
    events: list[bytes]
    fences: dict[tuple[str, int], int]
    """Each feed and fencing number, with the number of its mark."""
    marks: list[int]
    """Of each event; empty without fencing numbers."""

    def add(self, index: int, event: Event, fence: int | None) -> None:
        """One more event; a fence of ``None`` says that there are none."""
        self.indexes.append(index)
        self.keys.append(self.partition.seen(event.id))
        self.events.append(event.to_json())
        if fence is not None:
            self.marks.append(self.fences.setdefault((event.feed, fence), len(self.fences) + 1) if fence else 0)

    def arguments(self, limits: Sequence[Argument]) -> list[Argument]:
        """Those of the script."""
        marks: list[Argument] = [part for mark in self.fences for part in mark]
        if self.fences:
            marks.append(",".join(map(str, self.marks)))
        return [*limits, len(self.fences), *marks, *self.events]


@attrs.define(eq=False)
class Writer:
    """May be written to from several tasks."""

    _options: RedisSink
    link: Link = attrs.field(init=False, repr=False)
    _redact: Redactor = attrs.field(init=False, repr=False)
    _facts: ServerFacts | None = attrs.field(default=None, repr=False)
    _newest: dict[Partition, bytes] = attrs.field(factory=dict, repr=False)
    """The id of the last entry that each partition has got from here."""

    def __attrs_post_init__(self) -> None:
        self._redact = Redactor.of(secret for _, secret in iter_secrets(self._options))

    async def write(self, batch: Batch) -> None:
        """Append every event that is not there yet; progress is reported by partition."""
        try:
            await self.link.ready()
            failure = await self._append(batch)
        except TROUBLES as error:
            raise self._failed(error).raised() from None
        except (SecretError, ValueError) as error:
            raise DeliveryError(self._redact(str(error)), on_error="pause") from None
        if failure is not None:
            raise failure.raised(frozenset(batch.missing))

    async def _append(self, batch: Batch) -> Failure | None:
        """Why some of it was not appended; ``None`` where all was."""
        queues = self._pieces(batch)
        failure: Failure | None = None
        while queues and failure is None:
            # One piece of each partition at a time: where one fails, nothing of its partition comes behind it.
            round_ = [queue.popleft() for queue in queues]
            queues = [queue for queue in queues if queue]
            failure = await self._append_round(round_, batch)
        return failure

    async def _append_round(self, pieces: list[_Piece], batch: Batch) -> Failure | None:
        link = self.link
        options = self._options
        limits = options.dedupe_seconds, options.retain_events, options.retain_seconds
        calls = [(piece, piece.arguments(limits)) for piece in pieces]
        sent = [link.send_script(APPEND, piece.keys, *arguments) for piece, arguments in calls]
        done: list[_Piece] = []
        failure: Failure | None = None
        for (piece, arguments), answer in zip(calls, sent, strict=True):
            try:
                try:
                    _, last, _ = await answer
                except NoScriptError:
                    _, last, _ = await link.send("EVAL", APPEND.text, len(piece.keys), *piece.keys, *arguments)
            except TROUBLES as error:
                failure = failure or self._failed(error)
                continue
            if last:
                self._newest[piece.partition] = last
            done.append(piece)
        if done and self._options.acks != "memory":
            try:
                await self._wait()
            except TROUBLES as error:
                return failure or self._failed(error)
            except DeliveryError as error:
                return Failure(error.reason)
        batch.delivered_each([index for piece in done for index in piece.indexes])
        return failure

    async def _wait(self) -> None:
        """Wait for what `acks` says; `DeliveryError` where it does not come, and the events are sent again."""
        acks, seconds = self._options.acks, self._options.timeout
        milliseconds = int(seconds * 1000)
        if isinstance(acks, int):
            count = await self.link.send("WAIT", acks, milliseconds, timeout=seconds + 1)
            if count < acks:
                raise DeliveryError(
                    f"{self._options.shown}: {count} of {acks} replicas have it after {seconds:g} s (acks = {acks})"
                )
        elif self._facts is not None and self._facts.has_waitaof:
            local, _ = await self.link.send("WAITAOF", 1, 0, milliseconds, timeout=seconds + 1)
            if not local:
                raise DeliveryError(f'{self._options.shown}: not on disk after {seconds:g} s (acks = "fsync")')
        # An older server answers after its fsync, where it has appendfsync always, as was checked.

    def _failed(self, error: BaseException) -> Failure:
        failure = failure_of(error, self._options.shown, self._redact)
        if failure.stale:
            self.link.drop()
        return failure

    def _pieces(self, batch: Batch) -> list[deque[_Piece]]:
        """What is to be sent, by partition."""
        options, fences = self._options, batch.fences
        queues: dict[int, deque[_Piece]] = {}
        for index in batch.missing:
            event = batch.events[index]
            number = partition_of(event, options.partitions)
            queue = queues.setdefault(number, deque())
            if not queue or len(queue[-1].indexes) >= EVENTS_AT_ONCE:
                keys = partition(options.stream, number)
                queue.append(_Piece(keys, [], [keys.entries, keys.counter, keys.fences], [], {}, []))
            queue[-1].add(index, event, fences[index] if fences else None)
        return [*queues.values()]

    # -- a new connection --------------------------------------------------------------------------

    async def prepare(self, link: Link) -> None:
        """Look at the server before anything is written there; `DeliveryError` where it is not as it should be."""
        options, before = self._options, self._facts
        self._facts = facts = await facts_of(link)
        if facts is not None:
            check_sound(facts, options.shown)
        if options.acks == "fsync":
            await check_fsync(link, facts, options.shown)
        await link.send("SCRIPT LOAD", APPEND.text)
        key = partition_count_key(options.stream)
        await link.send("SET", key, options.partitions, "NX")
        if (count := int(await link.send("GET", key))) != options.partitions:
            raise DeliveryError(
                f"{options.shown}: the stream {options.stream!r} has {count} partitions, and this sink is to write"
                f" {options.partitions}; set partitions = {count}, or give another stream",
                on_error="pause",
            )
        if before is None or facts is None or facts.run_id != before.run_id:
            await self._look_for_losses(link)

    async def _look_for_losses(self, link: Link) -> None:
        """Another process answers than before: `DeliveryError` where it does not have what that acknowledged."""
        newest, self._newest = self._newest, {}
        lost: list[tuple[bytes, bytes]] = []
        for keys, last in newest.items():
            try:
                stands = stream_end(await link.send("XINFO STREAM", keys.entries))
            except ResponseError as error:  # no such key
                if "no such key" not in str(error).lower():
                    raise
                stands = b"0-0"
            if id_key(stands) < id_key(last):
                lost.append((stands, last))
        if lost:
            since = (
                min(moment_of(stands) for stands, _ in lost if stands != b"0-0")
                if any(stands != b"0-0" for stands, _ in lost)
                else None
            )
            until = max(moment_of(last) for _, last in lost)
            raise DeliveryError(
                f"{self._options.shown}: it was restarted or replaced, and has lost what it had acknowledged:"
                f" {len(lost)} of {self._options.partitions} partitions lack entries"
                f" {f'after {since}' if since else 'from their beginning'} up to {until}; they are still in the"
                " journal: jackfield journal replay sends them again"
            )
