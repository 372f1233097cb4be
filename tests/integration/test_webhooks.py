"""Webhooks from the socket to the sink, through a gateway with VoIPBIN's provider: none lost, none doubled."""

import json
import random
import signal
import socket
import ssl
from contextlib import asynccontextmanager
from functools import partial

import attrs
import pytest
import trio
import trustme
from profiles import is_thorough

import jackfield
from jackfield.errors import ConfigError
from jackfield.plugin.hooks import hookimpl
from jackfield.reports import GapSuspected, WebhookServerStarted
from jackfield.simulation import serve
from jackfield_voipbin.simulator import VoipbinSimulator
from jackfield_voipbin.times import last_change
from jackfield_voipbin.webhook import sign

CUSTOMER = "550e8400-e29b-41d4-a716-446655440000"
SECRET = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"
PATH = "/webhooks/office"


def posted(number, kind="call_updated"):
    data = {"id": f"call-{number}", "customer_id": CUSTOMER, "tm_update": "2026-08-20T09:15:01Z"}
    body = json.dumps({"type": kind, "data": data}).encode()
    return body, {"X_VoIPBIN_Signature": sign(SECRET, body)}


@attrs.define(eq=False)
class Observer:
    reports: list = attrs.field(factory=list)

    @hookimpl
    def jackfield_observe(self, report):
        self.reports.append(report)

    def told(self, kind):
        return [report for report in self.reports if isinstance(report, kind)]


def document(tmp_path, **feed):
    office = {"provider": "voipbin", "token": {"env": "VOIPBIN_TOKEN"}, "customer_id": CUSTOMER, "receive": "webhook"}
    return {
        "gateway": {"journal": str(tmp_path / "journal")},
        "webhooks": {"listen": "127.0.0.1:0"},
        "feeds": {"office": office | {"webhook_secret": {"env": "SECRET"}} | feed},
        "sinks": {"archive": {"type": "file", "path": str(tmp_path / "var" / "events.jsonl")}},
        "routes": [{"select": ["**"], "sinks": ["archive"]}],
    }


@pytest.fixture(autouse=True)
def _secrets(monkeypatch):
    monkeypatch.setenv("VOIPBIN_TOKEN", "t")
    monkeypatch.setenv("SECRET", SECRET)


@asynccontextmanager
async def opened(config):
    """A gateway, the URL of its inbox, and what it told."""
    observer = Observer()
    async with jackfield.open_gateway(config, plugins=[observer]) as gateway:
        while not (told := observer.told(WebhookServerStarted)):  # noqa: ASYNC110  # a test looks from outside
            await trio.sleep(0.01)
        yield gateway, told[0].url, observer


async def test_deliveries_in_parallel_are_each_taken_once_and_reach_the_sink_once(tmp_path, folder, poster):
    """Each is posted twice, as after an answer that the vendor did not see."""
    numbers = [*range(1000), *range(0, 1000, 10)]
    answers = []

    async def send(url, mine):
        async with await poster.connect(url) as stream:
            for number in mine:
                body, headers = posted(number)
                answers.append(await poster.post(stream, PATH, body, **headers))

    with trio.fail_after(60):
        async with opened(document(tmp_path)) as (gateway, url, _), trio.open_nursery() as nursery:
            for sender in range(50):
                nursery.start_soon(send, url, numbers[sender::50])
    assert {status for status, _, _ in answers} == {200}
    posts = gateway.state().feeds["office"].webhooks
    assert (posts.accepted, posts.copies, dict(posts.rejections)) == (1100, 100, {})
    subjects = [event["subject"] for event in folder.events() if event["origin"] == "webhook"]
    assert sorted(subjects) == sorted(f"call/call-{number}" for number in range(1000))


async def test_a_feed_by_webhook_alone_opens_no_connection_and_says_so(tmp_path, poster):
    async with opened(document(tmp_path, url="ws://127.0.0.1:1/nobody")) as (gateway, url, _):
        plan = gateway.plan("office")
        assert plan.topics == ()
        assert [(str(row.selector), row.filtered, row.reason) for row in plan.entries] == [("**", False, "")]
        with gateway.listen("agent.*"):
            assert gateway.plan("office").entries[1].filtered
        async with await poster.connect(url) as stream:
            body, _ = posted(1)
            status, _, answer = await poster.post(stream, PATH, body, X_VoIPBIN_Signature="sha256=00")
            assert (status, list(answer)) == (401, ["error"])
            body = b"no JSON at all"
            assert (await poster.post(stream, PATH, body, X_VoIPBIN_Signature=sign(SECRET, body)))[0] == 400
            assert (await poster.post(stream, "/nothing/here", body))[0] == 404
        state = gateway.state()
        office = state.feeds["office"]
        assert (office.state.value, office.connections, office.topics) == ("listening", 0, frozenset())
        assert (office.unreadable, sum(office.webhooks.rejections.values())) == (1, 1)
        assert state.unroutable_webhooks == {"no feed gets webhooks at this path": 1}
    assert gateway.state().feeds["office"].state.value == "disconnected"


