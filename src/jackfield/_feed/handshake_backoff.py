"""How long to wait after a handshake that the vendor has refused."""

from __future__ import annotations

from jackfield._loading.guard import provider_code
from jackfield.errors import ConnectionLost, HandshakeRefused, JackfieldError
from jackfield.plugin.provider import Provider, SupportsHandshakeBackoff

__all__ = ["with_handshake_backoff"]


def with_handshake_backoff(refused: HandshakeRefused, provider: Provider) -> ConnectionLost:
    """Use the longer of the vendor's Retry-After and what the provider knows of its vendor."""
    if isinstance(provider, SupportsHandshakeBackoff):
        try:
            with provider_code():
                seconds = provider.retry_after(refused.status)
        except JackfieldError as error:
            return ConnectionLost(str(error))
        refused.retry_after = max(seconds, refused.retry_after or 0.0)
    return refused
