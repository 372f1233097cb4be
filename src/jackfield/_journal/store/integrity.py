"""Whether a journal's ``state.db`` is what it should be, found out without writing to it and without reading it all.

SQLite repairs what a crash leaves half done; that is no damage. Damage is what no crash explains: a
file cut short, bytes that changed, another program's file. Then nothing is touched, and the error
says what is safe and what to do.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Sequence
from pathlib import Path

import attrs

from jackfield._journal.store.schema import APPLICATION, Step, definitions, expected, text_crc, version_of
from jackfield.errors import JournalError

__all__ = ["COPY", "State", "beside", "damaged", "examine", "identify", "lost_commits", "read_state", "save_state"]

# Numbers that nobody can guess, and since which version of the file they are in it.
PLACES = (
    (1, "sink", "SELECT sink, next, crc FROM cursor"),
    (4, "durable subscription", 'SELECT name, next, "select", crc FROM durable'),
)
COPY = "copy"
MAGIC = b"SQLite format 3\0"
# Up to this size SQLite's own check of the structure takes about 0.1 s; beyond it, ``journal check`` is for that.
QUICK_BYTES = 32_000_000

# The write-ahead log, as SQLite documents its format: a header of 32 bytes, and 24 before each page.
WAL_HEADER = struct.Struct(">8I")
FRAME_HEADER = struct.Struct(">6I")


@attrs.frozen
class State:
    """The numbers that outlive the events."""

    first: int = 1
    """The position of the oldest event that was not deleted by retention."""
    next: int = 1
    """The position that the next event got when this was saved."""
    end: int = 1
    """The position behind the last event, which is less where positions were skipped."""
    reserved: int = 1
    """No position below that may be given after a power failure, which may have taken the newest events."""
    boot: str = ""
    """The boot of the machine in which the events were written; empty where all of them are on the disk; or `COPY`."""
    journal: str = ""
    """The id of the journal; empty until it has one."""


def beside(path: Path, suffix: str) -> Path:
    """One of the files that belong to a journal, such as its ``-wal``."""
    return path.with_name(path.name + suffix)


def damaged(path: Path, detail: str) -> JournalError:
    """The error for a file that must not be written to any more."""
    return JournalError(
        f"{path}: the journal is damaged: {detail}. Nothing in it was changed; the events are in the *.jsonl files "
        f"beside it and can be read by 'jackfield journal events {path.parent}'. To go on, put a copy of the folder "
        "back, or move the folder away: a new journal begins then, without the events that waited in this one"
    )


def identify(path: Path) -> None:
    """See that the file is a journal, by its first bytes; `JournalError` says what it is instead."""
    try:
        if not path.is_file():
            raise JournalError(f"{path}: is not a file; it should hold how far each sink has come")
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror}; the journal needs its owner's rights") from None
    if not header:
        raise JournalError(
            f"{path}: is empty, which it never is: its content was lost, or something else made the file. "
            "Put a copy of the folder back, or move the folder away: a new journal begins then"
        )
    if len(header) < 100 or not header.startswith(MAGIC):
        raise JournalError(
            f"{path}: does not belong to a journal, or is damaged at its very beginning. Nothing in it was changed; "
            "put a copy of the folder back, or name another folder"
        )
    (application,) = struct.unpack_from(">I", header, 68)
    if application != APPLICATION:
        raise JournalError(
            f"{path}: is another program's database (application {application:#010x}, a journal's is "
            f"{APPLICATION:#010x}). Nothing in it was changed; name another folder"
        )


def examine(db: sqlite3.Connection, path: Path, steps: Sequence[Step]) -> None:
    """See that the file is whole enough to be written to."""
    try:
        version = version_of(db)
        if version > len(steps):
            raise JournalError(
                f"{path}: was written by a newer Jackfield: its form is version {version}, this one knows up to "
                f"{len(steps)}. Nothing in it was changed; use the newer one, or name another folder"
            )
        if version < 1 or definitions(db) != expected(steps[:version]):
            raise damaged(path, f"its tables are not those of version {version}")
        (pages,), (size,) = (db.execute(f"PRAGMA {each}").fetchone() for each in ("page_count", "page_size"))
        there, log = path.stat().st_size, beside(path, "-wal")
        if there < pages * size and not (log.exists() and log.stat().st_size):
            raise damaged(path, f"it is {there} bytes long, and should be {pages * size}")
        if pages * size <= QUICK_BYTES:
            problems = [bytes(line).decode(errors="replace") for (line,) in db.execute("PRAGMA quick_check(3)")]
            if problems != ["ok"]:
                raise damaged(path, "; ".join(problems).replace("\n", " "))
        if version == len(steps):
            read_state(db, path)
            for since, what, rows in PLACES:
                for *row, crc in db.execute(rows) if version >= since else ():
                    if crc != text_crc(*row):
                        raise damaged(path, f"how far a {what} has come is not what was written")
    except sqlite3.OperationalError as error:
        raise JournalError(f"{path}: cannot be opened: {error}; nothing in it was changed") from None
    except sqlite3.Error as error:
        raise damaged(path, str(error)) from None


def read_state(db: sqlite3.Connection, path: Path) -> State:
    """The numbers that outlive the events."""
    row = db.execute('SELECT first, next, "end", reserved, boot, journal, crc FROM state').fetchone()
    if row is None or row[6] != text_crc(*row[:6]) or not 1 <= row[0] <= row[1]:
        raise damaged(path, "the count of its events is not what was written")
    first, following, end, reserved, boot, journal, _ = row
    return State(first, following, end, reserved, boot.decode(), journal.decode())


def save_state(db: sqlite3.Connection, state: State) -> None:
    """Replace them."""
    db.execute(
        'UPDATE state SET first = ?, next = ?, "end" = ?, reserved = ?, boot = ?, journal = ?, crc = ?',
        (
            *(row := (state.first, state.next, state.end, state.reserved, state.boot, state.journal)),
            text_crc(*row[:4], state.boot.encode(), state.journal.encode()),
        ),
    )


def lost_commits(path: Path) -> str:
    """Whether commits stand in the write-ahead log that SQLite cannot read any more; empty where none do.

    To be asked while a connection that has read is open. SQLite takes the log up to the first frame whose
    checksum is wrong for its end, and says nothing. That is right for a frame that was being written;
    but a whole commit behind it means that what was written once is lost.
    """
    try:
        with beside(path, "-wal").open("rb") as log, beside(path, "-shm").open("rb") as index:
            start = log.read(WAL_HEADER.size)
            size = os.fstat(log.fileno()).st_size
            if len(start) < WAL_HEADER.size:
                return ""
            _, _, page, _, *salts, sum0, sum1 = WAL_HEADER.unpack(start)
            if _checksum(start[:24], big_endian=bool(start[3] & 1)) != (sum0, sum1):
                return f"the head of its write-ahead log of {size} bytes is not what was written"
            index.seek(16)
            (readable,) = struct.unpack("=I", index.read(4))
            frame = FRAME_HEADER.size + page
            frames = (size - WAL_HEADER.size) // frame
            for number in range(readable, frames):
                log.seek(WAL_HEADER.size + number * frame)
                _, commit, *rest = FRAME_HEADER.unpack(log.read(FRAME_HEADER.size))
                if commit and rest[:2] == salts:
                    return f"its write-ahead log can be read up to frame {readable} of {frames}"
    except (FileNotFoundError, struct.error):
        pass
    return ""


def _checksum(data: bytes, *, big_endian: bool) -> tuple[int, int]:
    """SQLite's checksum over the head of a write-ahead log."""
    first = second = 0
    words = struct.unpack(f"{'>' if big_endian else '<'}{len(data) // 4}I", data)
    for one, two in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second
