"""Websockets at ``/v1/events``: one CloudEvent a message, or several subscriptions with messages of our own.

* ``cloudevents.json``, or no sub-protocol: the subscription is in the URL, and each message is one CloudEvent.
* ``jackfield.v1``: small JSON messages subscribe, unsubscribe and resume; see `jackfield._serve.conversation`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress

import attrs
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from jackfield._net.http_connection import HTTPConnection
from jackfield._serve.api import API
from jackfield._serve.asking import EventsAsked, Refused, Target
from jackfield._serve.conversation import Conversation
from jackfield._serve.describing import EVENTS
from jackfield._serve.durable import TAKEN_OVER, Beginning
from jackfield._serve.grants import Grant
from jackfield._serve.subscription import Subscription
from jackfield.plugin.http import Request as HTTPRequest
from jackfield.selectors import Selector

__all__ = ["serve_websocket"]

VERSION = "13"
CLOUDEVENTS, OWN = "cloudevents.json", "jackfield.v1"
MOST_MESSAGE = 64_000
PING_SECONDS, SEND_SECONDS = 20.0, 30.0
READ_BYTES = 64 * 2**10
SEND_BYTES = 64_000
NORMAL, GOING_AWAY, PROTOCOL, UNSUPPORTED, TOO_BIG = 1000, 1001, 1002, 1003, 1009
TAKEN_OVER_CODE = 4009


@attrs.define(eq=False)
class Socket:
    """A websocket on a connection: whole text messages in and out."""

    _stream: trio.abc.Stream
    _protocol: WSConnection = attrs.field(factory=lambda: WSConnection(ConnectionType.SERVER))
    _sending: trio.Lock = attrs.field(factory=trio.Lock)
    _heard: float = attrs.field(factory=trio.current_time)

    async def accept(self, unread: bytes, subprotocol: str | None) -> None:
        """Complete the handshake; `Refused` where it is not one."""
        try:
            self._protocol.receive_data(unread)
            asked = next(iter(self._protocol.events()), None)
        except ProtocolError as error:
            raise Refused(400, f"not a websocket handshake: {error}") from None
        if not isinstance(asked, Request):
            raise Refused(400, "not a websocket handshake")
        await self.send([AcceptConnection(subprotocol=subprotocol)])

    async def send(self, events: list[Event]) -> None:
        """Send; `trio.BrokenResourceError` for a client that takes nothing."""
        async with self._sending:
            await self._send(events)

    async def send_texts(self, texts: list[bytes]) -> None:
        """Send messages, a large one in fragments, since a client has its time for each piece."""
        async with self._sending:
            for part in parts(texts):
                *small, last = (each.decode() for each in part)
                ends = range(SEND_BYTES, len(last), SEND_BYTES)
                begun: list[Event] = [TextMessage(data=each) for each in small]
                for end in ends:
                    await self._send([*begun, TextMessage(data=last[end - SEND_BYTES : end], message_finished=False)])
                    begun = []
                await self._send([*begun, TextMessage(data=last[ends[-1] if ends else 0 :])])

    async def _send(self, events: list[Event]) -> None:
        data = b"".join(self._protocol.send(each) for each in events)
        with trio.move_on_after(SEND_SECONDS) as scope:
            await self._stream.send_all(data)
        if scope.cancelled_caught:
            raise trio.BrokenResourceError

    async def close(self, code: int, reason: str = "") -> None:
        """Say why it ends, to a client that still listens."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError, ProtocolError):
            with trio.move_on_after(1):
                await self.send([CloseConnection(code=code, reason=reason)])
                # What is unread when a socket is closed makes the client's system throw away our reason.
                while self._protocol.state is not ConnectionState.CLOSED:
                    if not (data := await self._stream.receive_some(READ_BYTES)):
                        return
                    self._protocol.receive_data(bytes(data))
                    for _ in self._protocol.events():
                        pass

    async def messages(self) -> AsyncIterator[str]:
        """The client's messages until it ends."""
        text = ""
        while True:
            with suppress(ProtocolError):
                for event in self._protocol.events():
                    match event:
                        case TextMessage():
                            text += event.data
                            if len(text) > MOST_MESSAGE:
                                await self.close(TOO_BIG, f"a message has at most {MOST_MESSAGE} characters")
                                return
                            if event.message_finished:
                                yield text
                                text = ""
                        case BytesMessage():
                            await self.close(UNSUPPORTED, "messages are text")
                            return
                        case Ping():
                            await self.send([event.response()])
                        case Pong():
                            pass
                        case CloseConnection():
                            with suppress(ProtocolError):
                                await self.send([event.response()])
                            return
            data = await self._stream.receive_some(READ_BYTES)
            if not data:
                return
            self._heard = trio.current_time()
            try:
                self._protocol.receive_data(bytes(data))
            except ProtocolError as error:
                await self.close(PROTOCOL, str(error)[:100])
                return

    async def keep_alive(self) -> None:
        """Ping; ends for a client that has not answered for two pings."""
        while trio.current_time() < self._heard + 2.5 * PING_SECONDS:
            await trio.sleep(PING_SECONDS)
            await self.send([Ping()])


