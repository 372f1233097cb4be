"""The suite for sinks: everything that the host's promise of delivery counts on, as tests to inherit.

::

    class TestAcme(SinkSuite):
        @contextmanager
        def place(self):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "events"
                yield Place(Acme(path=str(path)), arrived=lambda: read_events(path))

They do real I/O, so they run in real time.
"""

from __future__ import annotations

from jackfield.testing.delivering import Delivering
from jackfield.testing.failing import Failing

__all__ = ["SinkSuite"]


class SinkSuite(Delivering, Failing):
    """What a sink must keep to; `jackfield.testing.places` says what its author declares."""
