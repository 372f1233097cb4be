"""What is under way, in an SQLite file beside the vCons, so that a restart loses and repeats nothing.

A batch counts as delivered once its events are in here. A vCon is stored in here, in the transaction that closes its
version, before its file is made: whatever a crash interrupts is done again with the same bytes. Synchronous; one caller
at a time.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import attrs

from jackfield.events import Event
from jackfield_vcon.assemble import Amended
from jackfield_vcon.durable import lock_folder, sync_folder
from jackfield_vcon.identity import conversation_of, key_of, whole_text
from jackfield_vcon.recordings import Content
from jackfield_vcon.troubles import in_words

__all__ = ["Finished", "Spool"]

NAME = "pending.sqlite3"
MOST_BYTES = 20_000_000
"""Of vCons that wait, so much is in memory, and at least one."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    key TEXT NOT NULL, id TEXT NOT NULL, received REAL NOT NULL, body BLOB NOT NULL, PRIMARY KEY (key, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS belongs (key TEXT PRIMARY KEY, whole TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS parts ON belongs (whole);
CREATE TABLE IF NOT EXISTS conversations (
    key TEXT PRIMARY KEY, due REAL, seen REAL NOT NULL, version INTEGER NOT NULL DEFAULT 0,
    uuid TEXT NOT NULL DEFAULT '', hash TEXT NOT NULL DEFAULT '', content TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS when_due ON conversations (due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS when_seen ON conversations (seen);
CREATE TABLE IF NOT EXISTS gaps (id TEXT PRIMARY KEY, feed TEXT NOT NULL, at REAL NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (name TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS contents (
    link TEXT PRIMARY KEY, hash TEXT NOT NULL, mediatype TEXT NOT NULL, problem TEXT NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
"""
# A copy that was received earlier takes the place of one that was received later, so that order does not matter.
ADD = """
INSERT INTO events VALUES (?, ?, ?, ?) ON CONFLICT (key, id) DO UPDATE SET received = excluded.received,
body = excluded.body WHERE (excluded.received, excluded.body) < (events.received, events.body)"""
PARTS = """
WITH RECURSIVE part(key) AS (VALUES (?) UNION SELECT belongs.key FROM belongs JOIN part ON belongs.whole = part.key)
SELECT key FROM part"""
# What is about no conversation.
_APART = frozenset({"agent", "queue", "number", "account", "campaign", "team", "outdial", "ai"})
GAPS = ("stream.gap_suspected", "stream.not_verified")


@attrs.frozen
class Finished:
    """A conversation whose time to be looked at has come."""

    key: str
    events: list[Event]
    gaps: list[Event]
    seen: float
    """When its newest event came."""
    version: int
    """Of its newest vCon; 0 for none."""
    before: Amended | None
    content: str
    """What its newest vCon was made of."""


@attrs.define(eq=False)
class Spool:
    """An open file; made by `Spool.open`."""

    path: Path
    _db: sqlite3.Connection
    _identity: tuple[int, int]
    _lock: int
    """The folder's descriptor, which is locked."""

    @classmethod
    def open(cls, folder: Path, *, fsync: bool = False) -> Self:
        """Open or make it; `OSError` where that cannot be done."""
        path = folder / NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = lock_folder(folder)
        except OSError as error:
            raise OSError(in_words(error, folder)) from None
        try:
            db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            level = "FULL" if fsync else "NORMAL"
            db.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = {level}; {SCHEMA}")
            if fsync:
                sync_folder(folder)
                sync_folder(folder.absolute().parent)
        except (OSError, sqlite3.Error) as error:
            os.close(lock)
            raise OSError(in_words(error, path)) from None
        return cls(path, db, _identity_of(path), lock)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite has taken it back itself where the disk was full
                self._db.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Release the file."""
        self._db.close()
        os.close(self._lock)

    def check(self) -> None:
        """`OSError` where the file is not the one any more that was opened."""
        if _identity_of(self.path) != self._identity:
            raise OSError(f"{self.path}: was replaced or removed while it was written to")

    def take(self, events: Iterable[Event], now: float, due: float) -> None:
        """Keep events; their conversations are looked at when they are due."""
        self.check()
        db = self._db
        with self.transaction():
            touched: dict[str, None] = {}
            for event in events:
                if event.kind in GAPS:
                    row = (whole_text(event.id), event.feed, event.received.timestamp(), event.to_json())
                    db.execute("INSERT OR IGNORE INTO gaps VALUES (?, ?, ?, ?)", row)
                elif event.kind.startswith("stream.") or (
                    not event.correlation and event.kind.partition(".")[0] in _APART
                ):
                    continue
                else:
                    touched[self._keep(event)] = None
            for key in touched:
                db.execute(
                    "INSERT INTO conversations (key, due, seen) VALUES (?, ?, ?)"
                    " ON CONFLICT (key) DO UPDATE SET due = excluded.due, seen = excluded.seen",
                    (self._whole(key), due, now),
                )

    def _keep(self, event: Event) -> str:
        key = key_of(event)
        self._db.execute(ADD, (key, whole_text(event.id), event.received.timestamp(), event.to_json()))
        if (named := conversation_of(event)) is not None:
            self._db.execute(
                "INSERT INTO belongs VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET whole = min(whole, excluded.whole)",
                named,
            )
            # What was thought to be a conversation of its own is a part of another.
            self._db.execute("DELETE FROM conversations WHERE key = ? AND version = 0", named[:1])
        return key

    def _whole(self, key: str) -> str:
        """The conversation that a key is a part of."""
        seen = {key}
        while (row := self._db.execute("SELECT whole FROM belongs WHERE key = ?", (key,)).fetchone()) is not None:
            if row[0] in seen:
                break
            key = row[0]
            seen.add(key)
        return key

    def due(self, now: float, most: int) -> list[str]:
        """The conversations whose time has come, the first that was due first."""
        rows = self._db.execute("SELECT key FROM conversations WHERE due <= ? ORDER BY due, key LIMIT ?", (now, most))
        return [key for (key,) in rows]

    def read(self, key: str) -> Finished:
        """A conversation with all its events, and with the gaps of its feeds."""
        parts = [part for (part,) in self._db.execute(PARTS, (key,))]
        bodies: list[bytes] = []
        for part in parts:
            bodies += [body for (body,) in self._db.execute("SELECT body FROM events WHERE key = ?", (part,))]
        events = [Event.from_cloudevent(body) for body in bodies]
        row = self._db.execute(
            "SELECT seen, version, uuid, hash, content FROM conversations WHERE key = ?", (key,)
        ).fetchone()
        seen, version, uuid, digest, content = row
        before = Amended(uuid, digest) if version and content != "-" else None
        return Finished(key, events, list(self._gaps_of(events)), seen, version, before, content)

    def _gaps_of(self, events: list[Event]) -> Iterator[Event]:
        """Those that may lie within a conversation, or at an end of it that is missing.

        An hour around it is enough: a gap is announced when the connection is back.
        """
        if not events:
            return
        received = [event.received.timestamp() for event in events]
        for feed in sorted({event.feed for event in events}):
            query = "SELECT body FROM gaps WHERE feed = ? AND at BETWEEN ? AND ?"
            for (body,) in self._db.execute(query, (feed, min(received) - 3600, max(received) + 3600)):
                yield Event.from_cloudevent(body)

    def finish(self, found: Finished, name: str, body: bytes, written: Amended, content: str) -> None:
        """Close a version: its vCon is in the outbox from now on. In a transaction."""
        self._db.execute("INSERT OR REPLACE INTO outbox VALUES (?, ?)", (name, body))
        self._db.execute(
            "UPDATE conversations SET due = NULL, version = ?, uuid = ?, hash = ?, content = ? WHERE key = ?",
            (found.version + 1, written.uuid, written.content_hash, content, found.key),
        )

    def delay(self, due: float) -> None:
        """Look at nothing before that: after a start, events that came meanwhile are still on their way."""
        self._db.execute("UPDATE conversations SET due = ? WHERE due < ?", (due, due))

    def hasten(self, now: float, beyond: float, due: float) -> None:
        """Look sooner at what is put off beyond a moment, which it was before the clock was set back."""
        self._db.execute("UPDATE conversations SET seen = ? WHERE seen > ?", (now, now))
        self._db.execute("UPDATE conversations SET due = ? WHERE due > ?", (due, beyond))

    def put_off(self, key: str, due: float | None) -> None:
        """Look at a conversation later, or with the next of its events."""
        self._db.execute("UPDATE conversations SET due = ? WHERE key = ?", (due, key))

    def outbox(self, without: Collection[str] = ()) -> list[tuple[str, bytes]]:
        """The first vCons that have not left yet, in the order in which they were made; as many as memory may hold."""
        found: list[tuple[str, bytes]] = []
        size = 0
        query = "SELECT name FROM outbox ORDER BY rowid LIMIT ?"
        for (name,) in self._db.execute(query, (100 + len(without),)).fetchall():
            if name not in without:
                (body,) = self._db.execute("SELECT body FROM outbox WHERE name = ?", (name,)).fetchone()
                found.append((name, body))
                size += len(body)
                if size >= MOST_BYTES:
                    break
        return found

    def sent(self, names: Iterable[str]) -> None:
        """These vCons have left."""
        with self.transaction():
            self._db.executemany("DELETE FROM outbox WHERE name = ?", [(name,) for name in names])

    def keep_contents(self, contents: Mapping[str, Content], waited: Iterable[str], now: float) -> None:
        """Remember what is at links, by their keys; the conversations that waited for it are looked at again."""
        rows = [(key, each.content_hash, each.media_type, each.problem, now) for key, each in contents.items()]
        with self.transaction():
            self._db.executemany("INSERT OR REPLACE INTO contents VALUES (?, ?, ?, ?, ?)", rows)
            for key in waited:
                self.put_off(key, now)

    def contents(self, keys: Iterable[str]) -> dict[str, Content]:
        """What is known of links."""
        found = {}
        for key in keys:
            query = "SELECT hash, mediatype, problem FROM contents WHERE link = ?"
            if (row := self._db.execute(query, (key,)).fetchone()) is not None:
                found[key] = Content(*row)
        return found

    def forget(self, before: float) -> int:
        """Delete the events of conversations to which none came since then; how many conversations that are.

        Their uuids stay, so that none is given twice.
        """
        keys = [
            key
            for (key,) in self._db.execute(
                "SELECT key FROM conversations WHERE seen < ? AND due IS NULL AND content != '-' LIMIT 500", (before,)
            )
        ]
        with self.transaction():
            for key in keys:
                for (part,) in list(self._db.execute(PARTS, (key,))):
                    self._db.execute("DELETE FROM events WHERE key = ?", (part,))
                    self._db.execute("DELETE FROM belongs WHERE key = ?", (part,))
                self._db.execute("UPDATE conversations SET content = '-' WHERE key = ? AND version > 0", (key,))
                self._db.execute("DELETE FROM conversations WHERE key = ? AND version = 0", (key,))
            self._db.execute("DELETE FROM gaps WHERE at < ?", (before,))
            self._db.execute("DELETE FROM contents WHERE at < ?", (before,))
        return len(keys)

    def bodies(self) -> list[bytes]:
        """All events, in no order."""
        return [body for (body,) in self._db.execute("SELECT body FROM events")]


def _identity_of(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
