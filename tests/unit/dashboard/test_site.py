"""`jackfield._dashboard.site`: what is served to whom, over real sockets and TLS."""

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
from jackfield._dashboard.access import Access, Viewer, plan_access
from jackfield._dashboard.site import HEADERS, PAGES, Site
from jackfield._net.http_connection import Streamed
from jackfield._serve.grants import Grant
from jackfield.addresses import Address
from jackfield.config import GatewayConfig
from jackfield.events import Event, Parties
from jackfield.plugin.http import Request, Response
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import Secret

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


class Messages:
    """A stream of server-sent events, as a page reads it."""

    def __init__(self, stream):
        self.stream, self.rest = stream, b""

    @classmethod
    async def open(cls, url, path):
        stream = await connect(url)
        await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return cls(stream)

    async def next(self):
        """The name and the data of the next one that has both."""
        with trio.fail_after(10):
            while True:
                message, found, rest = self.rest.partition(b"\n\n")
                if not found:
                    self.rest += await self.stream.receive_some()
                    continue
                self.rest = rest
                if b"event: " in message:
                    name, data = message.partition(b"event: ")[2].split(b"\n")[:2]
                    return name.decode(), json.loads(data.removeprefix(b"data: "))


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
        foreign = {"Sec-Fetch-Site": "cross-site"}
        assert (await ask(url, "/v1/events?select=**&durable=desk", headers=foreign))[0] == 403
        assert (await ask(url, headers=foreign))[0] == 200  # a link leads here


PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)


@given(
    st.sampled_from(["GET", "POST", "PUT"]),
    st.one_of(PRINTABLE, st.sampled_from(["///[", "/v1/events?select=%ff&", "/sign-in", "http://[", "*"])),
    st.dictionaries(st.sampled_from(["cookie", "authorization", "accept"]), PRINTABLE),
    st.binary(max_size=30),
    st.sampled_from(["", TOKEN]),
)
@example("GET", "///[", {}, b"", "")
def test_any_request_gets_a_response(method, url, headers, body, token):
    request = Request(method, url, (("host", "localhost"), *headers.items()), body)
    clock = trio.testing.MockClock(autojump_threshold=0)  # a wrong token takes its time
    answer = trio.run(
        Site(Access("127.0.0.1", viewers=(Viewer(token),) if token else ())).respond, request, clock=clock
    )
    assert isinstance(answer, Response | Streamed)


@pytest.mark.parametrize(
    "attempt",
    [
        Request("POST", "/sign-in", (), b"token=wrong"),
        Request("GET", "/", (("authorization", "Bearer wrong"),)),
        Request("GET", "/v1/events", (("authorization", "Basic wrong"),)),
        Request("GET", "/", (("cookie", "jackfield=wrong"),)),
        Request("GET", "/none", (("cookie", "a=b; jackfield=wrong"),)),
    ],
)
async def test_a_wrong_token_costs_the_same_by_every_way(attempt, autojump_clock):
    """Else whoever guesses takes the cheapest way."""
    site = Site(Access("127.0.0.1", viewers=(Viewer(TOKEN),)))
    began = trio.current_time()
    answer = await site.respond(attrs.evolve(attempt, headers=(("host", "localhost"), *attempt.headers)))
    assert (answer.status, trio.current_time() - began) == (401, site_module.WRONG_TOKEN_SECONDS)


async def test_who_presents_nothing_is_asked_for_the_token_at_once(autojump_clock):
    began = trio.current_time()
    answer = await Site(Access("127.0.0.1", viewers=(Viewer(TOKEN),))).respond(
        Request("GET", "/", (("host", "localhost"),))
    )
    assert (answer.status, trio.current_time() - began) == (401, 0)


# -- what the pages read -----------------------------------------------------------------------------------


async def test_the_state_and_its_changes_come_by_one_stream():
    async with running() as (gateway, url):
        await gateway.publish(event("one"))
        messages = await Messages.open(url, "/v1/events?state=1")
        name, first = await messages.next()
        assert (name, list(first["calls"])) == ("snapshot", ["acme/one"])
        await gateway.publish(*(event(f"more{number}") for number in range(50)))
        name, changes = await messages.next()
        assert (name, len(changes["changes"])) == ("changes", 50)


