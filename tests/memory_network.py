"""A network in memory, for tests whose time is virtual."""

from typing import Any

import attrs
import trio
import trio.testing

from jackfield.errors import ConnectionLost
from jackfield.plugin.transport import Endpoint
from jackfield.simulation._listener import serve_stream


@attrs.define
class MemoryNetwork:
    """Real websockets over memory instead of TCP, so that time can be virtual.

    `handler` is the server; an `OSError` or a `ConnectionLost` in its place is what connecting meets.
    """

    nursery: trio.Nursery
    handler: Any = None
    attempts: list[float] = attrs.field(factory=list)
    """When somebody tried to connect."""
    refused: str = ""
    """Why nobody can connect at the moment; empty while everybody can."""
    streams: list[trio.StapledStream] = attrs.field(factory=list)
    """The server's ends, newest last."""

    async def open(self, endpoint: Endpoint) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        self.attempts.append(trio.current_time())
        if self.refused:
            raise ConnectionLost(self.refused)
        client, server = trio.testing.memory_stream_pair()
        self.streams.append(server)
        self.nursery.start_soon(serve_stream, self.handler, server)
        return client
