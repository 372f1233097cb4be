"""What ``jackfield conformance jackfield-vinix`` runs."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.credentials import Secret
from jackfield.testing import ProviderSuite, Vendor, simulated_frames
from jackfield_vinix import Vinix
from jackfield_vinix.simulator import ACCOUNT, VinixSimulator

__all__ = ["Conformance"]

SAMPLE = "tok-of-an-account"  # of nobody's account


class Conformance(ProviderSuite):
    """The documented bindings, before the simulator."""

    provider = Vinix(url="wss://gateway.example:5555", auth_token=Secret("text", SAMPLE), account_id=ACCOUNT)
    acknowledges = True
    refuses = True

    def examples(self) -> Sequence[bytes]:
        """A day's beginning."""
        return simulated_frames(self.provider, VinixSimulator(SAMPLE))

    def vendor(self, *, refuses: bool = False) -> Vendor:
        """One that refuses knows another token, and quotes ours."""
        return VinixSimulator("another" if refuses else SAMPLE).client()
