"""Files for Jackfield: the options of a ``[sinks.NAME]`` table with ``type = "file"``."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio

from jackfield.config import about
from jackfield.errors import DeliveryError
from jackfield.hooks import hookimpl
from jackfield.sinks import Batch, OpenSink, SinkSpec

__all__ = ["File", "jackfield_sinks"]


def _not_empty(_instance: object, _attribute: object, value: str) -> None:
    if not value:
        raise ValueError("must name a file")


@attrs.frozen
class File:
    """Events appended to one file, one CloudEvents JSON object a line."""

    path: str = attrs.field(validator=_not_empty, metadata=about("the file to append to; missing folders are made"))

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[OpenSink, None]:
        """Open the file for appending; `OSError` where that cannot be done."""
        descriptor = await trio.to_thread.run_sync(_open, Path(self.path))
        try:
            yield _Writer(self.path, descriptor)
        finally:
            os.close(descriptor)


@attrs.frozen
class _Writer:
    _path: str
    _descriptor: int

    async def write(self, batch: Batch) -> None:
        lines = b"".join(event.to_json() + b"\n" for event in batch.events)
        try:
            await trio.to_thread.run_sync(_append, self._descriptor, lines)
        except OSError as error:
            raise DeliveryError(f"{self._path}: {error.strerror}") from None


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


def _append(descriptor: int, lines: bytes) -> None:
    """Append all or nothing: what a full disk cut off is taken back, so that no line is torn."""
    before = os.fstat(descriptor).st_size
    try:
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except OSError:
        os.ftruncate(descriptor, before)
        raise


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``file``."""
    return [SinkSpec("file", "a file, one JSON object a line", File)]
