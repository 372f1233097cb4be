"""The rules about how a provider reads webhooks."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import FrameError, WebhookError
from jackfield.events import Event
from jackfield.plugin.http import Response
from jackfield.plugin.webhook import WebhookAnswer, WebhookRequest
from jackfield.testing._harness import FEED
from jackfield.testing._mutations import mutated_frames
from jackfield.testing._provider_declaration import AT, ProviderDeclaration
from jackfield.testing._rules import Level, rule

__all__ = ["WebhookRules"]

URL = "https://webhooks.example"


class WebhookRules(ProviderDeclaration):
    """Everything that can be seen of a provider while it is given requests."""

    @rule(Level.GOLD)
    def test_reads_any_webhook(self) -> None:
        """Anybody can send us webhooks, so anything can come: events, an answer, or one refusal."""
        provider: Any = self.provider
        webhook = provider.webhook(FEED) if self.webhooks else None
        if webhook is None:
            self.not_applicable("it receives no webhooks")
        headers = st.dictionaries(st.text(max_size=10).map(str.lower), st.text(max_size=20), max_size=4)
        methods = st.sampled_from(["POST", "GET", "PUT"])
        targets = st.sampled_from(["/", "/?validationToken=x", "/?a=1&a=2&b", "/?%ff=%00"])

        @given(methods, targets, headers, mutated_frames(self.examples()) | st.just(b""))
        def law(method: str, target: str, given_headers: dict[str, str], body: bytes) -> None:
            request = WebhookRequest(method, target, URL + target, given_headers, body, AT)
            try:
                read = webhook.read(request)
                answer = read if isinstance(read, WebhookAnswer) else WebhookAnswer(read)
            except (FrameError, WebhookError):
                return
            assert all(isinstance(event, Event) for event in answer.events), f"{answer.events} are no events"
            assert isinstance(answer.response, Response), f"{answer.response!r} is not a Response"

        law()
