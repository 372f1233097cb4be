"""Whether a journal's file is what it should be, found out without writing to it and without reading it all.

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

from jackfield._journal.store.schema import APPLICATION, Step, body_crc, definitions, expected, text_crc, version_of
from jackfield.errors import JournalError

__all__ = ["beside", "damaged", "examine", "identify", "lost_commits", "read_state"]

MAGIC = b"SQLite format 3\0"
# Up to this size SQLite's own check of the structure takes about 0.1 s; beyond it, `Store.check` is for that.
QUICK_BYTES = 32_000_000
TAIL_ROWS = 100

# The write-ahead log, as SQLite documents its format: a header of 32 bytes, and 24 before each page.
WAL_HEADER = struct.Struct(">8I")
FRAME_HEADER = struct.Struct(">6I")


def beside(path: Path, suffix: str) -> Path:
    """One of the files that belong to a journal, such as its ``-wal``."""
    return path.with_name(path.name + suffix)


def damaged(path: Path, detail: str) -> JournalError:
    """The error for a file that must not be written to any more."""
    return JournalError(
        f"{path}: the journal is damaged: {detail}. Nothing in it was changed. What is whole can still be read, "
        f"for example with: sqlite3 {path} .recover. To go on, put a copy back, or move the file and its -wal away: "
        "a new journal begins then, without the events that waited in this one"
    )


def identify(path: Path) -> None:
    """See that the file is a journal, by its first bytes; `JournalError` says what it is instead."""
    try:
        if not path.is_file():
            raise JournalError(f"{path}: is not a file; name a file for the journal, or move this away")
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror}; the journal needs its owner's rights") from None
    if not header:
        raise JournalError(
            f"{path}: is empty, which a journal never is: its content was lost, or something else made the file. "
            "Put a copy back; or remove it, and a new journal begins"
        )
    if len(header) < 100 or not header.startswith(MAGIC):
        raise JournalError(
            f"{path}: is no journal but something else, or damaged at its very beginning. Nothing in it was changed; "
            "name another file, put a copy back, or move this one away"
        )
    (application,) = struct.unpack_from(">I", header, 68)
    if application != APPLICATION:
        raise JournalError(
            f"{path}: is another program's database (application {application:#010x}, a journal's is "
            f"{APPLICATION:#010x}). Nothing in it was changed; name another file"
        )


def examine(db: sqlite3.Connection, path: Path, steps: Sequence[Step]) -> list[str]:
    """See that the file is whole enough to be written to; what is damaged and can be lived with, a line for each."""
    try:
        version = version_of(db)
        if version > len(steps):
            raise JournalError(
                f"{path}: was written by a newer Jackfield: its form is version {version}, this one knows up to "
                f"{len(steps)}. Nothing in it was changed; use the newer one, or name another file"
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
        return _examine_rows(db, path) if version == len(steps) else []
    except sqlite3.OperationalError as error:
        raise JournalError(f"{path}: cannot be opened: {error}; nothing in it was changed") from None
    except sqlite3.Error as error:
        raise damaged(path, str(error)) from None


def _examine_rows(db: sqlite3.Connection, path: Path) -> list[str]:
    _, end = read_state(db, path)
    for sink, upcoming, crc in db.execute("SELECT sink, next, crc FROM cursor"):
        if crc != text_crc(sink, upcoming):
            raise damaged(path, "how far a sink has come is not what was written")
    bad = []
    newest = "SELECT seq, crc, body FROM event ORDER BY seq DESC LIMIT ?"
    for position, (seq, crc, body) in enumerate(db.execute(newest, (TAIL_ROWS,))):
        if position == 0 and seq >= end:
            raise damaged(path, f"it holds an event {seq}, but counts only up to {end - 1}")
        if not isinstance(body, bytes) or crc != body_crc(seq, body):
            bad.append(seq)
    return [f"{len(bad)} of the newest {TAIL_ROWS} events are not what was written: {bad[0]} …"] if bad else []


def read_state(db: sqlite3.Connection, path: Path) -> tuple[int, int]:
    """The number of the first event that is kept, and the number that the next one gets."""
    row = db.execute("SELECT first, next, crc FROM state").fetchone()
    if row is None or row[2] != text_crc(*row[:2]) or not 1 <= row[0] <= row[1]:
        raise damaged(path, "the count of its events is not what was written")
    return row[0], row[1]


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
