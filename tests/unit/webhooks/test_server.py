"""`jackfield._webhooks.server` and `receiver`: whatever anybody sends, over memory and over real sockets."""

import re
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import attrs
import pytest
import trio
import trio.testing
import trustme
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield._webhooks.receiver import WebhookReceiver
from jackfield._webhooks.server import LIMITS, WebhookServer, open_webhook_server
from jackfield.addresses import Address
from jackfield.config import ConnectionOptions, Feed, WebhooksOptions
from jackfield.errors import ConfigError, FrameError, JournalError, SecretError, WebhookError
from jackfield.events import Event
from jackfield.plugin.http import Request
from jackfield.plugin.secrets import Secret
from jackfield.plugin.webhook import Webhook
from jackfield.reports import WebhookRejected, WebhookServerStarted
from jackfield.reports._counters import FeedCounters

PATH = "/webhooks/office"
MOST = 262_144  # the least that max_message_bytes can be

AT = datetime(2026, 1, 1, tzinfo=UTC)


@attrs.frozen
class Options:
    token: Secret = attrs.field(factory=lambda: Secret("text", "hunter2"))


def read(request):
    """One event a line; some lines make trouble."""
    headers, body, at = request.headers, request.body, request.at
    if headers.get("x-key") == "wrong":
        raise WebhookError(401, "wrong key, and not hunter2")
    for line in body.decode().splitlines():
        match line:
            case "?":
                raise FrameError("gibberish", body)
            case "bug":
                raise ZeroDivisionError
            case "no secret":
                raise SecretError("the file is empty")
            case "nothing":
                return
            case "teapot":
                raise WebhookError(200, "not an error at all")
        yield Event(line, "call.updated", Address("acme", "x", "1", "call", line, "updated"), None, at, "office")


@attrs.define
class Office:
    """An inbox for one feed, with what it published, reported and counted."""

    published: list = attrs.field(factory=list)
    reports: list = attrs.field(factory=list)
    unreadable: list = attrs.field(factory=list)
    stats: FeedCounters = attrs.field(factory=lambda: FeedCounters(AT))
    trouble: Exception | None = None
    hangs: bool = False

    async def publish(self, events):
        await trio.lowlevel.checkpoint()
        if self.trouble:
            raise self.trouble
        if self.hangs:
            await trio.sleep_forever()
        new = [event for event in events if event.id not in {each.id for each in self.published}]
        self.published += new
        return len(new)

    @property
    def receiver(self):
        feed, webhook = Feed("office", "acme", Options(), ConnectionOptions(max_message_bytes=MOST)), Webhook(read)
        return WebhookReceiver(feed, webhook, self.stats, self.unreadable.append, self.publish, self.reports.append)

    def inbox(self, *listeners, **more):
        return WebhookServer(
            "http://memory/webhooks/", listeners, {"office": self.receiver}, self.reports.append, **more
        )


@attrs.define(eq=False)
class Doorway(trio.abc.Listener):
    """A listener of connections over memory, where time is virtual."""

    pair: object = trio.testing.memory_stream_pair
    waiting: list = attrs.field(factory=lambda: list(trio.open_memory_channel(1000)))

    async def accept(self):
        return await self.waiting[1].receive()

    async def aclose(self):
        await trio.lowlevel.checkpoint()

    def connect(self):
        ours, theirs = self.pair()
        self.waiting[0].send_nowait(theirs)
        return ours


@pytest.fixture
def office():
    return Office()


@pytest.fixture
async def door(office, nursery):
    door = Doorway()
    nursery.start_soon(office.inbox(door).run)
    return door


