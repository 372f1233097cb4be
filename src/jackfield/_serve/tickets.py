"""Signed tickets: what a browser's ``EventSource`` shows in its URL, since it cannot send a header.

A ticket names a token, and is valid for a while, for reconnections and after a restart of the gateway too; with its
token changed or gone from the configuration it is not. The key that signs is kept beside the journal.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path

import attrs
import msgspec

from jackfield.config import TokenOptions
from jackfield.errors import ConfigError, ConfigProblem

__all__ = ["Tickets", "ticket_key"]

KEY_FILE = "tickets.key"
KEY_BYTES = 32


class _Ticket(msgspec.Struct, array_like=True):
    name: str
    until: float
    token: str
    """The beginning of the hash of the token's hash."""


@attrs.frozen
class Tickets:
    """Makes tickets for tokens, and reads them."""

    _key: bytes = attrs.field(repr=False)
    seconds: float

    def make(self, name: str, token: TokenOptions, now: float) -> tuple[str, float]:
        """A ticket for a token, and until when it is valid, in seconds since 1970."""
        until = now + self.seconds
        body = msgspec.json.encode(_Ticket(name, until, _mark(token)))
        return f"{_text(body)}.{_text(self._sign(body))}", until

    def read(self, ticket: str, tokens: Mapping[str, TokenOptions], now: float) -> str:
        """The name of the token that a ticket is for; `ValueError` says why it is not valid."""
        try:
            body, signature = (urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in ticket.split("."))
            if not hmac.compare_digest(signature, self._sign(body)):
                raise ValueError
            read = msgspec.json.decode(body, type=_Ticket)
        except (ValueError, msgspec.MsgspecError):
            raise ValueError("the ticket is not one of this server's") from None
        if read.until < now:
            raise ValueError("the ticket has expired; get a new one by POST /v1/tickets")
        if read.name not in tokens or _mark(tokens[read.name]) != read.token:
            raise ValueError("the ticket's token is not valid any more")
        return read.name

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")


def _mark(token: TokenOptions) -> str:
    return hashlib.sha256(token.hash.encode()).hexdigest()[:16]


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def ticket_key(journal: str) -> bytes:
    """The key of a gateway with this journal, made at the first start; of a journal in memory another each time."""
    if journal == "memory":
        return secrets.token_bytes(KEY_BYTES)
    path = Path(journal) / KEY_FILE
    try:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            key = path.read_bytes()
        else:
            key = secrets.token_bytes(KEY_BYTES)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
    except OSError as error:
        raise ConfigError([ConfigProblem("serve", f"{path}: {error.strerror}; the key for tickets is there")]) from None
    if len(key) != KEY_BYTES:
        problem = f"{path} does not hold {KEY_BYTES} bytes; delete it, and a new one is made: tickets end with it"
        raise ConfigError([ConfigProblem("serve", problem)])
    return key
