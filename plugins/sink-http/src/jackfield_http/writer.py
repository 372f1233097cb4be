"""An open sink: each batch as requests, each request with what authenticates it, each answer with its on_error."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, urlsplit

import attrs
import trio

from jackfield.errors import DeliveryError, SecretError
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import Secret, iter_secrets, redact_url
from jackfield.plugin.sink import Batch
from jackfield_http.answers import MISDIRECTED, Failure, excerpt, is_endpoint_suspected, on_error_of
from jackfield_http.content_mode import Message, messages
from jackfield_http.exchange import TROUBLES, Client
from jackfield_http.headers import basic, fit
from jackfield_http.signing import key_of, message_id, signature_headers
from jackfield_http.troubles import explain

if TYPE_CHECKING:
    from jackfield_http import Http

__all__ = ["HTTPWriter"]


@attrs.frozen
class HTTPWriter:
    """May be written to from several tasks."""

    _options: Http
    _client: Client
    _now: Callable[[], float] = time.time
    """Wall time, which a signature says."""
    _redact: Redactor = attrs.field(default=attrs.Factory(lambda self: _redactor(self._options), takes_self=True))

    async def write(self, batch: Batch) -> None:
        """Send the batch, one request after the other, until one fails; each counts as soon as it is answered."""
        delivered = 0
        for message in messages(self._options.mode, batch.events, self._options.max_request_bytes):
            delivered += len(message.events)
            if failure := await self._attempt(message, partial(batch.delivered, delivered)):
                raise DeliveryError(
                    failure.reason,
                    delivered=delivered - len(message.events),
                    on_error=failure.on_error,
                    rejected_count=1 if len(message.events) == 1 else None,
                    endpoint_suspected=failure.endpoint_suspected,
                    retry_after=failure.retry_after,
                )

    async def _attempt(self, message: Message, acknowledged: Callable[[], None]) -> Failure | None:
        """Why a request failed; ``None`` where it did not. `acknowledged` is called as soon as the status says so."""
        options, body = self._options, message.body
        if len(body) > options.max_request_bytes:
            what = f"event {message.events[0].id!r} makes a body of {len(body)} bytes"
            return Failure(f"{what}, and max_request_bytes is {options.max_request_bytes}", "dead_letter")
        try:
            headers = self._headers(message)
        except (SecretError, ValueError) as error:
            return Failure(str(error), "pause")
        if options.gzip and body:
            headers["content-encoding"] = "gzip"
            # In a thread: a long body takes longer than other tasks should wait.
            body = await trio.to_thread.run_sync(partial(gzip.compress, body, 6, mtime=0))
        try:
            answer = await self._client.post(headers, body, acknowledged)
            if answer is not None and answer.status == MISDIRECTED:  # which may be retried: RFC 9110, 15.5.20
                answer = await self._client.post(headers, body, acknowledged)
        except TROUBLES as error:
            reason, on_error = explain(error)
            return Failure(f"{redact_url(options.url)}: {self._redacted(reason)}", on_error)
        if answer is None:
            return Failure(f"{redact_url(options.url)}: no answer within {options.timeout:g} s", "retry")
        if (verdict := on_error_of(answer.status)) is None:
            return None
        answered = self._redacted(answer.text())
        reason = f"{redact_url(options.url)} answered HTTP {answer.status}{answered and ': '}{answered}"
        note, seconds = ("", None) if (wait := answer.retry_after) is None else (wait.note, wait.seconds)
        return Failure(reason + note, verdict, seconds, is_endpoint_suspected(answer.status))

    def _headers(self, message: Message) -> dict[str, str]:
        """All headers of an attempt that begins now; `SecretError` or `ValueError` where a secret is of no use."""
        options = self._options
        headers = {"user-agent": "jackfield", "accept-encoding": "identity"}
        headers |= {name.lower(): value for name, value in options.headers.items()}
        headers |= message.headers
        if options.bearer:
            headers["authorization"] = f"Bearer {_fit('bearer', options.bearer)}"
        elif options.username is not None and options.password:
            headers["authorization"] = basic(options.username, options.password.reveal())
        elif options.auth_header and options.auth_value:
            headers[options.auth_header.lower()] = _fit("auth_value", options.auth_value)
        if keys := [
            _key(name, secret)
            for name in ("signing_secret", "previous_signing_secret")
            if (secret := getattr(options, name))
        ]:
            # Signed is what the receiver reads, not its compressed form: the libraries that verify take text.
            headers |= signature_headers(message_id(message.events), int(self._now()), message.body, keys)
        return headers

    def _redacted(self, text: str) -> str:
        return excerpt(text, self._redact)


def _redactor(options: Http) -> Redactor:
    """Hides the sink's secrets, and what its URL's query holds."""
    redact = Redactor.of(secret for _, secret in iter_secrets(options))
    query = urlsplit(options.url).query
    values = [pair.partition("=")[2] for pair in query.split("&")]
    # A shorter one is not a secret, and could be part of any word.
    found = [query, *(form for value in values for form in (value, unquote_plus(value)) if len(value) > 5)]
    redact.add(Secret("text", text) for text in dict.fromkeys(found) if text)
    return redact


def _fit(option: str, secret: Secret) -> str:
    try:
        return fit(secret.reveal())
    except ValueError as error:
        raise ValueError(f"{option}: the secret {error}") from None


def _key(option: str, secret: Secret) -> bytes:
    try:
        return key_of(secret.reveal())
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None