@asynccontextmanager
async def listening(office, options=None):
    """The same on a real socket."""
    options = options or WebhooksOptions(listen="127.0.0.1:0")
    async with (
        open_webhook_server(options, {"office": office.receiver}, office.reports.append) as inbox,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(inbox.run)
        yield inbox
        inbox.stop()


async def test_a_post_is_answered_when_it_is_committed_and_a_copy_too(office, door, poster):
    stream = door.connect()
    answers = [await poster.post(stream, PATH, body) for body in (b"a\nb", b"a\nb", b"b\nc")]
    assert [(status, body) for status, _, body in answers] == [
        (200, {"new": 2, "copies": 0}),
        (200, {"new": 0, "copies": 2}),
        (200, {"new": 1, "copies": 1}),
    ]
    assert [event.id for event in office.published] == ["a", "b", "c"]
    assert {event.origin for event in office.published} == {"webhook"}
    assert (office.stats.webhooks.accepted, office.stats.webhooks.copies, office.stats.events) == (3, 3, 6)


@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
async def test_vendors_post_with_the_method_that_they_like(office, door, poster, method):
    status, _, _ = await poster.post(door.connect(), PATH, b"a", method=method)
    assert status == 200


@pytest.mark.parametrize(
    ("body", "more", "status", "reason"),
    [
        (b"a", {"x_key": "wrong"}, 401, "wrong key, and not ***"),
        (b"a", {"method": "PATCH"}, 405, "the method is none of DELETE, GET, POST, PUT"),
        (b"", {}, 400, "the request has neither a body nor a query"),
        (b"x" * (MOST + 1), {}, 413, "the body is larger than 262144 bytes"),
        (b"no secret", {}, 503, "the file is empty"),
        (b"teapot", {}, 400, "not an error at all"),
    ],
)
async def test_what_is_not_taken_is_answered_with_the_reason_and_counted_by_it(
    office, door, poster, body, more, status, reason
):
    got, _, answer = await poster.post(door.connect(), PATH, body, **more)
    assert (got, answer) == (status, {"error": reason})
    assert office.stats.webhooks.rejections == {reason: 1}
    assert office.reports[1:] == [WebhookRejected("office", status, reason, 1)]
    assert office.published == []


async def test_refusals_are_reported_at_each_doubling_and_not_at_each(office, door, poster):
    stream = door.connect()
    for _ in range(9):
        await poster.post(stream, PATH, b"a", x_key="wrong")
    assert [report.total for report in office.reports[1:]] == [1, 2, 4, 8]
    assert "office: webhook refused with 401 (8 so far): wrong key" in str(office.reports[-1])


@pytest.mark.parametrize(("body", "problem"), [(b"?", "gibberish"), (b"bug", "the provider failed: ZeroDivisionError")])
async def test_what_can_never_be_read_is_answered_so_that_it_does_not_come_again_and_is_kept(
    office, door, poster, body, problem
):
    status, _, answer = await poster.post(door.connect(), PATH, body)
    assert status == 400
    assert answer["error"].startswith(problem)
    assert [error.raw for error in office.unreadable] == [body]
    assert not office.stats.webhooks.rejections


async def test_a_post_without_an_event_is_counted(office, door, poster):
    status, _, _ = await poster.post(door.connect(), PATH, b"nothing")
    assert status == 200
    assert office.stats.ignored == {"webhook without an event": 1}


@pytest.mark.parametrize("path", ["/", "/webhooks", "/webhooks/", "/webhooks/other", f"{PATH}/more", f"x{PATH}"])
async def test_a_path_of_no_feed_is_none_and_is_counted(office, poster, path, nursery):
    door, inbox = Doorway(), None
    inbox = office.inbox(door)
    nursery.start_soon(inbox.run)
    status, _, answer = await poster.post(door.connect(), "/" + path.lstrip("/"), b"a")
    assert (status, answer) == (404, {"error": "no feed gets webhooks at this path"})
    assert sum(inbox.rejections.values()) == 1
    assert str(office.reports[-1]).startswith("webhooks: request refused with 404 (1 so far)")


async def test_a_feed_s_name_may_be_anything(office, poster, nursery):
    door, name = Doorway(), "Büro 1/2?"
    nursery.start_soon(WebhookServer("", [door], {name: office.receiver}, office.reports.append).run)
    path = "/webhooks/B%C3%BCro%201%2f2%3F?from=here"
    status, _, _ = await poster.post(door.connect(), path, b"a")
    assert status == 200


async def test_a_slow_sender_gets_408_when_its_time_is_over_and_delays_nobody(office, door, poster, autojump_clock):
    slow = door.connect()
    began = trio.current_time()
    await slow.send_all(poster.request(PATH, b"abcdef")[:-3])
    assert (await poster.post(door.connect(), PATH, b"other"))[0] == 200
    assert trio.current_time() == began
    status, headers, _ = await poster.answer(slow)
    assert (status, headers["connection"], trio.current_time() - began) == (408, "close", 4.0)
    assert office.stats.webhooks.rejections == {"the body did not come within 4 s": 1}


async def test_a_head_that_comes_byte_by_byte_gets_408(office, door, poster, autojump_clock):
    slow = door.connect()
    began = trio.current_time()

    async def drip():
        for byte in poster.request(PATH, b"a"):
            await slow.send_all(bytes([byte]))
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(drip)
        status, _, answer = await poster.answer(slow)
        nursery.cancel_scope.cancel()
    assert (status, answer, trio.current_time() - began) == (408, {"error": "no whole head within 4 s"}, 4.0)


@pytest.mark.parametrize("trouble", [None, JournalError("full")])
async def test_what_the_journal_does_not_take_in_time_is_to_be_posted_again(
    office, door, poster, autojump_clock, trouble
):
    office.trouble, office.hangs = trouble, trouble is None
    stream, began = door.connect(), trio.current_time()
    status, headers, _ = await poster.post(stream, PATH, b"a")
    assert (status, headers["retry-after"]) == (503, "5")
    assert trio.current_time() - began <= 4.0
    assert sum(office.stats.webhooks.rejections.values()) == 1
    office.trouble, office.hangs = None, False
    assert (await poster.post(stream, PATH, b"a"))[0] == 200
    assert len(office.published) == 1


async def test_a_crowd_that_says_nothing_keeps_nobody_out(office, poster, nursery, autojump_clock):
    door = Doorway()
    nursery.start_soon(lambda: office.inbox(door, limits=attrs.evolve(LIMITS, connections=3)).run())
    crowd = [door.connect() for _ in range(10)]
    assert (await poster.post(door.connect(), PATH, b"a"))[0] == 200
    assert [await stream.receive_some() for stream in crowd[:8]] == [b""] * 8
    for stream in crowd[8:]:
        assert (await poster.post(stream, PATH, b"a"))[0] == 200
    began = trio.current_time()
    assert await crowd[9].receive_some() == b""
    assert trio.current_time() - began == LIMITS.idle


async def test_who_reads_no_answer_is_not_waited_for(office, poster, nursery, autojump_clock):
    door = Doorway(pair=trio.testing.lockstep_stream_pair)
    nursery.start_soon(lambda: office.inbox(door, limits=attrs.evolve(LIMITS, connections=1)).run())
    deaf = door.connect()
    await deaf.send_all(poster.request(PATH, b"a"))
    began = trio.current_time()
    assert (await poster.post(door.connect(), PATH, b"b"))[0] == 200
    assert trio.current_time() - began == LIMITS.send
    assert len(office.published) == 2


async def test_stopping_lets_the_requests_under_way_finish_and_takes_no_more(office, poster, autojump_clock):
    door = Doorway()
    inbox = office.inbox(door)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(inbox.run)
        idle, busy = door.connect(), door.connect()
        await busy.send_all(poster.request(PATH, b"abc")[:-1])
        await trio.testing.wait_all_tasks_blocked()
        inbox.stop()
        assert await idle.receive_some() == b""
        late = door.connect()
        await busy.send_all(b"c")
        status, headers, _ = await poster.answer(busy)
        assert (status, headers["connection"]) == (200, "close")
        assert await busy.receive_some() == b""
    with trio.move_on_after(1000):
        assert not await poster.post(late, PATH, b"a")
    assert [event.id for event in office.published] == ["abc"]


BAD = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "10,000 headers": b"POST /webhooks/office HTTP/1.1\r\nHost: x\r\n"
    + b"".join(b"h%d: x\r\n" % n for n in range(10_000)),
    "a header without an end": b"POST / HTTP/1.1\r\nx: " + b"y" * 100_000,
    "no host": b"POST /webhooks/office HTTP/1.1\r\nContent-Length: 1\r\n\r\na",
    "two lengths": b"POST /webhooks/office HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length that is none": b"POST /webhooks/office HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a huge length": b"POST /webhooks/office HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "bad chunks": b"POST /webhooks/office HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a huge chunk": b"POST /webhooks/office HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"
    + b"x" * (MOST + 5000),
    "an encoding": b"POST /webhooks/office HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
    "a tunnel": b"CONNECT inbox:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a websocket": b"GET /webhooks/office HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n!",
    "a head only": b"HEAD /webhooks/office HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("sent", BAD.values(), ids=BAD)
async def test_whoever_speaks_no_proper_http_is_reported_so_and_hinders_nobody(office, poster, sent):
    with trio.fail_after(20):
        async with listening(office) as inbox, await poster.connect(inbox.url) as good:
            stream = await poster.connect(inbox.url)
            async with stream:
                await stream.send_all(sent)
                assert (await stream.receive_some()).split()[1][:1] == b"4" or sent == BAD["an encoding"]
            assert sum(inbox.rejections.values()) + sum(office.stats.webhooks.rejections.values()) == 1
            assert (await poster.post(good, PATH, b"a"))[0] == 200


async def test_who_breaks_off_in_the_middle_hinders_nobody(office, poster):
    whole = poster.request(PATH, b"a" * 500)
    async with listening(office) as inbox:
        for length in (0, 1, 20, len(whole) - 500, len(whole) - 1):
            for linger in (True, False):
                stream = await poster.connect(inbox.url)
                await stream.send_all(whole[:length])
                if not linger:  # a reset instead of an end
                    option = b"\x01\0\0\0\0\0\0\0"
                    stream.setsockopt(trio.socket.SOL_SOCKET, trio.socket.SO_LINGER, option)
                await stream.aclose()
        async with await poster.connect(inbox.url) as stream:
            assert (await poster.post(stream, PATH, b"b"))[0] == 200
        with trio.fail_after(5):
            while office.stats.webhooks.rejections["the sender broke off"] < 4:  # noqa: ASYNC110  # a test looks from outside
                await trio.sleep(0.01)
    assert [event.id for event in office.published] == ["b"]


async def test_a_body_that_is_larger_than_its_length_says_is_no_next_request(office, poster):
    async with listening(office) as inbox, await poster.connect(inbox.url) as stream:
        await stream.send_all(poster.request(PATH, b"a") + b"bcdef\r\n\r\n")
        answers = b"".join([data async for data in stream])
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"400"]
    assert [event.id for event in office.published] == ["a"]


