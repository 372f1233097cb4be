"""Copies a folder that may be written to meanwhile, and removes from one what nothing needs."""

from __future__ import annotations

import os
from contextlib import suppress
from io import FileIO
from pathlib import Path

from jackfield._journal.segments.folder import SegmentFolder
from jackfield._journal.segments.format import VERSION, FolderHeader, WriterState, encode_folder, encode_writer
from jackfield._journal.segments.index import INDEX_SUFFIX
from jackfield._journal.segments.segment import SUFFIX, segment_name
from jackfield._journal.segments.state import FOLDER_FILE, WRITER_FILE
from jackfield.errors import JournalError

__all__ = ["copy_segments", "remove_leftovers"]

FILE_MODE = 0o600
CHUNK_BYTES = 1_000_000


def copy_segments(folder: SegmentFolder, target: Path) -> None:
    """Copy the segments up to where they ended when the folder was opened, durably, into an empty folder.

    The oldest may be deleted meanwhile; the copy begins behind them.
    """
    first: int | None = None
    for segment in folder.segments:
        try:
            source = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            if first is not None:
                raise JournalError(f"{segment.path}: is not there any more") from None
            continue
        except OSError as error:
            raise JournalError(f"{segment.path}: cannot be read: {error.strerror}") from None
        first = segment.first if first is None else first
        try:
            _copy(source, segment.size, target / segment_name(segment.first))
        finally:
            os.close(source)
    _write(
        target / FOLDER_FILE,
        encode_folder(FolderHeader(VERSION, folder.journal, first or folder.next, folder.skips.ranges)),
    )
    _write(target / WRITER_FILE, encode_writer(WriterState(os.getpid(), folder.end, folder.journal)))
    descriptor = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(folder: SegmentFolder) -> None:
    """Remove files that a crash has left: indexes without a segment, and what was not finished."""
    there = {segment_name(segment.first).removesuffix(SUFFIX) for segment in folder.segments}
    for each in folder.path.iterdir():
        orphan = each.suffix == INDEX_SUFFIX and each.stem not in there
        if orphan or each.name.endswith((f"{INDEX_SUFFIX}.new", f"{FOLDER_FILE}.new")):
            with suppress(FileNotFoundError):
                each.unlink()


def _copy(source: int, size: int, target: Path) -> None:
    offset = 0
    try:
        with _create(target) as file:
            while offset < size:
                data = os.pread(source, min(CHUNK_BYTES, size - offset), offset)
                if not data:
                    raise JournalError(f"{target.name}: ends at byte {offset}, and should at {size}")
                offset += file.write(data)
            os.fsync(file.fileno())
    except OSError as error:
        raise JournalError(f"{target}: cannot be written: {error.strerror}") from None


def _write(target: Path, text: bytes) -> None:
    try:
        with _create(target) as file:
            file.write(text)
            os.fsync(file.fileno())
    except OSError as error:
        raise JournalError(f"{target}: cannot be written: {error.strerror}") from None


def _create(path: Path) -> FileIO:
    return FileIO(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE), "wb")
