"""Takes events out of a journal and into one, copies it while a gateway writes to it, and makes it compact."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

import attrs

from jackfield._journal.dedup import key_of
from jackfield._journal.fences import Fences
from jackfield._journal.finishing import finished_as
from jackfield._journal.segments import SegmentFolder
from jackfield._journal.segments.copying import copy_segments, remove_leftovers
from jackfield._journal.store import SegmentStore
from jackfield._journal.store.backup import copy_sidecar, vacuum_sidecar
from jackfield._journal.store.records import Notes
from jackfield.errors import EventError, JournalError
from jackfield.events import Event
from jackfield.plugin._files import open_file

__all__ = ["Imported", "back_up", "compact", "export", "import_events", "new_file"]

Write = Callable[[bytes], object]

GROUP = 200
ALL = 2**62
FILE_MODE, FOLDER_MODE = 0o600, 0o700
HEADERS = (b'{"segment":', b'{"group":')


# What is not read here, by the first four bytes.
OTHER_COMPRESSIONS = {b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zX": "xz", b"BZh9": "bzip2", b"PK\x03\x04": "zip"}


@attrs.define
class Imported:
    """What became of the lines of files."""

    taken: int = 0
    copies: int = 0
    """Events that the journal has already."""
    unreadable: int = 0
    sinks: int = 0
    """How many sinks the journal knows, which get what was added."""


def export(path: Path, since: int, until: int, target: AbstractContextManager[Write]) -> tuple[int, list[str]]:
    """Write the events received from `since` to before `until`, microseconds since 1970, one a line, as sinks do.

    How many, and what could not be read. A gateway may write to the journal meanwhile.
    """
    count = 0
    with closing(SegmentFolder.open(path, readonly=True)) as folder, target as write:
        problems = list(folder.findings)
        for page in folder.scan(since, until, problems.append):
            write(b"".join(line.body + b"\n" for line in page))
            count += len(page)
    return count, problems


@contextmanager
def new_file(file: Path) -> Iterator[Write]:
    """Writes to a file that is new, and there and on the disk at the end; compressed where its name ends in ``.gz``."""
    with finished_as(file, "file") as part:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as opened:
            if file.suffix == ".gz":
                with gzip.GzipFile("", "wb", fileobj=opened, mtime=0) as target:
                    yield target.write
            else:
                yield opened.write
            opened.flush()
            os.fsync(opened.fileno())


def import_events(
    path: Path, sources: Iterable[Path], sinks: Iterable[str], problem: Callable[[str], None]
) -> Imported:
    """Append the events of files to a journal that no gateway uses; those that it has already are left out.

    `sinks` that the journal does not know yet get what is imported, as those do that it knows.

    A source is a file with one CloudEvents JSON object of Jackfield's a line, such as an export, a rescue file or a
    segment, which may be compressed; or the folder of another journal.
    """
    result, sources = Imported(), list(sources)
    for source in sources:
        if source.resolve().is_relative_to(path.resolve()):
            raise JournalError(f"{source}: is of the journal itself; its events are there already")
    with closing(SegmentStore.open(path)) as store:
        known = {*store.newest_keys(ALL)}
        cursors = store.cursors()
        store.save(Notes(cursors={sink: store.next for sink in sinks if sink not in cursors}))
        result.sinks = len(store.cursors())
        lines: list[bytes] = []
        received: list[int] = []
        for source in sources:
            for where, line in _lines(source, problem):
                try:
                    event = Event.from_cloudevent(line)
                except EventError as error:
                    result.unreadable += 1
                    problem(f"{where}: {error}")
                    continue
                key = key_of(event)
                if key and key in known:
                    result.copies += 1
                    continue
                known.add(key)
                result.taken += 1
                lines.append(event.to_json())
                received.append(int(event.received.timestamp() * 1_000_000))
                if len(lines) >= GROUP:
                    _append(store, lines, received)
        if lines:
            _append(store, lines, received)
    return result


def _append(store: SegmentStore, lines: list[bytes], received: list[int]) -> None:
    store.append(lines, received, received[-1])
    lines.clear()
    received.clear()


def _lines(source: Path, problem: Callable[[str], None]) -> Iterator[tuple[str, bytes]]:
    """The lines of events, and where each stands."""
    if source.is_dir():
        with closing(SegmentFolder.open(source, readonly=True)) as folder:
            if not folder.segments:
                raise JournalError(f"{source}: is a folder that holds no journal")
            for found in folder.findings:
                problem(f"{source}: {found}")
            for page in folder.scan(-ALL, ALL, lambda found: problem(f"{source}: {found}")):
                yield from ((f"{source}, event {line.position}", line.body) for line in page)
        return
    try:
        with open_file(source) as opened:
            begins = opened.read(4)
        compressed = begins.startswith(b"\x1f\x8b")
        if begins in OTHER_COMPRESSIONS:
            raise JournalError(
                f"{source}: is compressed by {OTHER_COMPRESSIONS[begins]}; decompress it first, or use gzip"
            )
        with gzip.open(source) if compressed else source.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip() and not line.startswith(HEADERS):
                    yield f"{source}, line {number}", line.rstrip(b"\r\n")
    except (OSError, EOFError) as error:
        raise JournalError(f"{source}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def back_up(path: Path, target: Path) -> int:
    """Copy a journal, which a gateway may be writing to, into a new folder; how many events the copy holds.

    How far sinks have come is copied first, and the events then, so that no sink stands behind the copy's end. Under
    which numbers a cluster's feeds were held is read before that, and again after it.
    """
    fences = Fences.beside(str(path))
    if target.resolve().is_relative_to(path.resolve()):
        raise JournalError(f"{target}: is within the journal itself; name a folder elsewhere")
    with finished_as(target, "folder") as part:
        part.mkdir(mode=FOLDER_MODE)
        copy_sidecar(path, part)
        with closing(SegmentFolder.open(path, readonly=True)) as folder:
            if folder.findings:
                raise JournalError(f"{path}: is damaged, and a copy would be too: {folder.findings[0]}")
            copy_segments(folder, part)
        fences.add(Fences.beside(str(path)))
        fences.save_beside(part)
        with closing(SegmentFolder.open(part, readonly=True)) as copy:
            problems = [*copy.check()]
            count = sum(1 for page in copy.scan(-ALL, ALL, problems.append) for _ in page)
        if problems:
            raise JournalError(f"{target}: is not a whole copy: {problems[0]}")
    return count


def compact(path: Path, keep_seconds: float, keep_bytes: int) -> tuple[int, int]:
    """Delete what retention would delete, what nothing needs, and free space; bytes on the disk before and after.

    No gateway may use the journal meanwhile.
    """
    before = _used(path)
    with closing(SegmentStore.open(path)) as store:
        floor = min(store.cursors().values(), default=store.next)
        store.delete_before(store.cut(keep_after=time.time() - keep_seconds, keep_bytes=keep_bytes, floor=floor))
        remove_leftovers(store.folder)
    vacuum_sidecar(path)
    return before, _used(path)


def _used(path: Path) -> int:
    """The size of a folder's files."""
    total = 0
    for each in path.iterdir() if path.is_dir() else []:
        with suppress(FileNotFoundError):
            total += each.stat().st_size
    return total
