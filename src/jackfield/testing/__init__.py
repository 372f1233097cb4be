"""Support for tests, of Jackfield's own, of its plugins, and of programs that embed it.

For plugins: `ProviderSuite`, `WebhookSuite` and `SinkSuite`, to inherit. For programs: `RecordingSink`,
`run_in_virtual_time`, and the simulators in `jackfield.simulation`.
"""

from jackfield.testing._churn import subscription_churn
from jackfield.testing._clock import run_in_virtual_time
from jackfield.testing._harness import Vendor
from jackfield.testing._provider_declaration import post, simulated_events, simulated_frames
from jackfield.testing._provider_suite import ProviderSuite, WebhookSuite
from jackfield.testing._recording import RecordingSink
from jackfield.testing._sink_suite import SinkSuite
from jackfield.testing._sink_target import SinkTarget, sample_events

__all__ = [
    "ProviderSuite",
    "RecordingSink",
    "SinkSuite",
    "SinkTarget",
    "Vendor",
    "WebhookSuite",
    "post",
    "run_in_virtual_time",
    "sample_events",
    "simulated_events",
    "simulated_frames",
    "subscription_churn",
]
