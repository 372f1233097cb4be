"""What ``jackfield conformance jackfield-file`` runs."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from jackfield.events import Event
from jackfield.testing import SinkSuite, SinkTarget
from jackfield_file import File

__all__ = ["Conformance"]


class Conformance(SinkSuite):
    """One file without rotation."""

    @contextlib.contextmanager
    def target(self) -> Iterator[SinkTarget]:
        """A file in a folder of its own."""
        with tempfile.TemporaryDirectory() as folder:
            path = _Path(Path(folder) / "events.jsonl")
            yield SinkTarget(File(path=str(path.file)), path.arrived, path.fail, recover=path.recover)


@attrs.frozen
class _Path:
    file: Path

    @property
    def _aside(self) -> Path:
        return self.file.with_suffix(".aside")

    def fail(self, after: int) -> None:
        """Put a folder in the file's place."""
        if self.file.exists():
            self.file.rename(self._aside)
        self.file.mkdir()

    def recover(self) -> None:
        if self.file.is_dir():
            self.file.rmdir()
            if self._aside.exists():
                self._aside.rename(self.file)

    def arrived(self) -> Sequence[Event]:
        lines = self.file.read_bytes().splitlines() if self.file.is_file() else []
        return [Event.from_cloudevent(line) for line in lines]
