"""`jackfield._net.http_client`: HTTP flows, performed against a real server."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial

import h11
import pytest
import trio

from jackfield._net.http_client import perform
from jackfield.errors import RestError
from jackfield.plugin.http import Request


class Server:
    """Answers real HTTP with what `answers` holds, one after another, and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    async def serve(self, stream):
        connection = h11.Connection(h11.SERVER)

        async def next_event():
            while (event := connection.next_event()) is h11.NEED_DATA:
                connection.receive_data(await stream.receive_some())
            return event

        while not isinstance(request := await next_event(), h11.ConnectionClosed):
            body = b""
            while isinstance(part := await next_event(), h11.Data):
                body += bytes(part.data)
            self.asked.append((request.method.decode(), request.target.decode(), dict(request.headers), body))
            status, headers, answer = self.answers.pop(0)
            if status is None:
                await stream.aclose()
                return
            headers = [*headers, ("content-length", str(len(answer)))]
            for event in (h11.Response(status_code=status, headers=headers), h11.Data(answer), h11.EndOfMessage()):
                await stream.send_all(connection.send(event))
            connection.start_next_cycle()


@pytest.fixture
async def server(nursery):
    async def start(*answers):
        server = Server(*answers)
        listeners = await nursery.start(partial(trio.serve_tcp, server.serve, 0, host="127.0.0.1"))
        server.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        return server

    return start


def ask(*requests):
    answers = []
    for request in requests:
        answers.append((yield request))  # noqa: PERF401  # a generator cannot yield inside a comprehension
    return answers


async def test_requests_are_performed_one_after_another_and_the_answers_sent_in(server):
    there = await server((200, [("X-A", "1"), ("X-A", "2")], b'{"n": 1}'), (404, [], b""))
    post = Request("POST", f"{there.url}/login?x=1", (("X-Auth-Token", "s3cret"),), b'{"a": 1}')
    first, second = await perform(ask(post, Request("GET", f"{there.url}/next")))
    assert (first.status, first.json(), first.headers["x-a"]) == (200, {"n": 1}, "1")
    assert (second.status, second.body) == (404, b"")
    method, target, headers, body = there.asked[0]
    assert (method, target, json.loads(body)) == ("POST", "/login?x=1", {"a": 1})
    assert headers[b"x-auth-token"] == b"s3cret"
    assert there.asked[1][:2] == ("GET", "/next")


async def test_an_exchange_without_requests_just_ends():
    assert await perform(ask()) == []


async def test_no_answer_is_thrown_in_and_may_be_caught(server):
    there = await server((None, [], b""), (200, [], b"after all"))

    def stubborn():
        try:
            yield Request("GET", f"{there.url}/a?token=s3cret")
        except RestError as error:
            caught = error
        answer = yield Request("GET", f"{there.url}/b")
        return caught, answer.body

    error, body = await perform(stubborn())
    assert body == b"after all"
    assert error.status is None
    assert str(error).startswith(f"GET {there.url}/a: ")
    assert "s3cret" not in str(error)


async def test_a_server_that_is_not_there_is_named_with_the_systems_own_words():
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    with pytest.raises(RestError) as caught:
        await perform(ask(Request("GET", f"http://127.0.0.1:{port}/x?token=s3cret")))
    assert str(caught.value) == f"GET http://127.0.0.1:{port}/x: Connection refused"


async def test_a_server_that_says_when_to_come_back_is_asked_again_then(server):
    there = await server((429, [("Retry-After", "0")], b""), (503, [("Retry-After", "0")], b""), (200, [], b"now"))
    (answer,) = await perform(ask(Request("GET", f"{there.url}/")))
    assert (answer.status, len(there.asked)) == (200, 3)


@pytest.mark.parametrize("retry_after", ["3600", "soon"])
async def test_a_wait_that_is_too_long_or_no_number_is_the_exchanges_to_judge(server, retry_after):
    there = await server((429, [("Retry-After", retry_after)], b""))
    (answer,) = await perform(ask(Request("GET", f"{there.url}/")))
    assert answer.status == 429
    assert answer.retry_after == (3600.0 if retry_after == "3600" else None)


async def test_patience_with_a_busy_server_has_an_end(server):
    there = await server(*[(503, [("Retry-After", "0")], b"")] * 10)
    (answer,) = await perform(ask(Request("GET", f"{there.url}/")))
    assert (answer.status, len(there.asked)) == (503, 4)


async def test_an_answer_without_end_is_cut_off(server, monkeypatch):
    monkeypatch.setattr("jackfield._net.http_client.MOST_BYTES", 1000)
    there = await server((200, [], b"x" * 1001))
    with pytest.raises(RestError, match="larger than 1000 bytes"):
        await perform(ask(Request("GET", f"{there.url}/")))


def give_up_on(request):
    answer = yield request
    raise RestError(f"HTTP {answer.status}", status=answer.status, retry_after=answer.retry_after)


@pytest.mark.parametrize("retry_after", ["31536000", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_an_endless_wait_is_limited_and_the_error_says_so_whoever_raises_it(server, retry_after):
    there = await server((429, [("Retry-After", retry_after)], b""))
    with pytest.raises(RestError, match=r"HTTP 429; its Retry-After of .* is limited to 3600 s") as caught:
        await perform(give_up_on(Request("GET", f"{there.url}/")))
    assert (caught.value.retry_after, caught.value.status) == (3600.0, 429)


async def test_a_date_counts_even_where_the_server_has_no_clock(server):
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=900), usegmt=True)
    there = await server((429, [("Retry-After", soon)], b""))
    (answer,) = await perform(ask(Request("GET", f"{there.url}/")))
    assert 890 <= answer.retry_after <= 900


async def test_a_file_of_authorities_that_cannot_be_used_is_named(tmp_path):
    path = tmp_path / "ca.pem"
    with pytest.raises(RestError, match=f"{path} cannot be read: No such file"):
        await perform(ask(Request("GET", "https://127.0.0.1:1/", ca_file=str(path))))
    path.write_text("not a certificate")
    with pytest.raises(RestError, match=f"{path} holds no certificate in PEM form"):
        await perform(ask(Request("GET", "https://127.0.0.1:1/", ca_file=str(path))))
