"""`jackfield.simulation._control`: a simulator's port spoken to with plain HTTP, by an independent client."""

import json

import httpcore2
import pytest
import trio

from jackfield.simulation import Faults, simulate


@pytest.fixture
async def http():
    async with httpcore2.AsyncConnectionPool() as pool:
        yield pool


async def ask(http, method, url, content=None, **headers):
    """Status and JSON of an answer."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    answer = await http.request(method, url, headers=named, content=content)
    return answer.status, json.loads(answer.content) if answer.content else None


def base(running):
    return running.control.removesuffix("/_simulator")


async def test_switches_and_counters_are_shown_without_secrets(counting, http):
    async with simulate(counting(), faults=Faults(drop=0.5), limit=0) as running:
        status, shown = await ask(http, "GET", running.control)
        assert status == 200
        assert shown["switches"]["drop"] == 0.5
        assert shown["switches"]["rate"] == 500.0
        assert shown["switches"]["limit"] == 0
        assert shown["counters"]["events"] == 0
        assert "s3cret" not in json.dumps(shown)


async def test_switches_of_both_kinds_are_set_together(counting, http):
    async with simulate(counting(), limit=0) as running:
        table = {"drop": 1, "stalled": True, "rate": 2.0, "limit": None, "webhook": "http://x", "token": "new"}
        status, shown = await ask(http, "PATCH", running.control, json.dumps(table).encode())
        assert status == 200
        assert running.faults == Faults(drop=1.0, stalled=True)
        assert (running.simulator.rate, running.simulator.webhook, running.simulator.token) == (2.0, "http://x", "new")
        assert running.limit is None
        assert (shown["switches"]["drop"], shown["switches"]["rate"]) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"staled": true}', "staled: unknown option; did you mean stalled?"),
        ('{"stalled": 1}', "stalled: must be true or false, not 1"),
        ('{"drop": 1.5}', "drop: 1.5 is not between 0 and 1"),
        ('{"rate": -1}', "rate: 'rate' must be >= 0: -1.0"),
        ('{"padding": 1}', "padding: unknown option"),
        ("[]", "must be an object"),
        ("{", "is not valid JSON"),
        ("\xff", "is not valid JSON"),
    ],
)
async def test_what_is_wrong_is_reported_and_nothing_is_set(counting, http, body, said):
    async with simulate(counting(), limit=0) as running:
        if body.startswith('{"'):
            body = '{"duplicate": 4, ' + body[1:]
        status, answer = await ask(http, "PATCH", running.control, body.encode("latin-1"))
        assert status == 400
        assert said in answer["errors"][0]
        assert running.faults == Faults()


async def test_lines_are_cut_on_request_and_what_is_not_there_is_reported(counting, http):
    async with simulate(counting(), limit=0) as running:
        assert await ask(http, "POST", running.control + "/cut") == (200, {"cut": 0})
        for method, path in (("GET", "/cut"), ("DELETE", ""), ("POST", "/x")):
            status, answer = await ask(http, method, running.control + path)
            assert status == 404 and "PATCH /_simulator" in answer["errors"][0]


async def test_requests_reach_the_vendors_rest_on_one_line(counting, http):
    async with simulate(counting(), limit=0) as running:
        for number in range(3):
            answer = await ask(http, "PUT", f"{base(running)}/v1/x?n={number}", b"body", x_asked="yes")
            assert answer == (200, ["PUT", f"/v1/x?n={number}", "body", "yes"])
        assert len(http.connections) == 1
        assert running.counters.requests == 3
        assert (await http.request("HEAD", f"{base(running)}/x")).content == b""


async def test_rest_can_be_refused_and_late(counting, http, autojump_clock):
    async with simulate(counting(), faults=Faults(refuse_rest=403, retry_after=3, late=4.0), limit=0) as running:
        began = trio.current_time()
        answer = await http.request("GET", f"{base(running)}/x")
        assert (answer.status, trio.current_time() - began) == (403, pytest.approx(4.0))
        assert (b"retry-after", b"3") in answer.headers
        assert (await ask(http, "GET", running.control))[0] == 200


async def said_to(running, data):
    """What a server answers to bytes, until it ends the line."""
    stream = await trio.open_tcp_stream("127.0.0.1", int(base(running).rpartition(":")[2]))
    async with stream:
        await stream.send_all(data)
        out = b""
        with trio.fail_after(10):
            async for part in stream:
                out += part
        return out


@pytest.mark.parametrize(
    "data", [b"\x00\xff\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n"]
)
async def test_what_is_no_http_is_answered_with_400(counting, data):
    async with simulate(counting(), limit=0) as running:
        assert (await said_to(running, data)).startswith(b"HTTP/1.1 400 ")


async def test_a_body_that_is_too_large_is_refused(counting, http):
    async with simulate(counting(), limit=0) as running:
        head = b"POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert b" 413 " in await said_to(running, head + b"100100\r\n" + b"x" * 0x100100)


async def test_a_handshake_may_follow_requests_on_one_line(counting):
    async with simulate(counting(), limit=0) as running:
        upgrade = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        upgrade += b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        out = await said_to(running, b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n" + upgrade)
        assert out.index(b" 200 ") < out.index(b" 404 ")
        assert running.counters.handshakes_refused == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Origin": "null"},
    ],
)
async def test_a_page_of_another_site_can_neither_look_nor_switch_nor_connect(counting, http, headers):
    """Any page in a browser on this machine can send requests here, and rebind a name of its own to loopback."""
    async with simulate(counting(), limit=0) as running:
        for method, url in (("GET", running.control), ("PATCH", running.control), ("POST", f"{running.control}/cut")):
            status, shown = await ask(http, method, url, b'{"drop": 1}', **headers)
            assert status == 403
            assert list(shown) == ["error"]
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        upgrade["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
        status, shown = await ask(http, "GET", running.url.replace("ws:", "http:"), **upgrade, **headers)
        assert status == 403
        assert running.faults.drop == 0
        assert (running.counters.connections, running.counters.handshakes_refused) == (0, 1)


async def test_a_page_on_this_machine_may_do_all_that(counting, http):
    async with simulate(counting(), limit=0) as running:
        origin = {"Origin": "http://localhost:3000"}
        assert (await ask(http, "PATCH", running.control, b'{"drop": 1}', **origin))[0] == 200
