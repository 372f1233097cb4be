"""A store in a folder: the events in segment files, what is small and changes in place in an SQLite file beside them.

The order of its writes is such that a crash in any place neither loses nor repeats a position. Numbers are reserved
on the disk before they are used; then the events are written, then how far sinks have come. A cursor or a token is
never saved before the event that it stands behind, but a power failure may take the event and leave the cursor.
After one, which shows by another boot of the machine, the next event gets a number that was never given; so it does
in a backup that is put back, since the journal has gone on behind it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Self

import attrs

from jackfield._journal.segments import JournalGone, Lines, SegmentFolder
from jackfield._journal.segments.entries import NOTHING, About
from jackfield._journal.segments.folder import SEGMENT_BYTES
from jackfield._journal.segments.reading import received_at
from jackfield._journal.segments.state import read_header
from jackfield._journal.segments.walk import Line
from jackfield._journal.store.integrity import COPY, State
from jackfield._journal.store.records import Loss, Notes, StoredDeadLetter
from jackfield._journal.store.sidecar import NAME, Sidecar
from jackfield._journal.store.surviving import boot_id, check_content, survivors
from jackfield.errors import JournalError
from jackfield.events import Event

__all__ = ["SegmentStore"]

RESERVE = 100_000


@attrs.define(eq=False)
class SegmentStore:
    """An open folder; made by `SegmentStore.open`."""

    path: Path
    folder: SegmentFolder
    sidecar: Sidecar | None
    """``None`` where it is open for reading only and has none that can be read."""
    findings: list[str]
    _boot: str
    _identity: tuple[int, int]
    """Of the sidecar's file."""
    _notes: Notes
    _reserved: int = 0
    trimmed: int = 1
    """The position of the oldest event that retention has not deleted."""

    survives = True
    instant = False

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        fsync: bool = False,
        readonly: bool = False,
        segment_bytes: int = SEGMENT_BYTES,
        segment_seconds: float = inf,
        keep_keys: int = 0,
    ) -> Self:
        """Open the folder, or make it where it is missing.

        `JournalError` where it cannot be used, and then it is as it was: another process writes to it, it is
        something else, of a newer version, damaged, or out of reach. `readonly` takes no lock, makes no
        journal, and looks less closely, so that what is left of a damaged one can be read.
        """
        if readonly:
            return cls._open_readonly(path)
        check_content(path)
        state, boot = Sidecar.read_state(path), boot_id()
        powered_off = state.boot not in ("", COPY) and (state.boot != boot or boot == "unknown")
        floor = state.reserved if powered_off or state.boot == COPY else state.next
        header = read_header(path)[0] if path.is_dir() else None
        folder = SegmentFolder.open(
            path,
            fsync=fsync,
            floor=floor,
            confirmed=None if powered_off else state.end,
            segment_bytes=segment_bytes,
            journal=state.journal,
        )
        folder.segment_seconds, folder.keep_keys = segment_seconds, keep_keys
        try:
            if state.journal not in ("", folder.journal):
                raise JournalError(
                    f"{path}: {NAME} is from another journal; put the right one back, or move the folder away: a new "
                    "journal begins then, and 'jackfield journal import' reads the events of this one"
                )
            if folder.first < folder.next and not os.path.lexists(path / NAME):
                raise JournalError(
                    f"{path}: {NAME} is missing, which holds how far each sink has come; put a copy of the folder "
                    "back, or move the folder away: a new journal begins then, and 'jackfield journal import' reads "
                    "the old one"
                )
            sidecar = Sidecar.open(path)
        except BaseException:
            folder.close()
            raise
        try:
            findings = [*folder.findings, *sidecar.findings, *sidecar.left_out()]
            notes, more = survivors(sidecar.notes(), state, folder, powered_off=powered_off)
            store = cls(path, folder, sidecar, findings + more, boot, _identity(sidecar.path), notes)
            kept = header.first if header is not None and header.id == folder.journal else 1
            store.trimmed = max(state.first, kept, folder.first if folder.segments else 1)
            store._reserve(folder.next)
        except BaseException:
            sidecar.close()
            folder.close()
            raise
        return store

    @classmethod
    def _open_readonly(cls, path: Path) -> Self:
        try:
            sidecar = Sidecar.open(path, readonly=True)
        except JournalError as error:
            folder = SegmentFolder.open(path, readonly=True)
            return cls(path, folder, None, [*folder.findings, str(error)], "", (0, 0), Notes())
        try:
            state = sidecar.state
            confirmed = None if state.boot not in ("", COPY, boot_id()) else state.end
            folder = SegmentFolder.open(path, readonly=True, confirmed=confirmed, journal=state.journal)
        except BaseException:
            sidecar.close()
            raise
        foreign = [f"{NAME} is from another journal"] if state.journal not in ("", folder.journal) else []
        findings = [*folder.findings, *foreign]
        return cls(path, folder, sidecar, findings, "", (0, 0), sidecar.notes())

    @property
    def first(self) -> int:
        """The position of the oldest event; `next` where there is none."""
        return self.folder.first

    @property
    def journal(self) -> str:
        """The journal's id: one that is made anew has another."""
        return self.folder.journal

    @property
    def next(self) -> int:
        """The position that the next event gets."""
        return self.folder.next

    @property
    def size(self) -> int:
        """How many bytes the events have."""
        return self.folder.size

    def lines(self, events: Sequence[Event]) -> list[bytes]:
        """The events' JSON, as sinks write it."""
        return [event.to_json() for event in events]

    def append(self, lines: Sequence[bytes], received: Sequence[int], at: int, about: About = NOTHING) -> None:
        """Keep events as one group."""
        if self.folder.next + len(lines) > self._reserved:
            self._reserve(self.folder.next + len(lines))
        self.folder.append(lines, received, at, about)

    def skip_to(self, position: int) -> None:
        """Let the next event have that position, if that is higher."""
        self.folder.skip_to(position)
        if position > self._reserved:
            self._reserve(position)

    def read(self, position: int, most: int) -> Lines:
        """The events at the next `most` positions from there on, as far as there are any."""
        return self.folder.read(position, most)

    def count(self, start: int, stop: int) -> int:
        """How many of the positions from `start` to before `stop` events have or had."""
        return self.folder.skips.count(start, stop)

    def scan(self, since: int, until: int, problem: Callable[[str], object]) -> Iterator[list[Line]]:
        """The events received from `since` to before `until`, microseconds since 1970; damage goes to `problem`."""
        return self.folder.scan(since, until, problem)

    def received_at(self, position: int) -> int | None:
        """When the oldest event of its segment came, microseconds since 1970; nothing is read for it."""
        return received_at(self.folder.segments, position)

    def newest_keys(self, most: int) -> list[bytes]:
        """The keys of the newest events, the oldest first."""
        return self.folder.newest_keys(most)

    def saved(self) -> Notes:
        """What was saved before it was opened."""
        return self._notes

    def save(self, notes: Notes, *, durable: bool = False) -> None:
        """Save what has changed, and how far the events go."""
        assert self.sidecar is not None
        self._check_sidecar()
        self.sidecar.save(notes, self._state(self._boot), durable=durable)

    def cut(self, *, keep_after: float, keep_bytes: int, floor: int) -> int:
        """The position before which whole segments can be deleted."""
        return self.folder.cut(keep_bytes=keep_bytes, keep_after=keep_after, floor=floor)

    def delete_before(self, position: int) -> None:
        """Delete the oldest segments."""
        self.folder.delete_before(position)
        self.trimmed = max(self.trimmed, self.folder.first)

    def save_checkpoint(self, pieces: Sequence[bytes]) -> None:
        """Save the gateway's state in place of the one before."""
        assert self.sidecar is not None
        self._check_sidecar()
        self.sidecar.save_checkpoint(pieces)

    def checkpoint(self) -> list[bytes]:
        """The state that was saved; nothing where there is none."""
        return [] if self.sidecar is None else self.sidecar.checkpoint()

    def trim_dead(self, keep_bytes: int) -> Mapping[str, int]:
        """Delete the oldest dead letters."""
        assert self.sidecar is not None
        return self.sidecar.trim_dead(keep_bytes)

    def maintain(self) -> Iterator[None]:
        """Make the indexes of closed segments, a little at a time."""
        return self.folder.maintain()

    def verify(self) -> None:
        """`JournalError` where the files are not the ones any more that were opened."""
        self.folder.verify()
        self._check_sidecar()

    def close(self) -> None:
        """Save how far the events go, once they are on the disk, and release everything."""
        self.folder.close()
        if self.sidecar is not None:
            try:
                if self._boot:
                    self.sidecar.save(Notes(), self._state(""), durable=True)
            except JournalError:  # a full disk: the next start looks more closely
                pass
            finally:
                self.sidecar.close()

    # What commands read

    def cursors(self) -> Mapping[str, int]:
        """The position that each sink wants next."""
        return {} if self.sidecar is None else self.sidecar.notes().cursors

    def losses(self) -> Mapping[str, Loss]:
        """What each sink has lost because the journal kept no more."""
        return {} if self.sidecar is None else self.sidecar.notes().losses

    def dead(self, sink: str | None = None, from_number: int = 0) -> list[StoredDeadLetter]:
        """Dead letters, of one sink or of all, in the order in which they were made."""
        return [] if self.sidecar is None else self.sidecar.dead(sink, from_number)

    def check(self) -> Iterator[str]:
        """Read everything and compare, which takes as long as that takes; what is not what was written."""
        yield from self.folder.check()
        yield from (each for each in self.findings if each not in self.folder.findings)
        yield from [] if self.sidecar is None else self.sidecar.check()

    def dead_count(self) -> Mapping[str, int]:
        """How many dead letters each sink has."""
        return {} if self.sidecar is None else self.sidecar.dead_count()

    def _reserve(self, position: int) -> None:
        """Reserve the numbers that come next, so that none is given twice even when a power failure takes events."""
        assert self.sidecar is not None
        self._reserved = position + RESERVE
        try:
            self.sidecar.save(Notes(), self._state(self._boot), durable=True)
        except BaseException:
            self._reserved = position
            raise

    def _state(self, boot: str) -> State:
        reserved = self._reserved if boot else self.next
        return State(min(self.trimmed, self.next), self.next, self.folder.end, reserved, boot, self.folder.journal)

    def _check_sidecar(self) -> None:
        assert self.sidecar is not None
        if _identity(self.sidecar.path) != self._identity:
            raise JournalGone(f"{self.sidecar.path}: was replaced by another file while this gateway wrote to it")


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.lstat()
    except OSError as error:
        raise JournalGone(f"{path}: cannot be found: {error.strerror}") from None
    return found.st_dev, found.st_ino
