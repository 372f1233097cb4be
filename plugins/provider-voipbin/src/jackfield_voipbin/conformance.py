"""What ``jackfield conformance jackfield-voipbin`` runs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import ClassVar

from jackfield.plugin.http import Request, Response
from jackfield.plugin.provider import Provider
from jackfield.plugin.secrets import Secret
from jackfield.plugin.webhook import WebhookRequest
from jackfield.testing import ProviderSuite, Vendor, post, simulated_frames
from jackfield_voipbin import Voipbin
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator

__all__ = ["Conformance", "ConformanceOfWebhooks"]

SAMPLE = "tok-of-a-customer"  # of nobody's account
KEY = "key-of-a-customer"
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Conformance(ProviderSuite):
    """A feed by websocket, with its gaps filled by REST, before the simulator."""

    # By default a topic is left out at the next renewal, which no single connection shows.
    provider: Provider = Voipbin(token=Secret("text", SAMPLE), customer_id=CUSTOMER, unsubscribe="send")
    refuses = True
    authenticates = True
    backfills = True
    bounds: ClassVar[Sequence[str]] = (
        "jackfield_voipbin.memory.SLICE_STATES",
        "jackfield_voipbin.memory.MOST_STATES",
        "jackfield_voipbin.memory.MOST_OPEN",
        "jackfield_voipbin.naming.MOST_REMEMBERED",
        "jackfield_voipbin.derived.MOST_REMEMBERED",
    )

    @cached_property
    def _server(self) -> VoipbinSimulator:
        return VoipbinSimulator(SAMPLE)

    def examples(self) -> Sequence[bytes]:
        """A day's beginning."""
        return simulated_frames(self.provider, VoipbinSimulator(SAMPLE))

    def vendor(self, *, refuses: bool = False) -> Vendor:
        """One that refuses is another customer's."""
        return VoipbinSimulator(SAMPLE, customer_id="another" if refuses else CUSTOMER).client()

    def rest(self, request: Request) -> Response:
        """The simulator's own answer."""
        return self._server.answer(request)


class ConformanceOfWebhooks(Conformance):
    """The same, with events by webhook beside the websocket."""

    provider: Provider = Voipbin(
        token=Secret("text", SAMPLE),
        customer_id=CUSTOMER,
        unsubscribe="send",
        receive="both",
        webhook_secret=Secret("text", KEY),
    )
    webhooks = True
    signs = True

    def posts(self) -> Sequence[WebhookRequest]:
        """The first events of a day, signed as VoIPBIN does."""
        server = VoipbinSimulator(SAMPLE, webhook_uri="https://gateway.example/", webhook_secret=KEY)
        events = itertools.islice(server.events(lambda: AT), 20)
        sent = [delivery.request for event in events if event for delivery in server.webhooks_of(event)]
        return [post(each.body, dict(each.headers)) for each in sent]
