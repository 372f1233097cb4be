"""Dialling one server for ``jackfield doctor``: its name, TCP, TLS and certificate, before anything is said to it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from urllib.parse import urlsplit

import attrs
import trio

from jackfield._cli.observed import Host
from jackfield._net.dial import Network, open_stream
from jackfield._net.os_errors import explain_os_error
from jackfield._net.tls import TLSFileError, client_context
from jackfield.errors import ConnectionLost
from jackfield.plugin.secrets import redact_url

__all__ = ["DIAL_SECONDS", "dial"]

DIAL_SECONDS = 10.0
_PORTS = {"ws": 80, "http": 80, "wss": 443, "https": 443}
_OVER_TLS = frozenset({"wss", "https", "tls"})
_VERDICTS = {10: "expired", 18: "untrusted", 19: "untrusted", 20: "untrusted", 62: "name", 64: "name"}
"""OpenSSL's numbers of what is wrong with a certificate."""


async def dial(url: str, purpose: str, ca_file: str | None, network: Network) -> Host:
    """Resolve, connect, agree on TLS, and hang up."""
    parts = urlsplit(url)
    name, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    host = Host(f"[{name}]:{port}" if ":" in name else f"{name}:{port}", purpose, parts.scheme in _OVER_TLS)
    if network.proxy is not None:
        host = attrs.evolve(host, proxy=redact_url(network.proxy))
    else:
        try:
            found = await trio.socket.getaddrinfo(name, port, type=trio.socket.SOCK_STREAM)
        except OSError as error:
            return attrs.evolve(host, resolution=explain_os_error(error))
        host = attrs.evolve(host, addresses=tuple(dict.fromkeys(str(each[4][0]) for each in found)))
    began = trio.current_time()
    try:
        with trio.fail_after(DIAL_SECONDS):
            stream = await open_stream(f"tcp://{host.name}", network=network)
    except (ConnectionLost, trio.TooSlowError) as error:
        slow = f"{host.name} does not answer within {DIAL_SECONDS:g} s"
        return attrs.evolve(host, unreachable=slow if isinstance(error, trio.TooSlowError) else str(error))
    host = attrs.evolve(host, connect_seconds=trio.current_time() - began)
    try:
        return await _agree(host, name, stream, ca_file, network) if host.by_tls else host
    finally:
        await trio.aclose_forcefully(stream)


async def _agree(host: Host, name: str, stream: trio.abc.Stream, ca_file: str | None, network: Network) -> Host:
    """Agree on TLS; what is wrong with the certificate, where something is."""
    problem = f"no TLS with {host.name}: "
    try:
        context = client_context(ca_file, network.client_cert, network.client_key)
        tls = trio.SSLStream(stream, context, server_hostname=name, https_compatible=True)
        with trio.fail_after(DIAL_SECONDS):
            await tls.do_handshake()
    except trio.TooSlowError:
        return attrs.evolve(host, tls_problem=f"{problem}it does not answer")
    except (OSError, trio.BrokenResourceError, TLSFileError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, ssl.SSLError) else error
        verdict = _VERDICTS.get(getattr(cause, "verify_code", 0), "")
        return attrs.evolve(host, tls_problem=problem + explain_os_error(error), tls_verdict=verdict)
    ends = (tls.getpeercert() or {}).get("notAfter")
    expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if isinstance(ends, str) else None
    return attrs.evolve(host, tls=tls.version() or "TLS", expires=expires)
