"""A real HTTP server that answers as a test says, over TCP or TLS."""

import ssl
import threading
from datetime import UTC, datetime

import pytest
from http_receiver import Reply, Server

from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.plugin.sink import Batch


@pytest.fixture
def serve():
    """Start servers; they stop with the test."""
    running = []

    def serve(context: ssl.SSLContext | None = None):
        server = Server(context)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((server, thread))
        return server

    yield serve
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def server(serve):
    return serve()


def make_event(name="1", data=None, scope="i"):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Event(name, "agent.ready", Address("v", "s", scope, "r", "n", "w"), None, at, "f", data=data or {"é": 1})


def make_batch(*names):
    return Batch(tuple(map(make_event, names)))


@pytest.fixture(name="event")
def _event():
    return make_event


@pytest.fixture(name="batch")
def _batch():
    return make_batch


@pytest.fixture
def reply():
    return Reply


@pytest.fixture
def write(server, batch):
    """Open a sink, for the server unless a URL is given, and write events to it by their ids."""
    from jackfield_http import Http

    async def write(*names, **options):
        options.setdefault("url", server.url)
        async with Http(**options).open() as sink:
            await sink.write(batch(*names))

    return write


@pytest.fixture
def failing(write):
    """Write what must fail; the `DeliveryError`."""
    from jackfield.errors import DeliveryError

    async def failing(*names, **options):
        try:
            await write(*(names or ("1",)), **options)
        except DeliveryError as error:
            return error
        pytest.fail("it was delivered")

    return failing
