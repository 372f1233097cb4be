"""A journal of the old form, one SQLite database with everything in it, becomes a folder of segments once."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs

from jackfield._journal.downtime import AccountRow, learn
from jackfield._journal.store import SegmentStore
from jackfield._journal.store.opening import connect
from jackfield._journal.store.records import DeadLetterRow, Notes
from jackfield.errors import EventError, JournalError
from jackfield.events import Event
from jackfield.reports import JournalTakenOver, Report

__all__ = ["is_old_form", "take_over"]

APPLICATION = 0x4A41434B  # "JACK", at byte 68 of the file
GROUP = 200
NEW, OLD = ".taking-over", ".old"


def is_old_form(path: Path) -> bool:
    """Whether a path is a journal of the old form."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(72)
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror}") from None
    return head.startswith(b"SQLite format 3\0") and struct.unpack_from(">I", head, 68) == (APPLICATION,)


def take_over(path: Path, report: Callable[[Report], None]) -> None:
    """Make a folder out of a journal of the old form, which is kept under another name.

    A crash meanwhile leaves the old one as it was, and it is done again.
    """
    new, old = path.with_name(path.name + NEW), path.with_name(path.name + OLD)
    if not os.path.lexists(path) and new.is_dir() and old.exists():
        new.rename(path)  # a crash between the two renames
        return
    if not is_old_form(path):
        return
    try:
        shutil.rmtree(new, ignore_errors=True)
        with closing(connect(path, "rw")) as db:
            db.execute("BEGIN IMMEDIATE")  # no other gateway writes to it
            copied = _copy(db, new)
            db.execute("ROLLBACK")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        path.rename(old)
        new.rename(path)
    except (OSError, sqlite3.Error) as error:
        raise JournalError(f"{path}: the journal of the old form cannot be taken over: {error}") from None
    report(JournalTakenOver(str(path), copied.events, copied.damaged, copied.dead, str(old)))


@attrs.define
class _Copied:
    events: int = 0
    damaged: int = 0
    dead: int = 0


def _copy(db: sqlite3.Connection, folder: Path) -> _Copied:
    """Copy what is what was written, with its positions."""
    copied = _Copied()
    ((first, end),) = db.execute("SELECT first, next FROM state")
    store = SegmentStore.open(folder)
    accounts: dict[str, AccountRow] = {}
    try:
        for position, rows in _events(db, accounts):
            store.skip_to(position)
            lines, received = zip(*rows, strict=True)
            store.append(lines, received, received[-1])
            copied.events += len(rows)
        copied.damaged += end - first - copied.events
        store.skip_to(end)
        cursors = {sink.decode(): upcoming for sink, upcoming in db.execute("SELECT sink, next FROM cursor")}
        store.save(Notes(cursors=cursors, dead=tuple(_dead(db, copied)), accounts=accounts))
    finally:
        store.close()
    return copied


def _events(db: sqlite3.Connection, accounts: dict[str, AccountRow]) -> Iterator[tuple[int, list[tuple[bytes, int]]]]:
    """Groups of lines and moments of events whose positions follow on one another, with the first one's."""
    group: list[tuple[bytes, int]] = []
    begin = 0
    rows: Any = db.execute("SELECT seq, received, crc, body FROM event ORDER BY seq")
    for seq, received, crc, body in rows:
        if not isinstance(body, bytes) or crc != zlib.crc32(body, seq & 0xFFFFFFFF):
            continue
        try:
            learn(accounts, Event.from_cloudevent(body))
        except EventError:
            continue
        if group and (seq != begin + len(group) or len(group) == GROUP):
            yield begin, group
            group = []
        begin = begin if group else seq
        group.append((body, received))
    if group:
        yield begin, group


def _dead(db: sqlite3.Connection, copied: _Copied) -> Iterator[DeadLetterRow]:
    rows: Any = db.execute("SELECT sink, seq, at, attempts, reason, body FROM dead ORDER BY number")
    for sink, seq, at, attempts, reason, body in rows:
        try:
            event = Event.from_cloudevent(body)
        except EventError:
            copied.damaged += 1
        else:
            copied.dead += 1
            yield DeadLetterRow(sink.decode(), seq, at, attempts, reason.decode(errors="replace"), event)
