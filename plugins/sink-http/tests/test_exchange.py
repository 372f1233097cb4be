"""`jackfield.plugin.posting._exchange`: connections are kept and shared, limits hold, redirects go where they may."""

import socket
import threading
from contextlib import suppress

import pytest
import trio

from jackfield.errors import DeliveryError
from jackfield_http import Http


async def test_one_connection_serves_request_after_request(server, write, reply):
    server.script = [reply(200, body=b"thank you"), reply(202), reply(204)]
    await write("1", "2", "3", "4")
    assert len({request.connection for request in server.got}) == 1


async def test_a_refusal_leaves_the_connection_fit_for_use(server, batch, reply):
    server.script = [reply(503, body=b"x" * 1000)]
    async with Http(server.url).open() as sink:
        for _ in range(2):
            with suppress(DeliveryError):
                await sink.write(batch("1"))
    assert len(server.got) == 2
    assert len({request.connection for request in server.got}) == 1


@pytest.mark.parametrize("connections", [1, 3])
async def test_as_many_requests_are_under_way_as_there_are_connections(server, batch, reply, connections):
    server.script = [reply(wait=0.1) for _ in range(6)]
    # Six at 0.1 s, one after the other, take longer than the time for one: waiting for a turn does not count.
    async with Http(server.url, connections=connections, timeout=0.4).open() as sink, trio.open_nursery() as nursery:
        for number in range(6):
            nursery.start_soon(sink.write, batch(str(number)))
    assert {request.headers["content-type"] for request in server.got} == {
        "application/cloudevents+json; charset=utf-8"
    }
    assert (len(server.got), server.busiest) == (6, connections)
    assert len({request.connection for request in server.got}) == connections


async def test_the_time_limit_is_for_the_whole_answer_and_not_for_each_byte(server, failing, reply):
    server.script = [reply(503, body=b"x" * 1000, drip=0.02)]
    started = trio.current_time()
    failure = await failing(timeout=0.3)
    assert trio.current_time() - started < 1
    assert (failure.on_error, failure.delivered) == ("retry", 0)
    assert "answered HTTP 503: xxx" in failure.reason


async def test_who_says_yes_and_then_stalls_has_the_events(server, write, reply):
    server.script = [reply(200, body=b"x" * 1000, drip=0.02)]
    await write("1", "2", timeout=0.3)
    assert len(server.got) == 2
    assert len({request.connection for request in server.got}) == 2


async def test_no_answer_in_time_is_tried_again(server, failing, reply):
    server.script = [reply(wait=1)]
    failure = await failing(timeout=0.1)
    assert failure.on_error == "retry"
    assert failure.reason == f"{server.origin}/events: no answer within 0.1 s"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_server_that_takes_a_connection_and_nothing_more_is_given_its_time(failing, batch, scheme):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/"
        with trio.fail_after(5):
            failure = await failing(*map(str, range(200)), url=url, mode="batch", timeout=0.2)
    assert (failure.on_error, failure.reason) == ("retry", f"{url}: no answer within 0.2 s")


async def test_a_connection_that_breaks_is_tried_again(server, failing, reply):
    server.script = [reply(), reply(cut=True)]
    failure = await failing("1", "2", "3")
    assert (failure.on_error, failure.delivered) == ("retry", 1)


async def test_of_a_long_answer_no_more_is_read_than_the_limit(server, batch, reply):
    server.script = [reply(500, body=b"0123456789" * 100_000), reply(500, body=b"0123456789")]
    async with Http(server.url, max_response_bytes=10).open() as sink:
        for _ in range(2):
            with pytest.raises(DeliveryError, match=r"answered HTTP 500: 0123456789$"):
                await sink.write(batch("1"))
        await sink.write(batch("2"))
    # The rest of the first answer was not waited for: its connection was given up. The second fitted.
    assert len({request.connection for request in server.got[:2]}) == 2
    assert server.got[1].connection == server.got[2].connection


