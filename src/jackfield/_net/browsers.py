"""Protection of servers on this machine from pages of other sites in a browser on this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

from jackfield.plugin.options import is_loopback

__all__ = ["is_own_host", "is_own_origin"]


def is_own_host(header: str, listening: str) -> bool:
    """Whether a request's Host header names a server that listens on this host.

    On loopback this refuses DNS rebinding: a foreign page whose name resolves to this address sends another Host.
    """
    name = header.rpartition(":")[0] if not header.endswith("]") and ":" in header else header
    own = {"localhost", "127.0.0.1", "[::1]", listening.lower(), f"[{listening.lower()}]"}
    return not is_loopback(listening) or name.lower() in own


def is_own_origin(origin: str, host_header: str) -> bool:
    """Whether a request's Origin header, empty if it has none, is of this machine or of the server's own pages.

    Browsers always send one with a websocket handshake and with what changes something; other clients send none.
    """
    if not origin:
        return True
    try:
        parts = urlsplit(origin)
        return parts.netloc.lower() == host_header.lower() != "" or is_loopback(parts.hostname or "")
    except ValueError:
        return False
