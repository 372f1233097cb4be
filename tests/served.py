"""What tests of the served API share: events, a server on a real socket, and clients that read it."""

import hashlib
import json
import socket as sockets
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote

import attrs
import trio
import trio.testing
from trio_websocket import open_websocket_url

import jackfield
from jackfield._net.http_server import HTTPServer, Limits, listen, whole
from jackfield._serve.api import open_api
from jackfield._serve.grants import Grant
from jackfield._serve.server import open_serving
from jackfield.addresses import Address
from jackfield.config import GatewayConfig, GatewayOptions, ServeOptions, TokenOptions
from jackfield.events import Event, Parties
from jackfield.plugin.http import Response
from jackfield.selectors import Selector

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def event(id, kind="contact.queued", provider="acme", feed="office", account="A", **more):
    entity = kind.partition(".")[0]
    address = Address(provider, "account", account, entity, str(id), kind.partition(".")[2])
    return Event(f"{kind}-{id}", kind, address, NOON, NOON, feed, str(id), **{"data": {"n": id}, **more})


PEOPLE = Parties(caller="+4930123", caller_name="Jo Doe", agent_id="7", agent_name="Ann")


def config(journal="memory", **gateway):
    return GatewayConfig((), gateway=GatewayOptions(journal=str(journal), **gateway))


@asynccontextmanager
async def api_of(options=None, grant=None, linger=300.0, plugins=()):
    """A gateway without feeds, its API on a socket; gateway, API and URL."""
    opening = jackfield.open_gateway(options or config(), plugins=plugins)
    async with opening as gateway, open_api(gateway, linger=linger) as api:

        async def respond(request):
            return await api.respond(request, grant or Grant()) or Response(404)

        listeners, url = await listen("127.0.0.1", 0)
        async with trio.open_nursery() as nursery:
            await nursery.start(partial(HTTPServer(whole(respond), Limits(connections=500)).run, listeners))
            yield gateway, api, url
            nursery.cancel_scope.cancel()
    for each in listeners:
        await each.aclose()


def free_address():
    """One on which nothing listens, for a server that is started again there."""
    with sockets.create_server(("127.0.0.1", 0)) as found:
        return f"127.0.0.1:{found.getsockname()[1]}"


def events_path(*select, **query):
    pairs = [("select", each) for each in select] + list(query.items())
    return "/v1/events?" + "&".join(f"{name}={quote(str(value), safe='')}" for name, value in pairs)


async def get(url, path, *, method="GET", **headers):
    """Status, headers and body of one request."""
    stream = await open_stream(url)
    try:
        await ask(stream, path, method, {"Connection": "close", **headers})
        came = b""
        with trio.fail_after(10):
            while data := await stream.receive_some():
                came += data
    finally:
        await trio.aclose_forcefully(stream)
    head, _, body = came.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    return int(first.split()[1]), {k.lower(): v for k, v in (line.split(": ", 1) for line in rest)}, body


async def get_json(url, path, **headers):
    status, _, body = await get(url, path, **headers)
    assert status == 200, body
    return json.loads(body)


async def open_stream(url):
    return await trio.open_tcp_stream("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))


async def ask(stream, path, method="GET", headers=None):
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in {"Host": "127.0.0.1", **(headers or {})}.items())]
    await stream.send_all("\r\n".join([*lines, "", ""]).encode())


@attrs.define
class Message:
    """One server-sent event."""

    id: str = ""
    event: str = ""
    data: str = ""

    @property
    def json(self):
        return json.loads(self.data)


@attrs.define
class Reader:
    """A stream of server-sent events, read as the HTML standard says."""

    stream: trio.SocketStream
    head: bytes = b""
    rest: bytes = b""
    last_id: str = ""
    comments: int = 0

    async def next(self):
        """The next message that a page would see."""
        while True:
            with trio.fail_after(10):
                block = await self._block()
            message = Message()
            for line in block.decode().split("\n"):
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if line.startswith(":"):
                    self.comments += 1
                elif name == "id":
                    self.last_id = value
                elif name in ("event", "data"):
                    setattr(message, name, value)
            message.id = self.last_id
            if message.data:
                return message

    async def take(self, count):
        return [await self.next() for _ in range(count)]

    async def _block(self):
        while b"\n\n" not in self.rest:
            await self.more()
        block, _, self.rest = self.rest.partition(b"\n\n")
        return block

    async def more(self):
        """Read one chunk at least."""
        data = b""
        while True:
            size, found, rest = data.partition(b"\r\n")
            if found and len(rest) >= (length := int(size, 16)) + 2:
                self.rest += rest[:length]
                data = rest[length + 2 :]
                if not data:
                    return
                continue
            came = await self.stream.receive_some()
            if not came:
                raise EOFError
            data += came


@asynccontextmanager
async def reading(url, path, **headers):
    """A stream that is open; its head was read."""
    stream = await open_stream(url)
    try:
        await ask(stream, path, headers=headers)
        came = b""
        with trio.fail_after(10):
            while b"\r\n\r\n" not in came:
                came += await stream.receive_some(1)
        reader = Reader(stream, came)
        yield reader
    finally:
        await trio.aclose_forcefully(stream)


TOKEN = "correct-horse-battery-staple-0123456789"
HASH = f"sha256:{hashlib.sha256(TOKEN.encode()).hexdigest()}"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def options(**more):
    return ServeOptions(listen="127.0.0.1:0", **{"open": not more.get("tokens"), **more})


def limited(*select, **more):
    return {"wall": TokenOptions(HASH, tuple(map(Selector.parse, select)), **more)}


@asynccontextmanager
async def serving(serve=None, journal="memory"):
    config = GatewayConfig((), gateway=GatewayOptions(journal=str(journal)), serve=serve or options())
    async with open_serving(config) as place, jackfield.open_gateway(config) as gateway, place.of(gateway):
        yield gateway, place.url


async def post_json(url, path, document, method="POST", **headers):
    """Status and answer of one request with a body."""
    body = b"" if document is None else json.dumps(document).encode()
    stream = await open_stream(url)
    try:
        await ask(stream, path, method, {"Connection": "close", "Content-Length": len(body), **headers})
        await stream.send_all(body)
        came = b""
        with trio.fail_after(10):
            while data := await stream.receive_some():
                came += data
    finally:
        await trio.aclose_forcefully(stream)
    head, _, answered = came.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(answered) if answered else None


@asynccontextmanager
async def socket(url, path="/v1/events", protocol=None, headers=()):
    protocols = [protocol] if protocol else None
    with trio.fail_after(20):
        async with open_websocket_url(
            url.replace("http", "ws") + path, subprotocols=protocols, extra_headers=[*headers]
        ) as opened:
            await trio.testing.wait_all_tasks_blocked()
            yield opened
        await opened._stream.aclose()  # which trio-websocket leaves open where the server ends the connection


async def say(opened, **message):
    await opened.send_message(json.dumps(message))


async def hear(opened, *wanted):
    """The next message, or the next of these types."""
    while True:
        message = json.loads(await opened.get_message())
        if not wanted or message["type"] in wanted:
            return message
