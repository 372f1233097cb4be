"""What is small and changes in place: cursors, dead letters, tokens, losses, in an SQLite file beside the segments.

Synchronous, and without a clock: callers pass the time. One connection writes and one reads, each behind a lock of
its own, so that reading does not wait for a save. `JournalError` is all that comes out of here.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Self

import attrs

from jackfield._journal.downtime import AccountRow
from jackfield._journal.store import dead_letters
from jackfield._journal.store.integrity import State, identify, lost_commits, read_state, save_state
from jackfield._journal.store.opening import connect, create_if_missing, look, open_writer
from jackfield._journal.store.records import Durable, Loss, Notes, StoredDeadLetter, Token
from jackfield._journal.store.schema import STEPS, Step, migrate, text_crc, transaction
from jackfield.errors import JournalError

__all__ = ["NAME", "Sidecar", "delete_dead_letters", "forget_sink"]

NAME = "state.db"
DEAD_ROWS = 1000
# The tables of small rows, each with its columns but for the checksum.
ROWS = {
    "cursor": "SELECT sink, next, crc FROM cursor",
    "token": "SELECT feed, text, position, crc FROM token",
    "account": "SELECT feed, heard, accounted, looked, shown, position, crc FROM account",
    "loss": "SELECT sink, down, slow, ahead, crc FROM loss",
    "durable": 'SELECT name, next, "select", crc FROM durable',
}


@attrs.define(eq=False)
class Sidecar:
    """An open file; made by `Sidecar.open`."""

    path: Path
    _reader: sqlite3.Connection
    _writer: sqlite3.Connection | None
    _opened: ExitStack
    state: State
    findings: list[str]
    _dead_bytes: int
    _reading: threading.Lock = attrs.field(factory=threading.Lock)
    _writing: threading.Lock = attrs.field(factory=threading.Lock)

    @classmethod
    def open(cls, folder: Path, *, readonly: bool = False, steps: Sequence[Step] = STEPS) -> Self:
        """Open the one of a folder, or make it where it is missing.

        The caller holds the folder's lock. `JournalError` where it cannot be used, and then it is as it was.
        """
        path = folder / NAME
        with ExitStack() as opened:
            findings, writer = [], None
            try:
                if readonly:
                    identify(path)
                else:
                    create_if_missing(path, steps)
                    findings = look(path, steps)
                    writer = opened.enter_context(closing(open_writer(path)))
                    migrate(writer, steps)
                reader = opened.enter_context(closing(connect(path, "ro")))
                state = read_state(reader, path)
                ((dead,),) = reader.execute("SELECT sum(size) FROM dead")
            except sqlite3.Error as error:
                raise JournalError(f"{path}: cannot be opened: {error}") from None
            return cls(path, reader, writer, opened.pop_all(), state, findings, dead or 0)

    @classmethod
    def read_state(cls, folder: Path) -> State:
        """The numbers that outlive the events, without a lock; of a folder that has none, those of a new journal."""
        if not os.path.lexists(folder / NAME):
            return State()
        sidecar = cls.open(folder, readonly=True)
        sidecar.close()
        return sidecar.state

    def close(self) -> None:
        """Move what is in the write-ahead log into the file, and release everything."""
        with self._writing, self._reading:
            if self._writer is not None:
                with suppress(sqlite3.Error):  # a full disk: the log stays, and is read at the next start
                    self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._opened.close()

    # Writing

    def save(self, notes: Notes, state: State, *, durable: bool = False) -> None:
        """Save what has changed, all or nothing; `durable` returns when it survives a power failure."""
        with self._writing:
            with self._synced() if durable else nullcontext(), self._write() as db:
                save_state(db, state)
                for sink, upcoming in notes.cursors.items():
                    crc = text_crc(sink.encode(), upcoming)
                    db.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?, ?)", (sink, upcoming, crc))
                for feed, (text, position) in notes.tokens.items():
                    crc = text_crc(feed.encode(), text.encode(), position)
                    db.execute("INSERT OR REPLACE INTO token VALUES (?, ?, ?, ?)", (feed, text, position, crc))
                for feed, account in notes.accounts.items():
                    crc = text_crc(feed.encode(), *account)
                    db.execute("INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?, ?, ?)", (feed, *account, crc))
                for sink, loss in notes.losses.items():
                    db.execute(
                        "INSERT OR REPLACE INTO loss VALUES (?, ?, ?, ?, ?)",
                        (sink, *loss, text_crc(sink.encode(), *loss)),
                    )
                for name, row in notes.durable.items():
                    if row is None:
                        db.execute("DELETE FROM durable WHERE name = ?", (name,))
                    else:
                        crc = text_crc(name.encode(), row.next, row.select.encode())
                        db.execute("INSERT OR REPLACE INTO durable VALUES (?, ?, ?, ?)", (name, *row, crc))
                dead = sum(dead_letters.dead_letter(db, each) for each in notes.dead)
            self.state = state
            self._dead_bytes += dead

    def save_checkpoint(self, pieces: Sequence[bytes]) -> None:
        """Save the gateway's state in place of the one before, all or nothing."""
        with self._writing, self._write() as db:
            db.execute("DELETE FROM checkpoint")
            rows = [(number, zlib.crc32(piece), piece) for number, piece in enumerate(pieces)]
            db.executemany("INSERT INTO checkpoint VALUES (?, ?, ?)", rows)

    def checkpoint(self) -> list[bytes]:
        """The state that was saved; nothing where there is none, or where it is not what was written."""
        with self._read() as db:
            rows = db.execute("SELECT crc, body FROM checkpoint ORDER BY piece").fetchall()
        whole = all(zlib.crc32(body) == crc for crc, body in rows)
        return [body for _, body in rows] if whole else []

    def trim_dead(self, keep_bytes: int) -> dict[str, int]:
        """Delete the oldest dead letters while all are larger than that; how many, by sink."""
        gone: dict[str, int] = {}
        with self._writing:
            while (excess := self._dead_bytes - keep_bytes) > 0:
                freed = 0
                with self._write() as db:
                    oldest = db.execute("SELECT number FROM dead ORDER BY number LIMIT ?", (DEAD_ROWS,)).fetchall()
                    for (number,) in oldest:
                        if freed < excess and (one := dead_letters.delete_dead_letters(db, number)):
                            gone[one[0]] = gone.get(one[0], 0) + 1
                            freed += one[1]
                self._dead_bytes = self._dead_bytes - freed if oldest else 0
        return gone

    # Reading

    def notes(self) -> Notes:
        """What was saved, without the dead letters; what is not what was written is left out."""
        return self._notes()[0]

    def left_out(self) -> list[str]:
        """What was saved and is not what was written."""
        return self._notes()[1]

    def _notes(self) -> tuple[Notes, list[str]]:
        """What was saved, and what is left out of it."""
        whole: dict[str, dict[str, tuple[Any, ...]]] = {}
        damaged: list[str] = []
        with self._read() as db:
            there = {name.decode() for (name,) in db.execute("SELECT name FROM sqlite_schema")}
            for table, query in ROWS.items():
                whole[table] = {}
                for name, *row, crc in db.execute(query) if table in there else ():
                    shown = _text(name)
                    if isinstance(name, bytes) and crc == text_crc(name, *row):
                        whole[table][shown] = tuple(_text(each) if isinstance(each, bytes) else each for each in row)
                    else:
                        damaged.append(f"{NAME}: {table} {shown!r} is not what was written, and is left out")
        notes = Notes(
            {sink: upcoming for sink, (upcoming,) in whole["cursor"].items()},
            (),
            {feed: Token(*row) for feed, row in whole["token"].items()},
            {feed: AccountRow(*row) for feed, row in whole["account"].items()},
            {sink: Loss(*row) for sink, row in whole["loss"].items()},
            {name: Durable(*row) for name, row in whole["durable"].items()},
        )
        return notes, damaged

    def dead(self, sink: str | None = None, from_number: int = 0, limit: int = DEAD_ROWS) -> list[StoredDeadLetter]:
        """Dead letters, of one sink or of all, in the order in which they were made."""
        with self._read() as db:
            return dead_letters.letters(db, sink, from_number, limit)

    def dead_count(self) -> Mapping[str, int]:
        """How many dead letters each sink has."""
        with self._read() as db:
            return dead_letters.count(db)

    def check(self) -> list[str]:
        """Read everything and compare; what is not what was written."""
        try:
            with self._read() as db:
                lines = [each.decode(errors="replace") for (each,) in db.execute("PRAGMA integrity_check(20)")]
            problems = [f"{NAME}: {line}" for line in lines if line != "ok"]
            problems += self.left_out()
            if lost := lost_commits(self.path):
                problems.append(f"{NAME}: {lost}")
            number = 0
            while letters := self.dead(from_number=number):
                number = letters[-1].number + 1
                problems += [f"dead letter {each.number} is not what was written" for each in letters if not each.body]
        except JournalError as error:
            return [str(error)]
        return problems

    @contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: cannot be {what}: {error}") from None

    @contextmanager
    def _synced(self) -> Iterator[None]:
        assert self._writer is not None
        with self._guarded("written"):
            self._writer.execute("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            self._writer.execute("PRAGMA synchronous = NORMAL")

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


def delete_dead_letters(folder: Path, numbers: Iterable[int]) -> None:
    """Delete dead letters from a journal that a gateway may be using meanwhile."""
    path = folder / NAME
    try:
        with closing(connect(path, "rw")) as db, transaction(db):
            for number in numbers:
                dead_letters.delete_dead_letters(db, number)
    except sqlite3.Error as error:
        raise JournalError(f"{path}: dead letters that were delivered cannot be deleted: {error}") from None


def forget_sink(folder: Path, sink: str) -> None:
    """Forget how far a sink had come, in a journal that a gateway may be using meanwhile; its dead letters stay.

    Events that only this sink has not passed need not be kept for it any more. `JournalError` where the journal
    does not know the sink.
    """
    path = folder / NAME
    try:
        with closing(connect(path, "rw")) as db, transaction(db):
            known = [each.decode(errors="replace") for (each,) in db.execute("SELECT sink FROM cursor ORDER BY sink")]
            if sink not in known:
                raise JournalError(f"{folder}: no sink {sink!r}; there are: {', '.join(known) or 'none'}")
            db.execute("DELETE FROM cursor WHERE sink = ?", (sink,))
            db.execute("DELETE FROM loss WHERE sink = ?", (sink,))
    except sqlite3.Error as error:
        raise JournalError(f"{path}: sink {sink} cannot be forgotten: {error}") from None


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