async def test_a_redirect_is_not_followed_unless_that_is_configured(server, failing, reply):
    server.script = [reply(307, (("Location", "/other?token=abc"),))]
    failure = await failing()
    assert (failure.on_error, failure.rejected_count) == ("dead_letter", 1)
    assert failure.reason.endswith("answered HTTP 307: a redirect to /other, not followed: follow_redirects is off")
    assert len(server.got) == 1


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_is_followed_with_the_same_request(server, write, reply, status):
    server.script = [reply(status, (("Location", "/other?x=1"),)), reply(201)]
    await write("1", follow_redirects=True, bearer=None)
    first, second = server.got
    assert second.path == "/other?x=1"
    assert (second.headers, second.body) == (first.headers, first.body)


async def test_a_redirect_that_would_lose_the_event_is_not_followed(server, failing, reply):
    server.script = [reply(302, (("Location", "/other"),))]
    failure = await failing(follow_redirects=True)
    assert failure.on_error == "dead_letter"
    assert "a redirect to /other, not followed: only 307 and 308" in failure.reason


async def test_redirects_in_a_circle_come_to_an_end(server, failing, reply):
    server.script = [reply(307, (("Location", "/events"),)) for _ in range(20)]
    failure = await failing(follow_redirects=True)
    assert failure.on_error == "dead_letter"
    assert failure.reason.endswith("a redirect to /events, not followed: it is the 6th in a row")
    assert len(server.got) == 6


async def test_a_redirect_to_another_port_of_this_machine_is_not_what_was_configured(serve, server, failing, reply):
    other = serve()
    server.script = [reply(307, (("Location", other.url),))]
    failure = await failing(follow_redirects=True)
    assert failure.on_error == "pause"
    assert "not on the public internet" in failure.reason
    assert other.got == []


async def test_a_redirect_takes_nothing_secret_to_another_server(serve, server, failing, write, reply):
    other = serve()
    server.script = [reply(307, (("Location", other.url),)), reply(307, (("Location", other.url),))]
    failure = await failing(follow_redirects=True, allow_private=True, headers={"X-Tenant": "acme"})
    assert "another server" in failure.reason
    assert other.got == []
    await write("1", follow_redirects=True, allow_private=True)
    assert len(other.got) == 1
    assert other.got[0].headers["host"] == f"127.0.0.1:{other.server_port}"


def answer_once(listener, answer, got):
    connection, _ = listener.accept()
    with connection:
        got.append(connection.recv(65536))
        connection.sendall(answer)


@pytest.fixture
def raw():
    """A server that answers one connection with these bytes, whatever they are."""
    started = []

    def raw(answer, family=socket.AF_INET):
        listener = socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family)
        got = []
        thread = threading.Thread(target=answer_once, args=(listener, answer, got))
        thread.start()
        started.append((listener, thread))
        return listener.getsockname()[1], got

    yield raw
    for listener, thread in started:
        thread.join()
        listener.close()


async def test_a_host_of_ipv6_is_written_with_its_brackets(raw, write):
    try:
        port, got = raw(b"HTTP/1.1 204 No Content\r\n\r\n", socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6")
    await write("1", url=f"http://[::1]:{port}/")
    assert f"host: [::1]:{port}\r\n".encode() in got[0].lower()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: -",
    ],
)
async def test_what_is_no_answer_is_tried_again(raw, failing, answer):
    port, _ = raw(answer)
    failure = await failing(url=f"http://127.0.0.1:{port}/", timeout=5.0)
    assert failure.on_error == "retry"
    assert failure.reason.startswith(f"http://127.0.0.1:{port}/: ")


async def test_of_headers_that_come_twice_the_first_counts(raw, failing):
    port, _ = raw(b"HTTP/1.1 429 No\r\nRetry-After: 7\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n")
    assert (await failing(url=f"http://127.0.0.1:{port}/")).retry_after == 7


async def test_a_cancelled_write_leaves_the_sink_usable(server, batch, reply):
    server.script = [reply(wait=0.5)]
    async with Http(server.url, connections=1).open() as sink:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sink.write, batch("1"))
            while not server.got:  # noqa: ASYNC110  # a thread gets it
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
        await sink.write(batch("2"))
    assert len(server.got) == 2
