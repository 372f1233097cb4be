"""What ``jackfield conformance jackfield-vcon`` runs."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from jackfield.events import Event
from jackfield.plugin.secrets import Secret
from jackfield.testing import SinkSuite, SinkTarget
from jackfield_vcon import Vcon
from jackfield_vcon.spool import NAME

__all__ = ["Conformance"]

SAMPLE = "tok-of-a-receiver"  # of nobody's


class Conformance(SinkSuite):
    """A folder; an event has arrived once it is in the spool, from which vCons are made."""

    @contextlib.contextmanager
    def target(self) -> Iterator[SinkTarget]:
        """A folder of its own."""
        with tempfile.TemporaryDirectory() as folder:
            place = _Folder(Path(folder) / "vcons")
            # A receiver that is not there, so that a secret is at stake; nothing is settled while the rules run.
            sink = Vcon(path=str(place.path), url="http://127.0.0.1:9/vcons", bearer=Secret("text", SAMPLE))
            yield SinkTarget(sink, place.arrived, place.fail, recover=place.recover)


@attrs.frozen
class _Folder:
    path: Path

    @property
    def _aside(self) -> Path:
        return self.path.with_suffix(".aside")

    def fail(self, after: int) -> None:
        """Put a file in the folder's place."""
        if self.path.exists():
            self.path.rename(self._aside)
        self.path.touch()

    def recover(self) -> None:
        if self.path.is_file():
            self.path.unlink()
            if self._aside.exists():
                self._aside.rename(self.path)

    def arrived(self) -> Sequence[Event]:
        file = self.path / NAME
        if not file.is_file():
            return []
        with contextlib.closing(sqlite3.connect(file)) as db:
            bodies = [body for (body,) in db.execute("SELECT body FROM events")]
        return sorted(map(Event.from_cloudevent, bodies), key=lambda event: event.received)
