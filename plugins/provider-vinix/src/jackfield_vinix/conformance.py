"""What ``jackfield conformance jackfield-vinix`` runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import ClassVar

from jackfield.plugin.http import Request, Response
from jackfield.plugin.provider import Provider
from jackfield.plugin.secrets import Secret
from jackfield.testing import ProviderSuite, Vendor, simulated_frames
from jackfield_vinix import Vinix
from jackfield_vinix.simulator import ACCOUNT, VinixSimulator

__all__ = ["Conformance"]

SAMPLE = "tok-of-an-account"  # of nobody's account
NAME = re.compile(r'(?<="name":"jackfield-conformance-)[0-9a-f]{8}(?=")')


class Conformance(ProviderSuite):
    """The documented bindings, with gaps filled by REST, before the simulator."""

    provider: Provider = Vinix(
        url="wss://gateway.example:5555",
        auth_token=Secret("text", SAMPLE),
        account_id=ACCOUNT,
        rest_url="https://api.example/v2",
        unsubscribe="send",  # by default a topic is left out at the next renewal, which no single connection shows
    )
    acknowledges = True
    refuses = True
    authenticates = True
    backfills = True
    bounds: ClassVar[Sequence[str]] = ("jackfield_vinix.reconcile.MOST_KEPT", "jackfield_vinix.state.MOST_KEPT")

    @cached_property
    def _server(self) -> VinixSimulator:
        return VinixSimulator(SAMPLE)

    def examples(self) -> Sequence[bytes]:
        """A day's beginning."""
        return simulated_frames(self.provider, VinixSimulator(SAMPLE, accepts="documented"))

    def vendor(self, *, refuses: bool = False) -> Vendor:
        """One that refuses knows another token, and quotes ours."""
        return VinixSimulator("another" if refuses else SAMPLE).client()

    def comparable(self, frame: str) -> str:
        """Each connection has a name of its own in the server's list."""
        return NAME.sub("", frame)

    def rest(self, request: Request) -> Response:
        """The simulator's own answer."""
        return self._server.answer(request)
