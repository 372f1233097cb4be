"""`jackfield._dashboard.site`: what is served to whom, and the stream of updates, over real sockets and TLS."""

import json
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing
import trustme
from hypothesis import example, given
from hypothesis import strategies as st

import jackfield
from jackfield._dashboard import site as site_module
from jackfield._dashboard.access import Access, plan_access
from jackfield._dashboard.site import HEADERS, MOST_VIEWERS, PAGES, SLICE_EVENTS, SLICE_SECONDS, Site
from jackfield._gateway.listener import Listener
from jackfield._net.http_connection import Streamed
from jackfield.addresses import Address
from jackfield.config import GatewayConfig
from jackfield.events import Event
from jackfield.plugin.http import Request, Response
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import Secret
from jackfield.selectors import EVERYTHING

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOKEN = "correct horse battery staple"


def event(id, kind="call.connected", **data):
    return Event(id, kind, Address("acme", "account", "A", "call", id, "word"), NOON, NOON, "office", id, data=data)


OPENED = []
"""Connections of the test's own, which end with the dashboard."""


EMPTY = GatewayConfig(())


@asynccontextmanager
async def running(access=None, redact=None, config=EMPTY):
    """A gateway, by default without feeds, and its dashboard; the gateway and the URL."""
    site = Site(access or Access("127.0.0.1"), redact or Redactor())
    async with jackfield.open_gateway(config, plugins=[site]) as gateway, trio.open_nursery() as nursery:
        url = await nursery.start(partial(site.run, gateway, 0))
        try:
            yield gateway, url
        finally:
            nursery.cancel_scope.cancel()
            while OPENED:
                await trio.aclose_forcefully(OPENED.pop())


async def connect(url, context=None):
    port = int(url.rstrip("/").rpartition(":")[2])
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    OPENED.append(stream)
    if context is not None:
        stream = trio.SSLStream(stream, context, server_hostname="127.0.0.1", https_compatible=True)
    return stream


async def ask(url, path="/", *, method="GET", headers=(), body=b"", context=None):
    """Status, headers and body of one request."""
    stream = await connect(url, context)
    lines = [f"{method} {path} HTTP/1.1", *({"Host": "127.0.0.1", "Connection": "close"} | dict(headers)).items()]
    lines = [lines[0], *(f"{name}: {value}" for name, value in lines[1:]), f"Content-Length: {len(body)}", "", ""]
    await stream.send_all("\r\n".join(lines).encode() + body)
    came = b""
    with trio.fail_after(10):
        async for data in stream:
            came += data
    head, _, content = came.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in rest), content


