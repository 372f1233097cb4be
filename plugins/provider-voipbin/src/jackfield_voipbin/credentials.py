"""Tokens and access keys: which one a text is, whose it is, what it may subscribe to, and how to get one.

A token is a JWT whose claims anybody can read; the platform alone can check its signature. An access key,
``vb_…``, says nothing. VoIPBIN accepts each under a name of its own and rejects it under the other's. What a
credential may not subscribe to is known here, and never asked for: the platform answers it by cutting the connection.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import attrs
import msgspec

from jackfield.errors import RestError
from jackfield.plugin.http import HTTPFlow, Request
from jackfield_voipbin.times import parse_time

__all__ = ["ADMIN", "MANAGER", "SUPER", "Credential", "Kind", "login", "read_credential"]

Kind = Literal["token", "accesskey"]

_JWT = re.compile(r"[A-Za-z0-9_-]+={0,2}(\.[A-Za-z0-9_-]+={0,2}){2}")
SUPER, ADMIN, MANAGER = 0x1, 0x20, 0x40


@attrs.frozen
class Credential:
    """What one shows to VoIPBIN, and what its own claims say of it; empty where they say nothing."""

    kind: Kind
    text: str = attrs.field(repr=False)
    identity: str = ""
    """Whose it is: an ``agent``'s, a ``direct`` link's, or a ``delegate``'s."""
    customer_id: str = ""
    agent_id: str = ""
    permission: int | None = None
    """The agent's roles as bits; ``None`` where they are not known."""
    resources: tuple[str, ...] = ()
    """What a direct token is limited to."""
    expires: datetime | None = None

    def check(self, customer_id: str, now: datetime) -> None:
        """`RestError` where it is of no use for this customer's websocket (empty for whichever it is)."""
        if self.expires is not None and self.expires <= now:
            problem = f"the token expired at {self.expires.isoformat()}: put a new one in its place"
        elif self.identity == "delegate":
            problem = "a delegate's token opens no websocket: use an agent's token or an access key"
        elif self.customer_id and customer_id not in ("", self.customer_id) and not self._is_super:
            problem = f"the token is that of customer {self.customer_id}, and customer_id says {customer_id}"
        else:
            return
        raise RestError(problem, auth_failed=True)

    def refusal(self, topic: str) -> str:
        """Why the platform would not let us subscribe to a topic; empty where it would, or where that is not known."""
        scope, scope_id, *rest = topic.split(":")
        if self._is_super:
            return ""
        if scope == "agent_id":
            return self._refusal_of_agents(scope_id)
        if self.customer_id and scope_id != self.customer_id:
            return f"the token is that of customer {self.customer_id}, not of {scope_id}"
        if self.identity == "direct" and (len(rest) != 2 or rest[0] not in self.resources):
            return f"the direct token is limited to one resource's topics of: {', '.join(self.resources) or 'nothing'}"
        if self.identity == "agent" and self.permission is not None and not self.permission & (ADMIN | MANAGER):
            return (
                "the token is a plain agent's: topics of the whole customer need the role customer admin or manager"
                f" (permission 0x20 or 0x40, and this is {self.permission:#x});"
                f" the agent's own are voipbin/agent/{self.agent_id}/**"
            )
        return ""

    def _refusal_of_agents(self, agent_id: str) -> str:
        if self.kind == "accesskey":
            return (
                "an access key is not an agent's, and the platform cuts the connection at an agent's topic:"
                " use the agent's own token, or select events of the customer"
            )
        if self.identity == "direct":
            return "a direct token is not an agent's"
        if self.agent_id and agent_id != self.agent_id:
            return f"the token is that of agent {self.agent_id}, and topics of others are closed to it"
        return ""

    @property
    def _is_super(self) -> bool:
        return self.permission is not None and bool(self.permission & SUPER)


def read_credential(text: str, kind: Literal["auto", "token", "accesskey"] = "auto") -> Credential:
    """What a text is by its shape, unless `kind` says it, and what it says of itself.

    A text of neither shape is taken as a token, as which the documentation has access keys too.
    """
    if kind == "accesskey" or (kind == "auto" and text.startswith("vb_") and not _JWT.fullmatch(text)):
        return Credential("accesskey", text)
    claims = _claims(text)
    agent, direct = _table(claims.get("agent")), _table(claims.get("direct"))
    identity = claims.get("type") or ("agent" if agent else "")
    if claims.get("aud") == "voipbin-api" or "delegate" in claims:
        identity = "delegate"
    whose, permission = direct if identity == "direct" else agent, agent.get("permission")
    resources = direct.get("allowed_resource_types")
    return Credential(
        "token",
        text,
        identity if isinstance(identity, str) else "",
        _text(whose.get("customer_id")),
        _text(agent.get("id")),
        permission if type(permission) is int else None,
        tuple(map(str, resources)) if isinstance(resources, list) else (),
        parse_time(claims.get("expire")),
    )


def _claims(token: str) -> Mapping[str, Any]:
    """A JWT's claims; none where it is not a JWT."""
    if not _JWT.fullmatch(token):
        return {}
    part = token.split(".")[1].rstrip("=")
    try:
        return _table(msgspec.json.decode(urlsafe_b64decode(part + "=" * (-len(part) % 4))))
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def login(base: str, username: str, password: str, ca_file: str | None = None) -> HTTPFlow[str]:
    """A fresh token for a user name and password; `RestError` where there is none."""
    body = msgspec.json.encode({"username": username, "password": password})
    request = Request("POST", f"{base}/auth/login", (("Content-Type", "application/json"),), body, ca_file)
    answer = yield request
    if answer.status in (400, 401, 403):  # the platform says 400, with nothing further, to a wrong password
        problem = f"VoIPBIN rejected the user name {username!r} or its password (HTTP {answer.status})"
        raise RestError(problem, status=answer.status, auth_failed=True)
    if answer.status != 200:
        raise RestError(f"{request}: HTTP {answer.status}", status=answer.status, retry_after=answer.retry_after)
    token = _text(_table(answer.json()).get("token"))
    if not token:
        raise RestError(f"{request}: the answer holds no token", status=answer.status)
    return token
