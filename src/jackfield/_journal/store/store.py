"""The journal's file: events, cursors and dead letters in one SQLite database, written by one process.

Synchronous, and without a clock: whoever calls brings the time. One connection writes and one
reads, each behind a lock of its own, so that reading does not wait for a commit. `JournalError` is
all that comes out of here, with the reason; after one, nothing of what was asked for was done.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Self

import attrs

from jackfield._journal.store import dead_letters
from jackfield._journal.store.integrity import identify, read_state
from jackfield._journal.store.lock import hold, release
from jackfield._journal.store.opening import connect, create_if_missing, look, make_folder, open_writer
from jackfield._journal.store.records import Checked, DeadLetterRow, Page, Row, Stored, StoredDeadLetter, Trimmed
from jackfield._journal.store.rows import expired, insert, rows, shrink, used_bytes
from jackfield._journal.store.schema import KEY_BYTES, STEPS, Step, migrate, text_crc, transaction
from jackfield.errors import JournalError

__all__ = ["Store", "delete_dead_letters", "forget_sink"]

SCAN_ROWS = 1000


@attrs.define(eq=False)
class Store:
    """An open file; made by `Store.open`."""

    path: Path
    _reader: sqlite3.Connection
    _writer: sqlite3.Connection | None
    _opened: ExitStack
    first_seq: int
    """The number of the oldest event that is kept; `next_seq` where none is."""
    next_seq: int
    """The number that the next event gets. No number is given twice."""
    findings: tuple[str, ...]
    """What was found to be damaged at the start, and can be lived with."""
    _keys: int
    """How many ids were ever noted."""
    _dead_bytes: int
    _reading: threading.Lock = attrs.field(factory=threading.Lock)
    _writing: threading.Lock = attrs.field(factory=threading.Lock)

    @classmethod
    def open(cls, path: Path, *, fsync: bool = False, readonly: bool = False, steps: Sequence[Step] = STEPS) -> Self:
        """Open the file, or make it with its folder where it is missing.

        `JournalError` where it cannot be used, and then it is as it was: another process writes to it, it is
        something else, of a newer version, damaged, or out of reach. `readonly` takes no lock, makes no
        journal, and looks less closely, so that what is left of a damaged one can be read.
        """
        with ExitStack() as opened:
            findings, writer = [], None
            try:
                if readonly or os.path.lexists(path):
                    identify(path)
                if not readonly:
                    make_folder(path)
                    opened.callback(release, hold(path))
                    create_if_missing(path, steps)
                    findings = look(path, steps)
                    writer = opened.enter_context(closing(open_writer(path, fsync)))
                    migrate(writer, steps)
                reader = opened.enter_context(closing(connect(path, "ro")))
                first, end = read_state(reader, path)
                ((keys,),) = reader.execute("SELECT max(total) FROM seen")
                ((dead,),) = reader.execute("SELECT sum(size) FROM dead")
            except sqlite3.Error as error:
                raise JournalError(f"{path}: cannot be opened: {error}") from None
            return cls(path, reader, writer, opened.pop_all(), first, end, tuple(findings), keys or 0, dead or 0)

    def close(self) -> None:
        """Move what is in the write-ahead log into the file, and give everything back."""
        with self._writing, self._reading:
            if self._writer is not None:
                with suppress(sqlite3.Error):  # a full disk: the log stays, and is read at the next start
                    self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._opened.close()

    # Writing

    def commit(
        self,
        events: Sequence[Row] = (),
        cursors: Mapping[str, int] | None = None,
        dead_rows: Sequence[DeadLetterRow] = (),
    ) -> int:
        """Keep events, how far sinks have come, and dead letters, all or nothing; the first event's number."""
        keys = b"".join([event[0] for event in events])
        with self._writing:
            first, end = self.next_seq, self.next_seq + len(events)
            total = self._keys + len(keys) // KEY_BYTES
            with self._write() as db:
                if events:
                    insert(db, first, events)
                    self._save_state(db, self.first_seq, end)
                if keys:
                    db.execute("INSERT INTO seen VALUES (?, ?)", (total, keys))
                for sink, upcoming in (cursors or {}).items():
                    crc = text_crc(sink.encode(), upcoming)
                    db.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?, ?)", (sink, upcoming, crc))
                dead = sum(dead_letters.dead_letter(db, each) for each in dead_rows)
            self.next_seq, self._keys = end, total
            self._dead_bytes += dead
        return first

    def delete_dead_letters(self, numbers: Iterable[int]) -> int:
        """Delete dead letters by their numbers; how many of them there were."""
        with self._writing:
            with self._write() as db:
                gone = [each for number in numbers if (each := dead_letters.delete_dead_letters(db, number))]
            self._dead_bytes -= sum(size for _, size in gone)
        return len(gone)

    def trim(
        self, *, keep_after: int, keep_bytes: int, keep_keys: int, floor_seq: int, most: int = SCAN_ROWS
    ) -> Trimmed:
        """Delete the oldest events, at most so many at a time; to be called again while there is `more`.

        Events before the floor go when they were received before `keep_after`, microseconds since 1970. While
        the events take more than `keep_bytes` of the file the oldest go, read or not. Ids are forgotten beyond
        the newest `keep_keys`, which has nothing to do with the events.
        """
        with self._writing:
            first, end = self.first_seq, self.next_seq
            with self._write() as db:
                cut = first
                if (over := self._over(db, keep_bytes)) and first < end:
                    each = (over + keep_bytes) / (end - first)
                    cut += min(most, end - first, int(over / each) + 1)
                cut = expired(db, cut, min(floor_seq, first + most, end), keep_after)
                if cut > first:
                    db.execute("DELETE FROM event WHERE seq < ?", (cut,))
                    self._save_state(db, cut, end)
                db.execute("DELETE FROM seen WHERE total <= ?", (max(0, self._keys - keep_keys),))
            self.first_seq = cut
            with self._guarded("written"):
                assert self._writer is not None
                more = (
                    shrink(self._writer)
                    or cut - first >= most
                    or (cut < end and self._over(self._writer, keep_bytes) > 0)
                )
        return Trimmed(cut - first, max(0, cut - max(first, floor_seq)), more)

    def trim_dead(self, keep_bytes: int, *, most: int = SCAN_ROWS) -> dict[str, int]:
        """Delete the oldest dead letters, at most so many, while all are larger than that; how many, by sink."""
        gone: dict[str, int] = {}
        with self._writing:
            excess = self._dead_bytes - keep_bytes
            if excess > 0:
                with self._write() as db:
                    for (number,) in db.execute("SELECT number FROM dead ORDER BY number LIMIT ?", (most,)).fetchall():
                        if excess > 0 and (one := dead_letters.delete_dead_letters(db, number)):
                            gone[one[0]] = gone.get(one[0], 0) + 1
                            excess -= one[1]
                self._dead_bytes = keep_bytes + excess
        return gone

    # Reading

    def read(self, from_seq: int, limit: int) -> Page:
        """The events at the next `limit` numbers from there on, and what became of those that are not there."""
        start = max(from_seq, self.first_seq)
        stop = max(start, min(start + limit, self.next_seq))
        with self._read() as db:
            found = rows(db, start, stop)
        there = {row.seq for row in found}
        first = max(start, self.first_seq)  # some may have been deleted while we read
        damaged = tuple(seq for seq in range(first, stop) if seq not in there)
        return Page(found, stop, stop - from_seq - len(found) - len(damaged), damaged)

    def scan(self, since: int, until: int, from_seq: int = 0) -> Iterator[list[Stored]]:
        """The events received from `since` to before `until`, microseconds since 1970, some at a time."""
        while from_seq < self.next_seq:
            page = self.read(from_seq, SCAN_ROWS)
            from_seq = page.next
            if found := [row for row in page.rows if since <= row.received < until]:
                yield found

    def recent_keys(self, limit: int) -> list[bytes]:
        """The newest ids that were noted, the oldest of them first."""
        newest: list[bytes] = []
        with self._read() as db:
            for (keys,) in db.execute("SELECT keys FROM seen ORDER BY total DESC"):
                if len(newest) >= limit:
                    break
                newest += [keys[at : at + KEY_BYTES] for at in range(len(keys) - KEY_BYTES, -1, -KEY_BYTES)]
        return newest[:limit][::-1]

    def cursors(self) -> dict[str, int]:
        """The number that each sink wants next."""
        with self._read() as db:
            found = db.execute("SELECT sink, next, crc FROM cursor").fetchall()
        return {sink.decode(): upcoming for sink, upcoming, crc in found if crc == text_crc(sink, upcoming)}

    def dead(self, sink: str | None = None, from_number: int = 0, limit: int = SCAN_ROWS) -> list[StoredDeadLetter]:
        """Dead letters, of one sink or of all, in the order in which they were dead."""
        with self._read() as db:
            return dead_letters.letters(db, sink, from_number, limit)

    def dead_count(self) -> dict[str, int]:
        """How many dead letters each sink has."""
        with self._read() as db:
            return dead_letters.count(db)

    def size(self) -> int:
        """How much of the file is in use, in bytes."""
        with self._read() as db:
            return used_bytes(db)

    def check(self) -> Iterator[Checked]:
        """Read everything and compare, which takes as long as that takes; what was found, in steps."""
        start, end = self.first_seq, self.next_seq
        try:
            with self._read() as db:
                found = db.execute("PRAGMA integrity_check(20)").fetchall()
            lines = tuple(bytes(line).decode(errors="replace") for (line,) in found)
        except JournalError as error:
            lines = (str(error),)
        yield Checked(0, end - start, lines if lines != ("ok",) else ())
        seq = start
        while seq < end:
            page = self.read(seq, SCAN_ROWS)
            seq = page.next
            yield Checked(
                seq - start, end - start, tuple(f"event {each} is not what was written" for each in page.damaged)
            )
        number = 0
        while letters := self.dead(from_number=number):
            number = letters[-1].number + 1
            bad = tuple(f"dead letter {each.number} is not what was written" for each in letters if each.body is None)
            yield Checked(end - start, end - start, bad)

    def _over(self, db: sqlite3.Connection, keep_bytes: int) -> int:
        """By how much the events are larger than they may be."""
        return max(0, used_bytes(db) - self._dead_bytes - keep_bytes)

    @staticmethod
    def _save_state(db: sqlite3.Connection, first: int, end: int) -> None:
        db.execute("UPDATE state SET first = ?, next = ?, crc = ?", (first, end, text_crc(first, end)))

    @contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: cannot be {what}: {error}") from None

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        if self._writer is None:
            raise JournalError(f"{self.path}: is open for reading only")
        with self._guarded("written"), transaction(self._writer) as db:
            yield db

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._reading, self._guarded("read"):
            yield self._reader


def delete_dead_letters(path: Path, numbers: Iterable[int]) -> None:
    """Delete dead letters from a journal that a gateway may be using meanwhile."""
    try:
        with closing(connect(path, "rw")) as db, transaction(db):
            for number in numbers:
                dead_letters.delete_dead_letters(db, number)
    except sqlite3.Error as error:
        raise JournalError(f"{path}: dead letters that were delivered cannot be taken out: {error}") from None


def forget_sink(path: Path, sink: str) -> None:
    """Forget how far a sink had come, in a journal that a gateway may be using meanwhile; its dead letters stay.

    Events that only this sink has not passed need not be kept for it any more. `JournalError` where the journal
    does not know the sink.
    """
    try:
        with closing(connect(path, "rw")) as db, transaction(db):
            known = [each.decode(errors="replace") for (each,) in db.execute("SELECT sink FROM cursor ORDER BY sink")]
            if sink not in known:
                raise JournalError(f"{path}: no sink {sink!r}; there are: {', '.join(known) or 'none'}")
            db.execute("DELETE FROM cursor WHERE sink = ?", (sink,))
    except sqlite3.Error as error:
        raise JournalError(f"{path}: sink {sink} cannot be forgotten: {error}") from None