async def test_a_webhooks_trace_is_in_the_journal_and_goes_out_to_the_sink(tmp_path, folder, poster):
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with opened(document(tmp_path)) as (gateway, url, _):
        with gateway.listen("call.*", committed=True) as listener:
            for number, more in enumerate([{"traceparent": parent, "tracestate": "a=1"}, {}, {"traceparent": "junk"}]):
                async with await poster.connect(url) as stream:
                    body, headers = posted(number)
                    assert (await poster.post(stream, PATH, body, **headers, **more))[0] == 200
            found = [(await anext(listener)).event.trace for _ in range(3)]
    assert found == [(parent, "a=1"), None, None]
    sent = [event for event in folder.events() if event["origin"] == "webhook"]
    assert [(each.get("traceparent"), each.get("tracestate")) for each in sent] == [
        (parent, "a=1"),
        (None,) * 2,
        (None,) * 2,
    ]
    (segment,) = (tmp_path / "journal").glob("*.jsonl")
    assert segment.read_text().count(f'"traceparent":"{parent}","tracestate":"a=1"') == 1


async def test_the_time_without_a_gateway_is_a_gap_of_a_feed_by_webhook_too(tmp_path, folder):
    config = document(tmp_path)
    async with opened(config) as (_, _, observer):
        assert observer.told(GapSuspected) == []
    async with opened(config) as (gateway, _, observer):
        (gap,) = observer.told(GapSuspected)
        assert (gap.feed, gap.cause) == ("office", "no gateway was running")
    assert gateway.state().feeds["office"].gaps == 1
    assert [event["type"] for event in folder.events()] == [
        "stream.connected",
        "stream.not_verified",  # nobody could know whether the vendor dropped some
        "stream.connected",
        "stream.gap_suspected",
        "stream.not_verified",
    ]


async def test_with_both_ways_on_each_event_comes_once(tmp_path, folder, nursery, poster):
    """A sender posts every event that comes by websocket, as the platform does, some sooner and some later."""
    simulator = VoipbinSimulator("t", rate=300.0, customer_id=CUSTOMER)
    url = await nursery.start(partial(serve, simulator))
    config = document(tmp_path, url=url, receive="both")
    answers, by_webhook = [], []
    with trio.fail_after(30):
        async with opened(config) as (gateway, inbox, _), await poster.connect(inbox) as stream:
            assert gateway.plan("office").topics
            with gateway.listen("voipbin/**") as events:
                async for event in events:
                    if event.kind.startswith("stream.") or event.origin == "webhook":
                        continue
                    body = json.dumps({"type": event.native_type, "data": event.data}).encode()
                    answers.append(await poster.post(stream, PATH, body, X_VoIPBIN_Signature=sign(SECRET, body)))
                    new, _ = posted(f"{len(answers)}-by-webhook-only")
                    by_webhook.append(json.loads(new)["data"])
                    answers.append(await poster.post(stream, PATH, new, X_VoIPBIN_Signature=sign(SECRET, new)))
                    if len(answers) >= 300:
                        break
            # What came by one way is not taken for lost by the other, which compares what came with REST.
            known = gateway._feeds.sessions["office"].protocol._memory
            assert all(known.knows(data["id"], last_change(data)[0]) for data in by_webhook)
    assert {status for status, _, _ in answers} == {200}
    assert sum(answer["copies"] for _, _, answer in answers) == sum(answer["new"] for _, _, answer in answers) == 150
    got = [event for event in folder.events() if not event["type"].startswith("stream.")]
    assert len({event["id"] for event in got}) == len(got)
    assert sum(event["origin"] == "webhook" for event in got) == 150


async def test_what_was_answered_before_the_end_is_in_the_journal_and_the_rest_is_not_answered_with_200(
    tmp_path, folder, poster
):
    taken = set()

    async def send(url, first):
        try:
            async with await poster.connect(url) as stream:
                for number in range(first, 10**9, 20):
                    body, headers = posted(number)
                    if (answer := await poster.post(stream, PATH, body, **headers)) is None:
                        return
                    assert answer[0] == 200
                    taken.add(f"call/call-{number}")
        except (OSError, trio.BrokenResourceError):
            pass

    async with trio.open_nursery() as nursery, opened(document(tmp_path)) as (_, url, _):
        for first in range(20):
            nursery.start_soon(send, url, first)
        await trio.sleep(0.3)
    assert len(taken) > 20
    assert {event["subject"] for event in folder.events()} >= taken


async def test_a_feed_that_gets_webhooks_needs_an_inbox(tmp_path):
    config = document(tmp_path) | {"webhooks": {}}
    with pytest.raises(ConfigError, match=r"feeds.office: nothing listens for its webhooks; give \[webhooks\] listen"):
        async with jackfield.open_gateway(config):
            pass


