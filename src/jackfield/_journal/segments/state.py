"""What is known of a folder beside its segments: whose they are, where they begin, and where they end.

``journal.json`` is synced, and changes when old segments are deleted; ``writer.json`` changes with each group and is
never synced: it says what a process that was killed had confirmed, and names the process.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import attrs

from jackfield._journal.segments.format import (
    FolderHeader,
    WriterState,
    encode_folder,
    encode_writer,
    parse_folder,
    parse_writer,
)
from jackfield.errors import JournalError

__all__ = ["FOLDER_FILE", "WRITER_FILE", "Writer", "read_header", "read_writer", "save_header"]

FOLDER_FILE, WRITER_FILE = "journal.json", "writer.json"
FILE_MODE = 0o600
WRITER_TRIES = 20


def read_header(path: Path) -> tuple[FolderHeader | None, str]:
    """What ``journal.json`` of a folder says, or what is wrong with it."""
    try:
        header = parse_folder((path / FOLDER_FILE).read_bytes())
    except FileNotFoundError:
        return None, f"{FOLDER_FILE} is missing"
    except OSError as error:
        raise JournalError(f"{path / FOLDER_FILE}: cannot be read: {error.strerror}") from None
    return header, "" if header is not None else f"{FOLDER_FILE} is not what was written"


def read_writer(path: Path) -> tuple[WriterState | None, str]:
    """What ``writer.json`` of a folder says, or what is wrong with it."""
    state = None
    try:
        for _ in range(WRITER_TRIES):  # a gateway that writes it just now may show a half of it
            if (state := parse_writer((path / WRITER_FILE).read_bytes())) is not None:
                break
    except FileNotFoundError:
        return None, f"{WRITER_FILE} is missing"
    except OSError as error:
        return None, f"{WRITER_FILE} cannot be read: {error.strerror}"
    return state, "" if state is not None else f"{WRITER_FILE} is not what was written"


def save_header(folder: int, path: Path, header: FolderHeader) -> None:
    """Replace ``journal.json`` durably, all or nothing."""
    new = FOLDER_FILE + ".new"
    try:
        file = os.open(
            new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE, dir_fd=folder
        )
        try:
            text = encode_folder(header)
            if os.write(file, text) != len(text):
                raise OSError(0, "no space left")
            os.fsync(file)
        finally:
            os.close(file)
        os.rename(new, FOLDER_FILE, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    except OSError as error:
        raise JournalError(f"{path / FOLDER_FILE}: cannot be written: {error.strerror}") from None


@attrs.define(eq=False)
class Writer:
    """The open ``writer.json`` of a folder that is written to."""

    _file: int
    _journal: str
    _process: int = attrs.field(factory=os.getpid)

    @classmethod
    def open(cls, folder: int, path: Path, journal: str) -> Writer:
        """Open it, or make it."""
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            return cls(os.open(WRITER_FILE, flags, FILE_MODE, dir_fd=folder), journal)
        except OSError as error:
            raise JournalError(f"{path / WRITER_FILE}: cannot be written: {error.strerror}") from None

    def confirm(self, upcoming: int) -> None:
        """Note that positions below that are confirmed; where this fails, a cut of the file may not be noticed."""
        with suppress(OSError):
            os.pwrite(self._file, encode_writer(WriterState(self._process, upcoming, self._journal)), 0)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)