class Updates:
    """The stream of updates, as a page reads it."""

    def __init__(self, stream):
        self.stream, self.rest = stream, b""

    @classmethod
    async def open(cls, url, select=""):
        stream = await connect(url)
        await stream.send_all(f"GET /events?select={select} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return cls(stream)

    async def next(self):
        with trio.fail_after(10):
            while True:
                line, found, rest = self.rest.partition(b"\n\n")
                if found:
                    self.rest = rest
                    if b"data: " in line:
                        return json.loads(line.partition(b"data: ")[2])
                else:
                    self.rest += await self.stream.receive_some()

    async def until(self, condition):
        while not condition(update := await self.next()):
            pass
        return update


# -- pages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_in_the_package_and_names_nothing_outside(path):
    response = await Site(Access("127.0.0.1")).respond(Request("GET", path, (("Host", "localhost"),)))
    assert response.status == 200
    assert set(HEADERS) <= set(response.headers)
    assert b"https://" not in response.body
    assert b"style=" not in response.body  # which the policy forbids
    assert b"innerHTML" not in response.body


def test_the_policy_lets_no_page_load_or_run_anything_of_others():
    policy = HEADERS["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_every_page_is_packed():
    folder = Path(site_module.__file__).parent / "pages"
    assert {path.name for path in folder.iterdir()} == {name for name, _ in PAGES.values()} | {"sign-in.html"}


async def test_requests_for_something_else_have_their_own_status():
    async with running() as (_, url):
        assert (await ask(url))[0] == 200
        assert (await ask(url, "/none"))[0] == 404
        assert (await ask(url, "/../pyproject.toml"))[0] == 404
        assert (await ask(url, method="DELETE"))[0] == 405
        assert (await ask(url, headers={"Host": "evil.example"}))[0] == 421


PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)


@given(
    st.sampled_from(["GET", "POST", "PUT"]),
    st.one_of(PRINTABLE, st.sampled_from(["///[", "/events?select=%ff&", "/sign-in", "http://[", "*"])),
    st.dictionaries(st.sampled_from(["cookie", "authorization", "accept"]), PRINTABLE),
    st.binary(max_size=30),
    st.sampled_from(["", TOKEN]),
)
@example("GET", "///[", {}, b"", "")
def test_any_request_gets_a_response(method, url, headers, body, token):
    request = Request(method, url, (("host", "localhost"), *headers.items()), body)
    clock = trio.testing.MockClock(autojump_threshold=0)  # a wrong token takes its time
    answer = trio.run(Site(Access("127.0.0.1", token=token)).respond, request, clock=clock)
    assert isinstance(answer, Response | Streamed)


@pytest.mark.parametrize(
    "attempt",
    [
        Request("POST", "/sign-in", (), b"token=wrong"),
        Request("GET", "/", (("authorization", "Bearer wrong"),)),
        Request("GET", "/events", (("authorization", "Basic wrong"),)),
        Request("GET", "/", (("cookie", "jackfield=wrong"),)),
        Request("GET", "/none", (("cookie", "a=b; jackfield=wrong"),)),
    ],
)
async def test_a_wrong_token_costs_the_same_by_every_way(attempt, autojump_clock):
    """Else whoever guesses takes the cheapest way."""
    site = Site(Access("127.0.0.1", token=TOKEN))
    began = trio.current_time()
    answer = await site.respond(attrs.evolve(attempt, headers=(("host", "localhost"), *attempt.headers)))
    assert (answer.status, trio.current_time() - began) == (401, site_module.WRONG_TOKEN_SECONDS)


async def test_who_presents_nothing_is_asked_for_the_token_at_once(autojump_clock):
    began = trio.current_time()
    answer = await Site(Access("127.0.0.1", token=TOKEN)).respond(Request("GET", "/", (("host", "localhost"),)))
    assert (answer.status, trio.current_time() - began) == (401, 0)


# -- the stream of updates ---------------------------------------------------------------------------------


async def test_a_page_gets_a_complete_update_first_and_then_changes_in_batches():
    async with running() as (gateway, url):
        await gateway.publish(event("one"))
        updates = await Updates.open(url)
        first = await updates.until(lambda update: update["events"])
        assert first["first"]
        assert [row["id"] for row in first["tables"]["calls"]["rows"]] == ["one"]
        await gateway.publish(*(event(f"more{number}") for number in range(50)))
        second = await updates.until(lambda update: update["events"])
        assert not second["first"]
        assert len(second["events"]) == len(second["tables"]["calls"]["rows"]) == 50
        again = await Updates.open(url)
        whole = await again.next()
        assert len(whole["tables"]["calls"]["rows"]) == 51


async def test_each_page_has_a_selector_of_its_own():
    async with running() as (gateway, url):
        calls, agents = await Updates.open(url, "call.*"), await Updates.open(url, "agent.*%20@%20acme/**")
        await calls.next()
        await agents.next()
        await gateway.publish(event("c1"), event("a1", "agent.ready"))
        for updates, kind in ((calls, "call.connected"), (agents, "agent.ready")):
            update = await updates.until(lambda update: update["events"])
            assert [line["kind"] for line in update["events"]] == [kind]


async def test_an_invalid_selector_is_refused_with_the_position():
    async with running() as (_, url):
        # Whoever asks whether it is one is answered; who wants the stream is refused.
        for path, expected in (("/events?select=call.Queued", 400), ("/events?check&select=call.Queued", 200)):
            status, _, body = await ask(url, path)
            assert status == expected
            assert json.loads(body)["position"] == 5
            assert "lower-case" in json.loads(body)["problem"]
        status, _, body = await ask(url, "/events?check&select=%20call.*")
        assert (status, json.loads(body)) == (200, {"selector": "call.*"})


async def test_figures_come_from_the_gateway_and_no_secret_is_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(site_module, "MEASURE_SECONDS", 0.05)
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    token = Secret("file", str(secret))
    token.reveal()
    async with running(redact=Redactor.of([token])) as (gateway, url):
        updates = await Updates.open(url)
        await gateway.publish(event("c1", **{"from": "hunter2 and renewed2"}))
        update = await updates.until(lambda update: update["events"])
        assert update["tables"]["calls"]["rows"][0]["caller"] == "*** and renewed2"
        secret.write_text("renewed2")
        token.reveal()
        again = await (await Updates.open(url)).next()
        assert again["tables"]["calls"]["rows"][0]["caller"] == "*** and ***"  # the old one is still one
        assert again["figures"]["events"] == 1


async def test_a_feeds_row_holds_texts_and_figures_and_the_name_of_its_provider():
    feed = {"provider": "vinix", "url": "ws://127.0.0.1:9", "auth_token": "hunter2", "account_id": "ACC"}
    async with running(config={"feeds": {"support": feed}}) as (_, url):
        (row,) = (await (await Updates.open(url)).next())["tables"]["feeds"]["rows"]
    assert (row["key"], row["provider"], row["events"]) == ("support", "vinix", 0)
    assert all(isinstance(value, str | int | float | None) for value in row.values())
    assert "hunter2" not in str(row)


def test_its_own_token_and_cookie_are_hidden_too():
    site = Site(Access("::1", token=TOKEN), Redactor.of([Secret("text", "fixed-secret")]))
    assert site.redact(f"fixed-secret {TOKEN} {site.access.session}") == "*** *** ***"


async def test_events_that_the_board_missed_are_counted_on_the_page(monkeypatch):
    monkeypatch.setattr(site_module, "BUFFER", 10)
    monkeypatch.setattr(site_module, "MEASURE_SECONDS", 0.05)
    async with running() as (gateway, url):
        await gateway.publish(*(event(f"c{number}") for number in range(25)))
        updates = await Updates.open(url)
        update = await updates.until(lambda update: update["figures"].get("missed"))
        assert update["figures"]["missed"] == 15


async def test_a_flood_does_not_keep_the_board_busy(autojump_clock):
    """It takes a bounded number of events in a second, and its buffer counts the rest."""
    listener = Listener((EVERYTHING,), 100_000, lambda report: None, lambda listener: None)
    site = Site(Access("127.0.0.1"))
    for number in range(50_000):
        listener._put(event(f"c{number % 10}"))
    with trio.move_on_after(1.0):
        await site._follow(listener)
    most = SLICE_EVENTS / SLICE_SECONDS
    assert 0.9 * most <= site.board.tail.last <= 1.1 * most


async def test_the_number_of_open_pages_is_bounded_and_a_closed_page_frees_its_place():
    async with running() as (_, url):
        pages = [await Updates.open(url) for _ in range(MOST_VIEWERS)]
        for page in pages:
            await page.next()
        status, headers, _ = await ask(url, "/events")
        assert (status, headers["retry-after"]) == (503, "10")
        await pages[0].stream.aclose()
        with trio.fail_after(10):
            while await _status(url) == 503:  # noqa: ASYNC110  # seen from outside
                await trio.sleep(0.05)


async def _status(url):
    stream = await connect(url)
    await stream.send_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    came = await stream.receive_some()
    await stream.aclose()
    return int(came.split()[1])


# -- elsewhere ---------------------------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path):
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "crt"))
    issued.private_key_pem.write_to_path(str(tmp_path / "key"))
    (tmp_path / "token").write_text(TOKEN)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    access = plan_access("0.0.0.0", tmp_path / "token", tmp_path / "crt", tmp_path / "key")
    return attrs.evolve(access, host="127.0.0.1"), context


