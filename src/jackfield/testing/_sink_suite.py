"""The suite for sinks: everything that the host's promise of delivery counts on, as tests to inherit.

::

    class TestAcme(SinkSuite):
        @contextmanager
        def target(self):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "events"
                yield SinkTarget(Acme(path=str(path)), arrived=lambda: read_events(path))

They do real I/O, so they run in real time.
"""

from __future__ import annotations

from jackfield.testing._delivery_rules import DeliveryRules
from jackfield.testing._failure_rules import FailureRules
from jackfield.testing._resource_rules import ResourceRules

__all__ = ["SinkSuite"]


class SinkSuite(DeliveryRules, FailureRules, ResourceRules):
    """What a sink must keep to; `jackfield.testing._sink_target` says what its author declares."""
