"""Support for tests, of Jackfield's own, of its plugins, and of programs that embed it.

For plugins: `ProviderSuite` and `SinkSuite`, to inherit. For programs: `RecordingSink`, `run_in_virtual_time`, and the
simulators in `jackfield.simulation`.
"""

from jackfield.testing.clock import run_in_virtual_time
from jackfield.testing.declaring import simulated_frames
from jackfield.testing.places import Place, sample_events
from jackfield.testing.providers import ProviderSuite
from jackfield.testing.recording import RecordingSink
from jackfield.testing.sinks import SinkSuite
from jackfield.testing.stage import Vendor

__all__ = [
    "Place",
    "ProviderSuite",
    "RecordingSink",
    "SinkSuite",
    "Vendor",
    "run_in_virtual_time",
    "sample_events",
    "simulated_frames",
]