async def test_the_pages_learn_what_the_configuration_says():
    document = {
        "feeds": {"support": {"provider": "vinix", "url": "ws://127.0.0.1:9", "auth_token": "t", "account_id": "A"}},
        "gateway": {"answer_seconds": 30.0},
        "dashboard": {"title": "Head office", "waiting": [2, 4]},
        "names": {"queues": {"q1": "Support"}, "agents": {"a1": "Ann"}},
    }
    async with running(config=document) as (_, url):
        settings = json.loads((await ask(url, "/settings.json"))[2])
    assert (settings["title"], settings["answer_seconds"], settings["thresholds"]["waiting"]) == (
        "Head office",
        30,
        [2, 4],
    )
    assert settings["names"] == {"queues": {"q1": "Support"}, "agents": {"a1": "Ann"}}
    assert settings["operator"]


async def test_the_operators_figures_come_from_the_gateway_and_show_no_secret(tmp_path, monkeypatch):
    monkeypatch.setattr(site_module, "MEASURE_SECONDS", 0.05)
    feed = {"provider": "vinix", "url": "ws://127.0.0.1:9", "auth_token": "hunter2hunter2", "account_id": "ACC"}
    redactor = Redactor.of([Secret("text", "refused-by-us")])
    async with running(redact=redactor, config={"feeds": {"support": feed}}) as (gateway, url):
        await gateway.publish(event("c1"))
        with trio.fail_after(10):
            while (shown := json.loads((await ask(url, "/operator.json"))[2]))["journal"]["taken"] < 1:  # noqa: ASYNC110  # seen from outside
                await trio.sleep(0.05)
    (row,) = shown["feeds"]
    assert (row["key"], row["provider"], row["events"]) == ("support", "vinix", 0)
    assert "hunter2" not in str(shown)


def test_its_own_tokens_and_cookies_are_hidden_too():
    viewer = Viewer(TOKEN)
    site = Site(Access("::1", viewers=(viewer,)), Redactor.of([Secret("text", "fixed-secret")]))
    assert site.redact(f"fixed-secret {TOKEN} {viewer.session}") == "*** *** ***"


async def test_a_viewer_sees_no_more_than_the_token_shows():
    night = Viewer(TOKEN, Grant(feeds=frozenset({"office"}), personal=False, payloads=False), operator=False)
    access = Access("127.0.0.1", viewers=(night,))
    async with running(access) as (gateway, url):
        get = partial(ask, url, headers={"Authorization": f"Bearer {TOKEN}"})
        elsewhere = attrs.evolve(event("two"), feed="elsewhere")
        await gateway.publish(attrs.evolve(event("one"), parties=Parties(caller="+4930123")), elsewhere)
        status, _, body = await get("/v1/state")
        assert (status, list(json.loads(body)["calls"])) == (200, ["acme/one"])
        assert b"+4930123" not in body
        assert (await get("/operator"))[0] == (await get("/operator.json"))[0] == 403
        settings = json.loads((await get("/settings.json"))[2])
        assert (settings["personal"], settings["operator"], settings["names"]["agents"]) == (False, False, {})


async def test_the_number_of_open_streams_is_bounded_and_a_closed_page_frees_its_place(monkeypatch):
    monkeypatch.setattr(site_module, "MOST_STREAMS", 3)
    async with running() as (_, url):
        pages = [await Messages.open(url, "/v1/events?state=1") for _ in range(3)]
        for each in pages:
            await each.next()
        status, headers, _ = await ask(url, "/v1/events?state=1")
        assert (status, headers["retry-after"]) == (503, "10")
        assert (await ask(url, "/v1/state"))[0] == 200
        await pages[0].stream.aclose()
        with trio.fail_after(10):
            while (await ask(url, "/v1/events?check=1&select=**"))[0] == 503:  # noqa: ASYNC110  # seen from outside
                await trio.sleep(0.05)


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
        for path in ("/", "/v1/events", "/v1/state", "/board.js", "/operator.json", "/none"):
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
        messages = await Messages.open(url, "/v1/events?state=1")
        await messages.next()
    with pytest.raises(OSError, match=r"."):
        await connect(url)
