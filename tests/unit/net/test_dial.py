"""`jackfield._net.dial`: real sockets, TLS with certificates of both sides, and a proxy between."""

import ssl
from base64 import b64decode
from contextlib import asynccontextmanager
from functools import partial

import attrs
import pytest
import trio
import trustme

from jackfield._net.dial import Network, open_stream
from jackfield.config import ConnectionOptions
from jackfield.errors import ConnectionLost
from jackfield.plugin.secrets import Secret

CREDENTIALS = Secret("text", "user:s3cret")


async def hello(stream):
    """A server that speaks first, as FreeSWITCH does."""
    await stream.send_all(b"hello")
    async for data in stream:
        await stream.send_all(data.upper())


@asynccontextmanager
async def listening(handler, context=None):
    async def serve(stream):
        try:
            async with stream if context is None else trio.SSLStream(stream, context, server_side=True) as served:
                await handler(served)
        except trio.BrokenResourceError:
            pass

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


@attrs.define
class Proxy:
    """A proxy by CONNECT that answers as it is told to."""

    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    heads: list = attrs.field(factory=list)

    async def __call__(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await client.receive_some()
        self.heads.append(head.decode().split("\r\n"))
        if b" 200 " not in self.answer:
            await client.send_all(self.answer)
            return
        host, _, port = head.split()[1].decode().rpartition(":")
        server = await trio.open_tcp_stream(host, int(port))
        # The server's first words come in the same segment as the proxy's answer.
        await client.send_all(self.answer + await server.receive_some())
        async with server, trio.open_nursery() as nursery:
            nursery.start_soon(self.pump, client, server, nursery)
            await self.pump(server, client, nursery)

    async def pump(self, source, sink, nursery):
        async for data in source:
            await sink.send_all(data)
        nursery.cancel_scope.cancel()


async def conversation(stream):
    async with stream:
        got = b""
        while len(got) < 5:
            got += await stream.receive_some()
        await stream.send_all(b"abc")
        return got, await stream.receive_some()


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


@pytest.fixture
def mutual(authority):
    """A server that wants our certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_tcp_needs_no_more_than_a_url():
    async with listening(hello) as port:
        assert await conversation(await open_stream(f"tcp://127.0.0.1:{port}")) == (b"hello", b"ABC")


async def test_a_dead_peer_is_detected_by_the_kernel():
    async with listening(hello) as port, await open_stream(f"tcp://127.0.0.1:{port}") as stream:
        assert stream.getsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_KEEPALIVE) == 1


async def test_the_client_certificate_is_presented(mutual, authority, ca_file, tmp_path):
    ours = authority.issue_cert("jackfield")
    ours.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    ours.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    network = Network.of(
        ConnectionOptions(client_cert=str(tmp_path / "cert.pem"), client_key=str(tmp_path / "key.pem"))
    )
    async with listening(hello, mutual) as port:
        stream = await open_stream(f"tls://localhost:{port}", ca_file, network)
        assert await conversation(stream) == (b"hello", b"ABC")


async def test_a_client_certificate_that_is_not_there_is_named(mutual, ca_file):
    async with listening(hello, mutual) as port:
        with pytest.raises(ConnectionLost, match=r"no TLS with localhost:\d+: /none.pem cannot be read"):
            await open_stream(f"tls://localhost:{port}", ca_file, Network(client_cert="/none.pem"))


@pytest.mark.parametrize("credentials", [None, CREDENTIALS])
async def test_a_proxy_is_asked_for_a_tunnel(credentials):
    proxy = Proxy()
    async with listening(hello) as port, listening(proxy) as proxy_port:
        network = Network(f"http://127.0.0.1:{proxy_port}", credentials)
        assert await conversation(await open_stream(f"tcp://127.0.0.1:{port}", network=network)) == (b"hello", b"ABC")
        [head] = proxy.heads
        assert head[0] == f"CONNECT 127.0.0.1:{port} HTTP/1.1"
        auth = [line.split()[-1] for line in head if line.lower().startswith("proxy-authorization: basic")]
        assert [b64decode(each) for each in auth] == ([b"user:s3cret"] if credentials else [])


async def test_tls_goes_through_the_tunnel_to_the_server(mutual, authority, ca_file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    async def tunnel(client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await client.receive_some()
        await client.send_all(b"HTTP/1.1 200 OK\r\n\r\n")
        await hello(trio.SSLStream(client, context, server_side=True))

    async with listening(tunnel) as proxy_port:
        network = Network(f"http://127.0.0.1:{proxy_port}")
        stream = await open_stream("wss://localhost:444", ca_file, network)
        assert await conversation(stream) == (b"hello", b"ABC")


@pytest.mark.parametrize(
    ("answer", "auth_failed", "reason"),
    [
        (b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", True, "answered HTTP 407 for .*: it wants proxy_credentials"),
        (b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", False, r"answered HTTP 502 for vendor.example:5060"),
        (b"SSH-2.0\r\n\r\n", False, "fails: "),
        (b"", False, "fails: "),
    ],
)
async def test_a_proxy_that_refuses_is_named(answer, auth_failed, reason):
    async with listening(Proxy(answer)) as proxy_port:
        with pytest.raises(ConnectionLost, match=rf"the proxy http://127\.0\.0\.1:{proxy_port} {reason}") as caught:
            await open_stream("tcp://vendor.example:5060", network=Network(f"http://127.0.0.1:{proxy_port}"))
        assert caught.value.auth_failed is auth_failed


async def test_a_proxy_that_cannot_be_reached_is_named():
    with pytest.raises(ConnectionLost, match=r"cannot reach 127\.0\.0\.1:1: Connection refused"):
        await open_stream("tcp://vendor.example:5060", network=Network("http://127.0.0.1:1"))