async def test_a_client_that_asks_first_is_reported_to_go_on_only_if_its_body_is_wanted(office, poster):
    async with listening(office) as inbox:
        for body, answer in ((b"a", b"HTTP/1.1 100"), (b"x" * (MOST + 1), b"HTTP/1.1 413")):
            async with await poster.connect(inbox.url) as stream:
                whole = poster.request(PATH, body, expect="100-continue")
                await stream.send_all(whole[: -len(body)])
                assert (await stream.receive_some()).startswith(answer)


@given(
    st.lists(st.binary(max_size=30) | st.sampled_from([*BAD.values(), b"\r\n", b"POST /webhooks/office HTTP/1.1\r\n"]))
)
@example([b"POST /webhooks/office HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n\n?"])
def test_any_bytes_at_all_get_an_answer_or_the_end_in_bounded_time(pieces):
    async def main():
        office, door = Office(), Doorway()
        inbox = office.inbox(door)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(inbox.run)
            stream, began = door.connect(), trio.current_time()
            for piece in pieces:
                await stream.send_all(piece)
            while await stream.receive_some():
                pass
            assert trio.current_time() - began <= LIMITS.idle + 10
            assert not [reason for reason in inbox.rejections if "bug" in reason]
            inbox.stop()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def secured(authority, tmp_path):
    path = tmp_path / "server.pem"
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(path)
    return WebhooksOptions(listen="127.0.0.1:0", tls_cert=str(path))


