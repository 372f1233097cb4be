"""What ``jackfield conformance jackfield-redis`` runs; the sink's rules against a real server on loopback."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.plugin.provider import Provider
from jackfield.plugin.secrets import Secret
from jackfield.testing import ProviderSuite, SinkSuite, SinkTarget
from jackfield_redis.feed import RedisFeed
from jackfield_redis.keys import partition
from jackfield_redis.local_server import LocalServer
from jackfield_redis.relay import Entry, frame_of
from jackfield_redis.sink import RedisSink

__all__ = ["ProviderConformance", "SinkConformance"]

T = TypeVar("T")
SAMPLE = "password-of-a-local-server"  # of nobody's
PARTITIONS = 4
FEED = "conformance"


class SinkConformance(SinkSuite):
    """Streams of one server, which can be out of memory and can hang."""

    stalls = True
    _server: ClassVar[LocalServer | None] = None
    _numbers = itertools.count()

    @classmethod
    def server(cls) -> LocalServer:
        """The server of this process, started at the first call."""
        if cls._server is None:
            folder = tempfile.mkdtemp()
            server = LocalServer(Path(folder), SAMPLE)
            server.start()
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            atexit.register(server.stop)
            SinkConformance._server = server
        return cls._server or cls.server()

    @contextlib.contextmanager
    def target(self) -> Iterator[SinkTarget]:
        """A stream of its own."""
        server, stream = self.server(), f"kit-{next(self._numbers)}"

        def arrived() -> Sequence[Event]:
            entries: list[Any] = []
            for number in range(PARTITIONS):
                entries += server.ask("XRANGE", partition(stream, number).entries, "-", "+") or []
            entries.sort(key=lambda entry: tuple(map(int, entry[0].split(b"-"))))
            return [Event.from_cloudevent(fields[fields.index(b"event") + 1]) for _, fields in entries]

        def fail(_after: int) -> None:
            _in_thread(server.ask, "CONFIG", "SET", "maxmemory", "1")

        def recover() -> None:
            server.signal(signal.SIGCONT)
            _in_thread(server.ask, "CONFIG", "SET", "maxmemory", "0")

        sink = RedisSink(
            url=server.url, stream=stream, password=Secret("text", SAMPLE), partitions=PARTITIONS, timeout=5.0
        )
        try:
            yield SinkTarget(sink, lambda: _in_thread(arrived), fail, lambda: server.signal(signal.SIGSTOP), recover)
        finally:
            recover()


def _in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """A call of the blocking client's; the kit looks for those in the loop's thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *arguments).result()


class ProviderConformance(ProviderSuite):
    """Entries as the sink writes them."""

    provider: Provider = RedisFeed(url="redis://127.0.0.1", password=Secret("text", SAMPLE))
    unsubscribes = False

    def examples(self) -> Sequence[bytes]:
        """One of each kind of thing."""
        at = datetime(2026, 1, 1, 12, tzinfo=UTC)
        kinds = ("call.initiated", "call.connected", "contact.queued", "agent.ready", "unmapped.fax")
        events = [
            Event(
                f"id-{number}",
                kind,
                Address(
                    "acme", "account", "A", kind.partition(".")[2] if kind.startswith("un") else kind[:4], "7", "x"
                ),
                at,
                at,
                FEED,
                f"contact-{number}",
                data={"number": number},
            )
            for number, kind in enumerate(kinds)
        ]
        return [frame_of(Entry(3, f"{1_700_000_000_000 + n}-0"), event.to_json()) for n, event in enumerate(events)]