async def test_off_loopback_nothing_is_seen_without_the_token(tls, monkeypatch):
    monkeypatch.setattr(site_module, "WRONG_TOKEN_SECONDS", 0.01)
    access, context = tls
    async with running(access) as (_, url):
        get = partial(ask, url, context=context)
        assert url.startswith("https://")
        for path in ("/", "/events", "/board.js", "/none"):
            assert (await get(path))[0] == 401
        status, _, page = await get("/", headers={"Accept": "text/html"})
        assert (status, b"<form" in page, b'role="alert" hidden' in page) == (401, True, True)
        status, headers, page = await get("/sign-in", method="POST", body=b"token=wrong")
        assert (status, "set-cookie" in headers, b'role="alert" hidden' in page) == (401, False, False)
        status, headers, _ = await get("/sign-in", method="POST", body=f"token={TOKEN.replace(' ', '+')}".encode())
        assert (status, headers["location"]) == (303, "/")
        cookie = headers["set-cookie"].partition(";")[0]
        assert (await get("/", headers={"Cookie": cookie}))[0] == 200
        assert (await get("/", headers={"Cookie": cookie + "x"}))[0] == 401
        assert (await get("/", headers={"Authorization": f"Bearer {TOKEN}"}))[0] == 200
        assert (await get("/", headers={"Authorization": f"Bearer {TOKEN}x"}))[0] == 401


async def test_a_client_without_tls_or_http_disturbs_no_other(tls):
    access, context = tls
    async with running(access) as (_, url):
        plain = await connect(url)
        await plain.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with trio.fail_after(5):
            while await plain.receive_some():
                pass
        assert (await ask(url, context=context))[0] == 401


async def test_closing_ends_every_page_and_frees_the_port():
    async with running() as (_, url):
        updates = await Updates.open(url)
        await updates.next()
    with pytest.raises(OSError, match=r"."):
        await connect(url)