async def test_with_a_certificate_posts_come_over_tls_and_garbage_hinders_nobody(office, authority, secured, poster):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with listening(office, secured) as inbox:
        assert inbox.url.startswith("https://127.0.0.1:")
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + b"\0" * 100, b""):
            async with await poster.connect(inbox.url) as stream:
                await stream.send_all(garbage)
        stream = trio.SSLStream(
            await poster.connect(inbox.url), context, server_hostname="127.0.0.1", https_compatible=True
        )
        async with stream:
            assert (await poster.post(stream, PATH, b"a"))[0] == 200
            assert (await poster.post(stream, PATH, b"x" * (2 * MOST)))[0] == 413
    assert office.reports[0] == WebhookServerStarted(inbox.url, ("office",))


async def test_where_it_cannot_listen_is_reported_in_one_line(office, tmp_path):
    async with listening(office) as inbox:
        taken = inbox.url.split("/")[2]
        with pytest.raises(ConfigError, match=f"webhooks.listen: cannot listen on {taken}: Address already in use"):
            async with listening(office, WebhooksOptions(listen=taken)):
                pass
    (tmp_path / "empty.pem").touch()
    for name, problem in (("missing.pem", "cannot be read: No such file"), ("empty.pem", "cannot be used: ")):
        with pytest.raises(ConfigError, match=rf"webhooks.tls_cert: .*{name} {problem}"):
            async with listening(office, WebhooksOptions(listen="127.0.0.1:0", tls_cert=str(tmp_path / name))):
                pass


async def test_of_several_headers_of_one_name_the_first_counts(office):
    request = Request("POST", PATH, (("X-Key", "right"), ("x-key", "wrong")), b"a")
    assert (await office.receiver.receive(request)).status == 200


async def test_bodies_that_are_not_committed_yet_are_bounded_all_together(
    office, poster, monkeypatch, nursery, autojump_clock
):
    """One limit for each alone would let a hundred connections fill the memory."""
    monkeypatch.setattr("jackfield._webhooks.server.MOST_HELD_BYTES", 300_000)
    door = Doorway()
    nursery.start_soon(office.inbox(door).run)
    office.hangs = True
    first, second = door.connect(), door.connect()
    await first.send_all(poster.request(PATH, b"a" * 200_000))
    await trio.testing.wait_all_tasks_blocked()
    status, headers, answer = await poster.post(second, PATH, b"b" * 200_000)
    assert (status, headers["retry-after"]) == (503, "5")
    assert answer == {"error": "other webhooks fill the memory of 300000 bytes"}
    assert (await poster.answer(first))[0] == 503
    office.hangs = False
    third = door.connect()
    assert (await poster.post(third, PATH, b"c" * 200_000))[0] == 200