async def serve_websocket(
    api: API, grant: Grant, request: HTTPRequest, target: Target, connection: HTTPConnection
) -> None:
    """Serve one; `Refused` before it is accepted."""
    if (version := request.header("sec-websocket-version").strip()) != VERSION:
        said = f"websockets of version {version[:20]!r} are not spoken here, but {VERSION}"
        raise Refused(426, said, {"sec-websocket-version": VERSION, "upgrade": "websocket"})
    offered = [each.strip() for each in request.header("sec-websocket-protocol").split(",") if each.strip()]
    chosen = next((each for each in offered if each in (CLOUDEVENTS, OWN)), None)
    if offered and chosen is None:
        raise Refused(400, f"none of the sub-protocols is known; there are {CLOUDEVENTS} and {OWN}")
    target.check(("ticket",) if chosen == OWN else EVENTS)
    asked = None if chosen == OWN else EventsAsked.of(request, target, grant, api.positions)
    if asked is not None and asked.check:
        raise Refused(400, "check: is for requests without a stream; leave out the handshake")
    if asked is not None and asked.state:
        raise Refused(400, f"state: only server-sent events and the sub-protocol {OWN} give the state")
    api.check_room()
    socket = Socket(connection.stream)
    beginning = asked if asked is None else api.begin(asked.select, grant, asked.after, asked.durable, asked.resumed)
    await socket.accept(connection.unread, chosen)
    with api.stream(), suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_end_with, socket.keep_alive, nursery.cancel_scope)
                if asked is not None and beginning is not None:
                    nursery.start_soon(_send_events, api, socket, asked.select, grant, beginning)
                    async for _ in socket.messages():
                        pass
                else:
                    await Conversation(api, grant, socket.send_texts, nursery).run(socket.messages())
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            with trio.CancelScope(shield=True):
                await socket.close(GOING_AWAY)


async def _end_with(work: Callable[[], Awaitable[None]], scope: trio.CancelScope) -> None:
    await work()
    scope.cancel()


async def _send_events(
    api: API, socket: Socket, select: tuple[Selector, ...], grant: Grant, beginning: Beginning
) -> None:
    with api.durables.follow(beginning.key) as following:
        await _send_subscription(api, socket, api.subscribe(select, grant, beginning))
    if following.cancelled_caught:
        await socket.close(TAKEN_OVER_CODE, TAKEN_OVER)


async def _send_subscription(api: API, socket: Socket, subscription: Subscription) -> None:
    grant = subscription.grant
    try:
        while True:
            piece = await subscription.take()
            texts = [] if piece.notice is None else [piece.notice.to_json()]
            texts += [entry.text(grant, api.positions) for entry in piece.entries]
            api.counts.sent += len(piece.entries)
            await socket.send_texts(texts)
            api.counts.sent_bytes += sum(map(len, texts))
            if (pause := api.pause()) >= 0.001:
                await trio.sleep(pause)
    finally:
        api.release(subscription)


def parts(texts: list[bytes]) -> Iterator[list[bytes]]:
    """So many at once that a client can take them in time."""
    part: list[bytes] = []
    size = 0
    for each in texts:
        part.append(each)
        size += len(each)
        if size >= SEND_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
