"""A Genesys Cloud that is small: a login, channels, their topics, a roster of users, and the websockets of channels."""

import itertools
import json
from functools import partial

import attrs
import trio

from jackfield.plugin.http import Response
from jackfield.plugin.simulator import Refusal
from jackfield.simulation._listener import serve_stream

__all__ = ["Cloud"]

JSON = {"content-type": "application/json"}


def answer(document, status=200):
    return Response(status, JSON, json.dumps(document).encode())


@attrs.define
class Channel:
    topics: set = attrs.field(factory=set)
    line: object = None
    waiting: list = attrs.field(factory=list)
    """What happened while no websocket was open: it is delivered when one is."""


@attrs.define
class Cloud:
    """The vendor; whatever happens goes to each channel that has its topic."""

    users: list = attrs.field(factory=lambda: ["alice", "bob"])
    authority: str = "cloud.example"
    scheme: str = "wss"
    tokens: set = attrs.field(factory=set)
    channels: dict = attrs.field(factory=dict)
    asked: list = attrs.field(factory=list)
    """Requests by REST, as ``POST /path``."""
    added: list = attrs.field(factory=list)
    """Each topic that was added to a channel."""
    opened: list = attrs.field(factory=list)
    """When each websocket was opened."""
    down: bool = False
    """Whether its REST answers nothing but 503."""
    refused: set = attrs.field(factory=set)
    refuses: bool = False
    """Whether it refuses every topic."""
    _numbers: object = attrs.field(factory=itertools.count)

    # -- by REST -----------------------------------------------------------------------------------

    async def answer(self, request):
        await trio.lowlevel.checkpoint()
        return self.rest(request)

    def rest(self, request):
        path, _, query = request.url.partition("?")
        self.asked.append(f"{request.method} {path}")
        if self.down:
            return Response(503)
        if path == "/oauth/token":
            token = f"token-{next(self._numbers)}-long-enough"
            self.tokens.add(token)
            return answer({"access_token": token, "token_type": "bearer", "expires_in": 86399})
        if request.header("Authorization").removeprefix("Bearer ") not in self.tokens:
            return answer({"message": "no such token", "code": "bad.credentials"}, 401)
        match [request.method, *path.split("/")[3:]]:
            case ["GET", "users"]:
                page = int(dict(each.split("=") for each in query.split("&"))["pageNumber"])
                return answer({"entities": [{"id": each} for each in self.users[100 * (page - 1) : 100 * page]]})
            case ["POST", "notifications", "channels"]:
                identity = f"channel-{next(self._numbers)}"
                self.channels[identity] = Channel()
                uri = f"{self.scheme}://{self.authority}/channels/{identity}"
                return answer({"id": identity, "connectUri": uri, "expires": "2026-01-02T12:00:00Z"})
            case [verb, "notifications", "channels", identity, "subscriptions"]:
                return self._subscribe(
                    verb, self.channels.get(identity), [each["id"] for each in json.loads(request.body)]
                )
        return answer({"message": "not found"}, 404)

    def _subscribe(self, verb, channel, topics):
        if channel is None:
            return answer({"message": "no such channel"}, 404)
        if self.refuses or self.refused & set(topics):
            return answer({"message": "not permitted"}, 403)
        channel.topics = set(topics) if verb == "PUT" else channel.topics | set(topics)
        self.added += topics if verb == "POST" else []
        return answer({"entities": [{"id": each} for each in sorted(channel.topics)]})

    # -- websockets --------------------------------------------------------------------------------

    async def handle(self, incoming):
        channel = self.channels.get(incoming.target.rpartition("/")[2])
        if channel is None:
            await incoming.reject(Refusal(404))
            return
        channel.line = line = await incoming.accept()
        self.opened.append(trio.current_time())
        try:
            for frame in channel.waiting:
                await line.send(frame)
            channel.waiting.clear()
            while True:
                await line.receive()
        finally:
            channel.line = None

    async def publish(self, topic, body):
        document = {"topicName": topic, "version": "2", "eventBody": body}
        document["metadata"] = {"CorrelationId": f"correlation-{next(self._numbers)}"}
        await self.broadcast(topic, document)

    async def broadcast(self, topic, document):
        for channel in self.channels.values():
            if topic is None or topic in channel.topics:
                if channel.line is None:
                    channel.waiting.append(json.dumps(document))
                else:
                    await channel.line.send(json.dumps(document))

    # -- where it is served ------------------------------------------------------------------------

    async def open(self, nursery, endpoint):
        """A connection over memory, so that time can be virtual."""
        await trio.lowlevel.checkpoint()
        ours, theirs = trio.testing.memory_stream_pair()
        nursery.start_soon(serve_stream, self.handle, theirs)
        return ours

    async def listen(self, nursery):
        """Serve it on a real socket."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.authority, self.scheme = f"127.0.0.1:{listeners[0].socket.getsockname()[1]}", "ws"
        serve = partial(serve_stream, self.handle, answer=self.answer)
        await nursery.start(trio.serve_listeners, serve, listeners)
