"""`jackfield_http`: against a real HTTP server that says no in every way."""

import json
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from jackfield.addresses import Address
from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.sinks import Batch
from jackfield_http import Http


def batch(*names):
    address = Address("v", "s", "i", "r", "n", "w")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Batch(tuple(Event(name, "agent.ready", address, None, at, "f", data={"é": 1}) for name in names))


@pytest.fixture
def server():
    """Answers as `server.script` says, an item a request: a status, or headers with it; then 204."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            server.got.append((self.path, dict(self.headers), body))
            status, *headers = server.script.pop(0) if server.script else (204,)
            if status == "slow":
                time.sleep(0.5)
                status = 204
            if status == "cut":
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.script, server.got = [], []
    server.url = f"http://127.0.0.1:{server.server_port}/events?key=hunter2"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def write(server, events, **options):
    async with Http(server.url, **options).open() as sink:
        await sink.write(events)


async def test_each_event_is_posted_in_order_as_a_cloudevent_of_the_structured_form(server):
    await write(server, batch("1", "2", "3"))
    assert [json.loads(body)["id"] for _, _, body in server.got] == ["1", "2", "3"]
    path, headers, body = server.got[0]
    assert path == "/events?key=hunter2"
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert JSONFormat().read(CloudEvent, body).get_data() == {"é": 1}


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        *[(status, None) for status in (200, 201, 202)],
        *[(status, "refuse") for status in (301, 400, 401, 404, 410, 413)],
        *[(status, "retry") for status in (408, 425, 429, 500, 502, 503)],
    ],
)
async def test_each_status_is_taken_tried_again_or_given_up(server, status, remedy):
    server.script = [(204,), (status,)]
    if remedy is None:
        await write(server, batch("1", "2", "3"))
        return
    with pytest.raises(DeliveryError, match=f"answered HTTP {status}") as caught:
        await write(server, batch("1", "2", "3"))
    assert (caught.value.remedy, caught.value.delivered) == (remedy, 1)
    assert len(server.got) == 2
    assert "hunter2" not in str(caught.value)


async def test_retry_after_is_handed_on(server):
    server.script = [(429, ("Retry-After", "17"))]
    with pytest.raises(DeliveryError) as caught:
        await write(server, batch("1"))
    assert caught.value.retry_after == 17.0


@pytest.mark.parametrize("trouble", ["cut", "slow"])
async def test_a_connection_that_breaks_or_hangs_is_tried_again(server, trouble):
    server.script = [(trouble,)]
    with pytest.raises(DeliveryError) as caught:
        await write(server, batch("1"), timeout=0.1)
    assert (caught.value.remedy, caught.value.delivered) == ("retry", 0)
    assert "hunter2" not in str(caught.value)


async def test_a_server_that_is_not_there_is_tried_again(server):
    server.shutdown()
    server.server_close()
    with pytest.raises(DeliveryError, match=r"http://127\.0\.0\.1:\d+/events: ") as caught:
        await write(server, batch("1"))
    assert caught.value.remedy == "retry"


@pytest.mark.parametrize("url", ["ftp://x", "localhost", "", "http://"])
def test_only_http_urls_are_taken(url):
    with pytest.raises(ValueError, match="no https:// or http:// URL"):
        Http(url)
