"""The provider: a feed that reads the streams that other gateways write."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import attrs

from jackfield.addresses import Source
from jackfield.plugin.options import field_help, ge
from jackfield.plugin.protocol import FeedProtocol
from jackfield.plugin.single_topic import ReadOnly
from jackfield.plugin.transport import OpenPullSource, PullSource
from jackfield_redis.relay import Relay, protocol_of, source_of
from jackfield_redis.server import RedisServer, name

__all__ = ["RedisFeed"]


@attrs.frozen(kw_only=True)
class RedisFeed(RedisServer):
    """A feed of the events in Redis Streams, shared out among the members of a group."""

    group: str = attrs.field(
        default="jackfield",
        validator=name,
        metadata=field_help("a name; feeds of one group share the partitions, each group gets everything"),
    )
    member: str = attrs.field(
        factory=socket.gethostname,
        validator=name,
        metadata=field_help("this gateway's name in the group, as Redis shows it; by default that of the machine"),
    )
    lease_seconds: float = attrs.field(
        default=10.0,
        validator=ge(0.5),
        metadata=field_help("seconds after which a member that is not heard of loses its partitions to the others"),
    )
    settle_seconds: float = attrs.field(
        default=1.0,
        validator=ge(0),
        metadata=field_help("seconds for its sinks, before a member hands a partition over to another"),
    )
    batch_events: int = attrs.field(
        default=200, validator=ge(1), metadata=field_help("entries that are read of a partition at once, at most")
    )

    endpoint_resumes = True  # the group begins with the oldest entry that a stream holds

    @property
    def source(self) -> Source:
        """Whose facts the feed's own are; the events keep their addresses."""
        return source_of(self.stream)

    @property
    def dialect(self) -> Relay:
        """One topic, which brings everything."""
        return Relay()

    def endpoint(self) -> PullSource:
        """The group, which goes on behind what was acknowledged."""
        return self._source(None)

    def resume_from(self, token: str) -> PullSource:
        """The same: the group knows what was acknowledged, and brings what was not once more."""
        return self._source(token)

    def _source(self, token: str | None) -> PullSource:
        return PullSource(partial(self._open, token), f"{self.shown} {self.stream}")

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> ReadOnly:
        """One that reads, and acknowledges what is committed."""
        return protocol_of()

    async def group_status(self) -> str:
        """Who reads which partition, as lines of text; `ConnectionLost` where Redis does not answer."""
        # Imported where it is asked for: it costs 200 ms that most commands do not need.
        from jackfield_redis.status import status_of

        return (await status_of(self)).table()

    @asynccontextmanager
    async def _open(self, token: str | None) -> AsyncGenerator[OpenPullSource, None]:
        # Imported when a feed connects: it costs 200 ms that most commands do not need.
        from jackfield_redis.reader import reading

        async with reading(self, token) as reader:
            yield reader
