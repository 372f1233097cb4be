"""Bodies as requests to one URL, each with what authenticates it, and each answer with its on_error."""

from __future__ import annotations

import gzip
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import unquote_plus, urlsplit

import attrs
import httpcore2
import trio

from jackfield.errors import DeliveryError, SecretError
from jackfield.plugin.posting._answers import MISDIRECTED, Failure, excerpt, is_endpoint_suspected, on_error_of
from jackfield.plugin.posting._exchange import TROUBLES, Client
from jackfield.plugin.posting._headers import basic, fit
from jackfield.plugin.posting._networks import CheckedBackend, Networks
from jackfield.plugin.posting._options import PostOptions
from jackfield.plugin.posting._signing import key_of, signature_headers
from jackfield.plugin.posting._tls import client_context
from jackfield.plugin.posting._troubles import explain
from jackfield.plugin.posting._urls import port_of
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import Secret, iter_secrets, redact_url

__all__ = ["HTTPPoster", "open_pool"]

# Less than the 5 s after which Node and uvicorn close a connection without traffic: one that is being
# closed just as it is used fails a request for nothing.
IDLE_SECONDS = 4.0


@asynccontextmanager
async def open_pool(options: PostOptions, url: str) -> AsyncGenerator[HTTPPoster, None]:
    """A pool of connections to one URL; `DeliveryError` where TLS cannot be set up."""
    try:
        context = client_context(options.ca_file, options.client_cert, options.client_key, options.client_key_password)
    except (SecretError, ValueError) as error:
        raise DeliveryError(str(error), on_error="pause") from None
    parts = urlsplit(url)
    async with httpcore2.AsyncConnectionPool(
        ssl_context=context,
        max_connections=options.connections,
        max_keepalive_connections=options.connections,
        keepalive_expiry=IDLE_SECONDS,
        network_backend=CheckedBackend(Networks(parts.hostname or "", port_of(parts), options.allow_private)),
    ) as pool:
        yield HTTPPoster(options, url, Client(options, url, pool, trio.CapacityLimiter(options.connections)))


@attrs.frozen
class HTTPPoster:
    """Posts to one URL, from any number of tasks."""

    _options: PostOptions
    _url: str
    _client: Client
    _now: Callable[[], float] = time.time
    """Wall time, which a signature says."""
    _redact: Redactor = attrs.field(
        default=attrs.Factory(lambda self: _redactor(self._options, self._url), takes_self=True)
    )

    async def post(
        self,
        headers: Mapping[str, str],
        body: bytes,
        identity: Callable[[], str],
        acknowledged: Callable[[], None] = lambda: None,
    ) -> Failure | None:
        """Why a request failed, as `Poster` has it."""
        options = self._options
        try:
            headers = self._headers(headers, body, identity)
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
            return Failure(f"{redact_url(self._url)}: {self._redacted(reason)}", on_error)
        if answer is None:
            return Failure(f"{redact_url(self._url)}: no answer within {options.timeout:g} s", "retry")
        if (verdict := on_error_of(answer.status)) is None:
            return None
        answered = self._redacted(answer.text())
        reason = f"{redact_url(self._url)} answered HTTP {answer.status}{answered and ': '}{answered}"
        note, seconds = ("", None) if (wait := answer.retry_after) is None else (wait.note, wait.seconds)
        return Failure(reason + note, verdict, seconds, is_endpoint_suspected(answer.status))

    def _headers(self, given: Mapping[str, str], body: bytes, identity: Callable[[], str]) -> dict[str, str]:
        """All headers of an attempt that begins now; `SecretError` or `ValueError` where a secret is of no use."""
        options = self._options
        headers = {"user-agent": "jackfield", "accept-encoding": "identity"}
        headers |= {name.lower(): value for name, value in options.headers.items()}
        headers |= given
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
            headers |= signature_headers(identity(), int(self._now()), body, keys)
        return headers

    def _redacted(self, text: str) -> str:
        return excerpt(text, self._redact)


def _redactor(options: PostOptions, url: str) -> Redactor:
    """Hides the sink's secrets, and what its URL's query holds."""
    redact = Redactor.of(secret for _, secret in iter_secrets(options))
    query = urlsplit(url).query
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
