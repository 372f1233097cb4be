"""Connections to servers: TCP, TLS over it where the URL says so, and a proxy between where one is configured.

Whatever goes wrong is a `ConnectionLost` with one sentence that names the server.
"""

from __future__ import annotations

import socket
from base64 import b64encode
from urllib.parse import SplitResult, urlsplit

import attrs
import h11
import trio

from jackfield._net.os_errors import explain_os_error
from jackfield._net.tls import TLSFileError, client_context
from jackfield.config import ConnectionOptions
from jackfield.errors import ConnectionLost
from jackfield.plugin.secrets import Secret, redact_url

__all__ = ["Network", "open_stream", "read_first"]

_PORTS = {"ws": 80, "http": 80, "wss": 443, "https": 443}
_OVER_TLS = frozenset({"wss", "https", "tls"})
# A connection on which nothing comes for 20 s is probed by the kernel, and is lost 15 s later where nothing answers.
_KEEP_ALIVE = (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
_PROXY_HEAD_BYTES = 16 * 2**10


@attrs.frozen
class Network:
    """How a feed goes out to the network, as its table says."""

    proxy: str | None = None
    """An ``http:`` or ``https:`` URL of a proxy that tunnels by CONNECT."""
    proxy_credentials: Secret | None = None
    """``user:password`` for the proxy."""
    client_cert: str | None = None
    """A PEM file by which we authenticate to the server, and the key in it or in `client_key`."""
    client_key: str | None = None

    @classmethod
    def of(cls, options: ConnectionOptions) -> Network:
        """What a feed's table says."""
        return cls(options.proxy, options.proxy_credentials, options.client_cert, options.client_key)


async def open_stream(url: str, ca_file: str | None = None, network: Network | None = None) -> trio.abc.Stream:
    """A connection to the server of a URL, by TLS for ``wss:``, ``https:`` and ``tls:``."""
    network = network or Network()
    parts = urlsplit(url)
    host, port = _server(parts)
    if network.proxy is None:
        stream: trio.abc.Stream = await _tcp(host, port)
    else:
        stream = await _tunnel(host, port, network.proxy, network.proxy_credentials)
    if parts.scheme not in _OVER_TLS:
        return stream
    return await _tls(stream, host, port, ca_file, network)


def _server(parts: SplitResult) -> tuple[str, int]:
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


async def _tcp(host: str, port: int) -> trio.SocketStream:
    try:
        tcp = await trio.open_tcp_stream(host, port)
    except OSError as error:
        raise ConnectionLost(f"cannot reach {host}:{port}: {explain_os_error(error)}") from None
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEP_ALIVE:
        if (option := getattr(socket, name, None)) is not None:  # not every system has them
            tcp.setsockopt(socket.IPPROTO_TCP, option, value)
    return tcp


async def _tls(
    stream: trio.abc.Stream, host: str, port: int, ca_file: str | None, network: Network
) -> trio.SSLStream[trio.abc.Stream]:
    try:
        context = client_context(ca_file, network.client_cert, network.client_key)
        tls = trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)
        await tls.do_handshake()
    except (OSError, trio.BrokenResourceError, TLSFileError) as error:
        await trio.aclose_forcefully(stream)
        raise ConnectionLost(f"no TLS with {host}:{port}: {explain_os_error(error)}") from None
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return tls


# -- through a proxy ---------------------------------------------------------------------------------


async def _tunnel(host: str, port: int, proxy: str, credentials: Secret | None) -> trio.abc.Stream:
    parts = urlsplit(proxy)
    stream: trio.abc.Stream = await _tcp(*_server(parts))
    try:
        if parts.scheme == "https":
            stream = await _tls(stream, *_server(parts), None, Network())
        return await _ask_for_tunnel(
            stream, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", proxy, credentials
        )
    except (OSError, trio.BrokenResourceError, h11.ProtocolError) as error:
        await trio.aclose_forcefully(stream)
        raise ConnectionLost(f"the proxy {redact_url(proxy)} fails: {explain_os_error(error)}") from None
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise


async def _ask_for_tunnel(
    stream: trio.abc.Stream, target: str, proxy: str, credentials: Secret | None
) -> trio.abc.Stream:
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=_PROXY_HEAD_BYTES)
    headers = [("Host", target)]
    if credentials is not None:
        headers.append(("Proxy-Authorization", f"Basic {b64encode(credentials.reveal().encode()).decode()}"))
    asked = client.send(h11.Request(method="CONNECT", target=target, headers=headers))
    await stream.send_all((asked or b"") + (client.send(h11.EndOfMessage()) or b""))
    while not isinstance(event := client.next_event(), h11.Response):
        if event is h11.NEED_DATA:
            client.receive_data(bytes(await stream.receive_some(_PROXY_HEAD_BYTES)))
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectionLost(f"the proxy {redact_url(proxy)} closed the connection instead of answering")
    if not 200 <= event.status_code < 300:
        why = ": it wants proxy_credentials" if event.status_code == 407 and credentials is None else ""
        raise ConnectionLost(
            f"the proxy {redact_url(proxy)} answered HTTP {event.status_code} for {target}{why}",
            auth_failed=event.status_code == 407,
        )
    return read_first(client.trailing_data[0], stream)


def read_first(read: bytes, stream: trio.abc.Stream) -> trio.abc.Stream:
    """The stream with these bytes, which were read already, in front; a server that speaks first may have sent some."""
    return _ReadFirst(read, stream) if read else stream


class _ReadFirst(trio.abc.Stream):
    def __init__(self, read: bytes, stream: trio.abc.Stream) -> None:
        self._read = read
        self._stream = stream

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if not self._read:
            return await self._stream.receive_some(max_bytes)
        await trio.lowlevel.checkpoint()
        most = len(self._read) if max_bytes is None else max_bytes
        read, self._read = self._read[:most], self._read[most:]
        return read

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()
