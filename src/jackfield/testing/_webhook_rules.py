"""The rules about how a provider reads webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import FrameError, JackfieldError, WebhookError
from jackfield.events import Event
from jackfield.plugin.http import Response
from jackfield.plugin.webhook import Webhook, WebhookAnswer, WebhookRequest
from jackfield.testing._harness import FEED
from jackfield.testing._mutations import mutated_frames
from jackfield.testing._provider_declaration import AT, ProviderDeclaration
from jackfield.testing._rules import Level, rule

__all__ = ["WebhookRules"]

URL = "https://webhooks.example"
# What a server or a proxy adds to any request, so that a signature is none of them.
PLAIN = frozenset({"content-type", "content-length", "user-agent", "host", "accept", "accept-encoding", "connection"})
REJECTIONS = (400, 401, 403)


class WebhookRules(ProviderDeclaration):
    """Everything that can be seen of a provider while it is given requests."""

    def _webhook(self) -> Webhook:
        provider: Any = self.provider
        webhook: Webhook | None = provider.webhook(FEED) if self.webhooks else None
        return webhook or self.not_applicable("it receives no webhooks")

    @rule(Level.BRONZE)
    def test_reads_its_webhooks(self) -> None:
        """A request as the vendor sends it, signed as the vendor signs it, must bring its events each time it comes."""
        webhook = self._webhook()
        posts = self.posts() or self.not_applicable("the suite has no posts()")
        brought = 0
        for request in posts:
            try:
                first, again = _answer(webhook, request), _answer(webhook, request)
            except JackfieldError as error:
                raise AssertionError(
                    f"a request of the vendor's is rejected: {error!s}, body {request.body!r}"
                ) from None
            ids = [event.id for event in first.events]
            assert ids == [event.id for event in again.events], f"a copy has other ids than {ids}: {request.body!r}"
            for event in first.events:
                problems = self.problems_of(event, ("webhook", "live"))
                assert not problems, f"an event has {' and '.join(problems)}: {event}"
            brought += len(ids)
        assert brought, f"{len(posts)} requests of the vendor's bring no event"

    @rule(Level.SILVER)
    def test_rejects_forged_webhooks(self) -> None:
        """An address on the internet gets requests from anybody: without the vendor's signature nothing is an event."""
        webhook = self._webhook()
        if not self.signs:
            self.not_applicable("the vendor signs nothing")
        posts = self.posts() or self.not_applicable("the suite has no posts()")
        for what, request in (pair for each in posts for pair in _forged(each)):
            status, events = _outcome(webhook, request)
            assert not events, f"{what} brings an event: {events[0]}"
            assert status in REJECTIONS, f"{what} is answered with status {status}, and not 401 or 403"

    @rule(Level.GOLD)
    def test_reads_any_webhook(self) -> None:
        """Anybody can send us webhooks, so anything can come: events, an answer, or one refusal."""
        webhook = self._webhook()
        headers = st.dictionaries(st.text(max_size=10).map(str.lower), st.text(max_size=20), max_size=4)
        methods = st.sampled_from(["POST", "GET", "PUT"])
        targets = st.sampled_from(["/", "/?validationToken=x", "/?a=1&a=2&b", "/?%ff=%00"])

        @given(methods, targets, headers, mutated_frames(self.examples()) | st.just(b""))
        def law(method: str, target: str, given_headers: dict[str, str], body: bytes) -> None:
            request = WebhookRequest(method, target, URL + target, given_headers, body, AT)
            try:
                answer = _answer(webhook, request)
            except (FrameError, WebhookError):
                return
            assert all(isinstance(event, Event) for event in answer.events), f"{answer.events} are no events"
            assert isinstance(answer.response, Response), f"{answer.response!r} is not a Response"

        law()


def _answer(webhook: Webhook, request: WebhookRequest) -> WebhookAnswer:
    read = webhook.read(request)
    return read if isinstance(read, WebhookAnswer) else WebhookAnswer(read)


def _outcome(webhook: Webhook, request: WebhookRequest) -> tuple[int, tuple[Event, ...]]:
    """The status of the answer, and the events."""
    try:
        answer = _answer(webhook, request)
    except WebhookError as error:
        return error.status, ()
    except FrameError:
        return 400, ()
    return answer.response.status, answer.events


def _forged(request: WebhookRequest) -> Iterator[tuple[str, WebhookRequest]]:
    """What somebody else could make of a request, in words."""
    plain = {name: value for name, value in request.headers.items() if name in PLAIN}
    signatures = [name for name in request.headers if name not in PLAIN]
    if signatures:
        yield "a request without a signature", attrs.evolve(request, headers=plain)
    for name in signatures:
        value = request.headers[name]
        other = value[:-2] + ("A" if value[-2:-1] != "A" else "B") + value[-1:]
        yield f"a request with another {name}", attrs.evolve(request, headers={**request.headers, name: other})
    if request.body:
        changed = request.body.replace(b"a", b"b") if b"a" in request.body else request.body + b" "
        yield "a request with another body", attrs.evolve(request, body=changed)
    elif "=" in request.target:
        yield "a request with another query", attrs.evolve(request, target=request.target + "0", url=request.url + "0")