RUN = """
[gateway]
journal = "var/journal"

[webhooks]
listen = "127.0.0.1:0"

[feeds.office]
provider = "voipbin"
token = { env = "VOIPBIN_TOKEN" }
customer_id = "550e8400-e29b-41d4-a716-446655440000"
receive = "webhook"
webhook_secret = { env = "VOIPBIN_TOKEN" }

[sinks.archive]
type = "file"
path = "var/events.jsonl"

[[routes]]
select = ["**"]
sinks = ["archive"]
"""


async def test_what_was_answered_with_200_reaches_the_sink_although_the_process_is_killed_right_then(
    start, folder, poster
):
    kills = 50 if is_thorough() else 3
    chance = random.Random(kills)
    (folder.path / "gateway.toml").write_text(RUN)
    taken, behind = set(), []

    def missing():
        return taken - {event["subject"] for event in folder.events()}

    async def send(url, command, run, sender, until):
        try:
            async with await poster.connect(url) as stream:
                for number in range(10**9):
                    name = f"{run}-{sender}-{number}"
                    body, _ = posted(name)
                    signature = sign("voipbin-s3cret", body)
                    if (answer := await poster.post(stream, PATH, body, X_VoIPBIN_Signature=signature)) is None:
                        return
                    assert answer[0] == 200
                    taken.add(f"call/call-{name}")
                    if sender == 0 and number == until:  # this one's answer has just come
                        command.process.send_signal(signal.SIGKILL)
        except (OSError, trio.BrokenResourceError):  # killed in the middle of another's
            pass

    for run in range(kills):
        command = await start("run", "gateway.toml")
        url = (await command.says("webhooks for office are received at ")).split()[-1]
        await command.until(lambda _: not missing())  # what was answered before the last kill
        async with trio.open_nursery() as nursery:
            for sender in range(5):
                nursery.start_soon(send, url, command, run, sender, chance.randrange(5))
        assert await command.ended() == -signal.SIGKILL
        behind.append(len(missing()))
    command = await start("run", "gateway.toml")
    await command.says("webhooks for office are received at ")
    await command.until(lambda _: not missing())
    assert await command.stop() == 0
    assert len(taken) >= kills
    assert sum(behind), "every kill came too late to show anything"
    subjects = [event["subject"] for event in folder.events() if event["origin"] == "webhook"]
    assert set(subjects) >= taken


def certificate(path):
    """Write a new authority's certificate and key for this host; a context that trusts that authority alone."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    path.write_bytes(issued.private_key_pem.bytes() + b"".join(each.bytes() for each in issued.cert_chain_pems))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def free_address():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return f"127.0.0.1:{found.getsockname()[1]}"


async def test_a_renewed_certificate_and_another_address_are_taken_over_and_nothing_is_lost(tmp_path, folder, poster):
    path, first, second = tmp_path / "hooks.pem", free_address(), free_address()
    old = certificate(path)
    sent, streams = iter(range(1000)), []

    async def connected(context, address):
        host, _, port = address.partition(":")
        streams.append(await trio.open_tcp_stream(host, int(port)))
        stream = trio.SSLStream(streams[-1], context, server_hostname=host)
        await stream.do_handshake()
        return stream

    async def send(stream):
        body, headers = posted(next(sent))
        assert (await poster.post(stream, PATH, body, **headers))[0] == 200

    config = document(tmp_path)
    config["webhooks"] = {"listen": first, "tls_cert": str(path)}
    with trio.fail_after(30):
        async with opened(config) as (gateway, url, _):
            assert url == f"https://{first}/webhooks/"
            await send(kept := await connected(old, first))
            new = certificate(path)
            assert await gateway.apply(config)
            await send(kept)  # a connection that is open goes on
            await send(await connected(new, first))
            with pytest.raises(trio.BrokenResourceError):
                await connected(old, first)
            path.write_text("no certificate")
            with pytest.raises(ConfigError, match=r"webhooks\.tls_cert"):
                await gateway.apply(config)
            await send(await connected(new, first))  # the one before still serves
            newest = certificate(path)
            config["webhooks"] = {"listen": second, "tls_cert": str(path)}
            assert await gateway.apply(config)
            await send(await connected(newest, second))
            with pytest.raises(OSError, match="all attempts to connect"):
                await trio.open_tcp_stream("127.0.0.1", port := int(first.partition(":")[2]))
            taken = await trio.open_tcp_listeners(port, host="127.0.0.1")
            with pytest.raises(ConfigError, match=r"webhooks\.listen: .*in use"):
                await gateway.apply(config | {"webhooks": {"listen": first, "tls_cert": str(path)}})
            await send(await connected(newest, second))
            for each in (*taken, *streams):
                await trio.aclose_forcefully(each)
    subjects = sorted(event["subject"] for event in folder.events() if event["origin"] == "webhook")
    assert subjects == [f"call/call-{number}" for number in range(next(sent))]
