"""A FreeSWITCH that is small: its event socket, as far as the example plugin speaks with it."""

import json
from contextlib import asynccontextmanager
from functools import partial
from urllib.parse import quote

import attrs
import trio

from jackfield.plugin.framing import HeaderBlocks
from jackfield.plugin.simulator import CloseConnection

__all__ = ["CORE", "Socket", "Switch", "event"]

CORE = "6f8d0b2e-0c5a-4c8e-9c4f-0a4f6a1a2b3c"
PASSWORD = "ClueCon"
FIRST = 1_767_268_800_000_000


def event(name, call, number, **more):
    """An event as the switch has it: every value is a text."""
    return {
        "Event-Name": name,
        "Core-UUID": CORE,
        "FreeSWITCH-Hostname": "pbx-1",
        "Event-Date-Timestamp": str(FIRST + number * 1000),
        "Event-Sequence": str(1000 + number),
        "Unique-ID": call,
        "Channel-Call-UUID": call,
        **more,
    }


def written(fields, form="json"):
    """The frame of an event."""
    if form == "json":
        body = json.dumps(fields).encode()
    else:
        body = "".join(f"{name}: {quote(value, safe='')}\n" for name, value in fields.items()).encode() + b"\n"
    return b"Content-Length: %d\nContent-Type: text/event-%s\n\n%s" % (len(body), form.encode(), body)


@attrs.define
class Socket:
    """The switch's side of one connection, without I/O."""

    refuses: bool = False
    accepted: bool = False
    form: str = ""
    names: frozenset = frozenset()
    filters: set = attrs.field(factory=set)
    commands: list = attrs.field(factory=list)

    def opened(self):
        return ["Content-Type: auth/request\n\n"]

    def received(self, frame):
        text = (frame.decode() if isinstance(frame, bytes) else frame).strip()
        self.commands.append(text)
        if text.startswith("api "):
            return ["Content-Type: api/response\nContent-Length: 3\n\nUP\n"]
        reply = self._obey(text.split())
        answers = [f"Content-Type: command/reply\nReply-Text: {reply}\n\n"]
        if reply == "-ERR invalid":
            answers += ["Content-Type: text/disconnect-notice\nContent-Length: 5\n\nBye!\n", CloseConnection()]
        return answers

    def _obey(self, words):
        match words:
            case ["auth", password]:
                self.accepted = password == PASSWORD
                return "+OK accepted" if self.accepted else "-ERR invalid"
            case _ if not self.accepted:
                return "-ERR command not found"
            case _ if self.refuses:
                return "-ERR not permitted"
            case ["event", form, *names]:
                self.form, self.names = form, frozenset(names)
                return f"+OK event listener enabled {form}"
            case ["noevents"]:
                self.names = frozenset()
                return "+OK no longer listening for events"
            case ["filter", "delete", header, value]:
                self.filters.discard((header, value))
                return f"+OK filter deleted. [{header}]=[{value}]"
            case ["filter", header, value]:
                self.filters.add((header, value))
                return f"+OK filter added. [{header}]=[{value}]"
        return "-ERR command not found"

    def frames_for(self, fields):
        wanted = fields["Event-Name"] in self.names
        passed = not self.filters or any(fields.get(header) == value for header, value in self.filters)
        return [written(fields, self.form)] if wanted and passed else []


@attrs.define
class Switch:
    """A switch on a real socket, whose lines can be cut."""

    sockets: list = attrs.field(factory=list)
    streams: list = attrs.field(factory=list)
    accepting: bool = True
    port: int = 0

    async def publish(self, fields):
        for each, stream in zip(self.sockets, self.streams, strict=True):
            for frame in each.frames_for(fields):
                await stream.send_all(frame)

    async def cut(self):
        for stream in self.streams.copy():
            await trio.aclose_forcefully(stream)

    async def serve(self, stream):
        if not self.accepting:
            await trio.aclose_forcefully(stream)
            return
        client, framing = Socket(), HeaderBlocks()
        self.sockets.append(client)
        self.streams.append(stream)
        try:
            for answer in client.opened():
                await stream.send_all(answer.encode())
            async for data in stream:
                for frame in framing.split(bytes(data)):
                    for answer in client.received(frame):
                        if isinstance(answer, CloseConnection):
                            await stream.aclose()
                            return
                        await stream.send_all(answer.encode())
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self.sockets.remove(client)
            self.streams.remove(stream)

    @asynccontextmanager
    async def running(self):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, self.serve, self.port, host="127.0.0.1"))
            self.port = listeners[0].socket.getsockname()[1]
            yield self
            nursery.cancel_scope.cancel()
