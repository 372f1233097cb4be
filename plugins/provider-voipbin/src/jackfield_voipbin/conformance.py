"""What ``jackfield conformance jackfield-voipbin`` runs."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.credentials import Secret
from jackfield.testing import ProviderSuite, Vendor, simulated_frames
from jackfield_voipbin import Voipbin
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator

__all__ = ["Conformance"]

SAMPLE = "tok-of-a-customer"  # of nobody's account


class Conformance(ProviderSuite):
    """The documented dialect, before the simulator."""

    provider = Voipbin(token=Secret("text", SAMPLE), customer_id=CUSTOMER)
    refuses = True

    def examples(self) -> Sequence[bytes]:
        """A day's beginning."""
        return simulated_frames(self.provider, VoipbinSimulator(SAMPLE))

    def vendor(self, *, refuses: bool = False) -> Vendor:
        """One that refuses is another customer's."""
        return VoipbinSimulator(SAMPLE, customer_id="another" if refuses else CUSTOMER).client()
