"""The suite for providers: everything that Jackfield counts on, as tests to inherit.

::

    class TestAcme(ProviderSuite):
        provider = Acme(url="wss://acme.example/events", token=Secret("text", "tok-s3cret"), account_id="A1")

        def examples(self):
            return [b'{"event": "call.started", "id": "1", …}']
"""

from __future__ import annotations

from jackfield.testing._connection_rules import ConnectionRules
from jackfield.testing._endurance_rules import EnduranceRules
from jackfield.testing._frame_rules import FrameRules
from jackfield.testing._life_rules import LifeRules
from jackfield.testing._webhook_rules import WebhookRules

__all__ = ["ProviderSuite", "WebhookSuite"]


class ProviderSuite(FrameRules, LifeRules, EnduranceRules, WebhookRules, ConnectionRules):
    """What a provider must keep to; `jackfield.testing._provider_declaration` says what its author declares."""


class WebhookSuite(FrameRules, LifeRules, EnduranceRules, WebhookRules):
    """What a provider must keep to whose vendor sends everything by webhook: it connects to nothing.

    Its examples are bodies, which the provider's protocol reads for ``jackfield decode``; `posts` are whole requests.
    """

    webhooks = True
