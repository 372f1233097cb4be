"""Logging in by REST: a user's credentials or an API key for a token that lives about an hour.

The server checks the token once for each connection, so a fresh one is requested before every connection, and no clock
is needed here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Literal

import attrs
import msgspec

from jackfield.errors import RestError
from jackfield.plugin.http import HTTPFlow, Request
from jackfield.plugin.secrets import Secret
from jackfield_vinix.rest import checked, payload

__all__ = ["Granted", "Hash", "Login", "by_api_key", "by_user", "hash_of"]

Hash = Literal["md5", "sha"]
"""How a user's name and password travel; which of them an account accepts is its own setting."""


@attrs.frozen
class Granted:
    """What a login gives."""

    token: str = attrs.field(repr=False)
    account_id: str
    """Whose it is; empty where the server does not say."""


@attrs.frozen
class Login:
    """One way to log in; the secrets are read anew each time."""

    base: str
    resource: Literal["user_auth", "api_auth"]
    data: Callable[[], dict[str, str]] = attrs.field(repr=False)
    ca_file: str | None = None

    def __call__(self) -> HTTPFlow[Granted]:
        """Log in; `RestError`, with `auth_failed` where the credentials are refused."""
        data = self.data()
        request = Request(
            "PUT",
            f"{self.base.rstrip('/')}/{self.resource}",
            (("Content-Type", "application/json"), ("Accept", "application/json")),
            msgspec.json.encode({"data": data}),
            ca_file=self.ca_file,
        )
        answer = checked(request, (yield request), data.get("credentials", ""), data.get("api_key", ""), login=True)
        granted = payload(answer)
        token = _text(answer, "auth_token") or _text(granted, "auth_token")
        if not token:
            raise RestError(f"{request}: the answer holds no auth_token")
        return Granted(token, _text(granted, "account_id"))


def by_api_key(base: str, api_key: Secret, ca_file: str | None = None) -> Login:
    """A login by an account's API key."""
    return Login(base, "api_auth", lambda: {"api_key": api_key.reveal()}, ca_file)


def by_user(
    base: str, username: str, password: Secret, account: dict[str, str], method: Hash, ca_file: str | None = None
) -> Login:
    """A login by a user of an account, which is given as ``account_name`` or as ``account_realm``."""

    def data() -> dict[str, str]:
        return {"credentials": hash_of(username, password.reveal(), method), "method": method} | account

    return Login(base, "user_auth", data, ca_file)


def hash_of(username: str, password: str, method: Hash) -> str:
    """KAZOO's hash of a user's name, whose case does not count, and password."""
    text = f"{username.lower()}:{password}".encode()
    # Neither protects anything: it is what the server wants to see, and as good as the password.
    algorithm = hashlib.md5 if method == "md5" else hashlib.sha1
    return algorithm(text, usedforsecurity=False).hexdigest()


def _text(fields: Any, name: str) -> str:
    value = fields.get(name) if isinstance(fields, dict) else None
    return value if isinstance(value, str) else ""
