"""The simulated platform's tokens: JWTs whose claims can be read, and whose signature says nothing."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import msgspec

__all__ = ["make_token"]


def make_token(
    customer_id: str,
    *,
    permission: int = 0x20,
    agent_id: str = "",
    expire: str = "9998-01-01T00:00:00.000000Z",
    kind: str = "agent",
) -> str:
    """A token of an agent of this customer, or of another `kind`, such as ``delegate``."""
    agent = {"id": agent_id, "customer_id": customer_id, "permission": permission}
    claims: dict[str, Any] = {"type": kind, "agent": agent, "expire": expire}
    parts = (b'{"alg":"HS256","typ":"JWT"}', msgspec.json.encode(claims), b"simulated signature")
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
