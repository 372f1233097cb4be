"""`jackfield._gateway.reload`: another configuration while the gateway runs, whole or not at all."""

import random
import ssl
from contextlib import asynccontextmanager, suppress
from functools import partial

import attrs
import pytest
import trio
import trustme

import jackfield
from jackfield.errors import ConfigError, DeliveryError, JackfieldError
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.sink import SinkSpec
from jackfield.reports import ConfigReloaded, ConfigReloadFailed, EventsDropped, GapSuspected, SinkRemoved
from jackfield.simulation import serve
from jackfield_vinix.simulator import VinixSimulator
from jackfield_voipbin.simulator import VoipbinSimulator


@attrs.define(eq=False)
class Memory:
    """Sinks that keep what they get by their path, and can be told to fail."""

    got: dict = attrs.field(factory=dict)
    said: list = attrs.field(factory=list)
    open: list = attrs.field(factory=list)

    @hookimpl
    def jackfield_sinks(self):
        memory = self

        @attrs.frozen
        class Options:
            path: str = "m"
            slow: float = 0.0
            broken: bool = False

            @asynccontextmanager
            async def open(self):
                if self.broken:
                    raise DeliveryError("it is broken")
                async with trio.open_nursery():  # which must be left in the task that has entered it
                    memory.open.append(self.path)
                    yield _Open(memory.got.setdefault(self.path, []), self.slow)
                    memory.open.remove(self.path)

        return [SinkSpec("memory", "", Options)]

    @hookimpl
    def jackfield_observe(self, report):
        self.said.append(report)

    def reports(self, *kinds):
        return [each for each in self.said if isinstance(each, kinds)]


@attrs.frozen
class _Open:
    got: list
    slow: float

    async def write(self, batch):
        await trio.sleep(self.slow)
        self.got.extend(batch.events)


@pytest.fixture
async def feeds(nursery):
    """Two vendors' servers that run, and the feeds that connect to them."""
    servers = {"office": VoipbinSimulator("t", rate=200.0), "support": VinixSimulator("t", rate=200.0)}
    return {name: each.feed(await nursery.start(partial(serve, each))) for name, each in servers.items()}


def sink(path, **more):
    return {"type": "memory", "path": path, **more}


def route(*sinks, select=("**",)):
    return {"select": list(select), "sinks": list(sinks)}


async def until(condition):
    with trio.fail_after(20):
        while not condition():  # noqa: ASYNC110  # a test looks from outside
            await trio.sleep(0.01)


def subscribed(gateway, *names):
    feeds = gateway.state().feeds
    return all(name in feeds and feeds[name].state.value == "subscribed" for name in names)


async def test_a_feed_comes_and_goes_and_the_other_does_not_notice(feeds):
    memory = Memory()
    document = {"feeds": {"office": feeds["office"]}, "sinks": {"m": sink("m")}, "routes": [route("m")]}
    async with jackfield.open_gateway(document, plugins=[memory]) as gateway:
        await until(lambda: subscribed(gateway, "office"))
        await gateway.add_feed("support", feeds["support"])
        await until(lambda: subscribed(gateway, "support"))
        await until(lambda: any(event.feed == "support" for event in memory.got["m"]))
        assert [each.name for each in gateway.config.feeds] == ["office", "support"]
        with pytest.raises(ConfigError, match=r"feeds.support: is there already"):
            await gateway.add_feed("support", feeds["support"])
        await gateway.remove_feed("support")
        assert list(gateway.state().feeds) == ["office"]
        with pytest.raises(JackfieldError, match="no feed 'support'"):
            await gateway.remove_feed("support")
        assert gateway.state().feeds["office"].connections == 1
    assert not memory.reports(GapSuspected, EventsDropped)


async def test_a_feed_or_a_sink_that_comes_back_counts_on_so_that_no_counter_falls(feeds):
    memory = Memory()
    whole = {"feeds": feeds, "sinks": {"m": sink("m"), "n": sink("n")}, "routes": [route("m"), route("n")]}
    part = {"feeds": {"office": feeds["office"]}, "sinks": {"m": sink("m")}, "routes": [route("m")]}
    async with jackfield.open_gateway(whole, plugins=[memory]) as gateway:
        await until(lambda: gateway.state().feeds["support"].events and gateway.state().sinks["n"].delivered)
        before = gateway.state()
        await gateway.apply(part)
        assert (list(gateway.state().feeds), list(gateway.state().sinks)) == (["office"], ["m"])
        await gateway.apply(whole)
        after = gateway.state()
        assert after.feeds["support"].events >= before.feeds["support"].events > 0
        assert after.feeds["support"].topics == frozenset()
        assert after.sinks["n"].delivered >= before.sinks["n"].delivered > 0
        await until(lambda: subscribed(gateway, "support"))
        await until(lambda: gateway.state().feeds["support"].connections == 2)
        seen = gateway.state().feeds["support"].events
        await until(lambda: gateway.state().feeds["support"].events > seen)


@pytest.mark.parametrize("name", ["", " office", "a\nb", "x" * 101])
async def test_what_is_no_name_of_a_feed_in_a_configuration_is_none_in_a_program(feeds, name):
    async with jackfield.open_gateway({"feeds": {"office": feeds["office"]}}) as gateway:
        with pytest.raises(ConfigError, match=r"^feeds: '.*(is not a name; |is too long for a name)"):
            await gateway.add_feed(name, feeds["support"])
        with pytest.raises(ConfigError, match=r"^feeds: 1 is not a name; a name is a text"):
            await gateway.apply({"feeds": {1: feeds["office"]}})
        with pytest.raises(ConfigError, match="1 is not an option; the name of one is a text"):
            await gateway.apply({"feeds": {"office": feeds["office"]}, 1: 2})
        with pytest.raises(ConfigError, match="sinks: '' is not a name"):
            await gateway.apply({"feeds": {"office": feeds["office"]}, "sinks": {"": sink("m")}})


async def test_a_changed_token_overlaps_the_connections_and_is_no_gap(feeds, tmp_path):
    memory = Memory()
    token = tmp_path / "token"
    token.write_text("t")
    office = feeds["office"] | {"token": {"file": str(token)}}
    document = {"feeds": {"office": office}, "sinks": {"m": sink("m")}, "routes": [route("m")]}
    async with jackfield.open_gateway(document, plugins=[memory]) as gateway:
        await until(lambda: subscribed(gateway, "office"))
        assert not await gateway.apply(document)
        changed = await gateway.apply(document | {"feeds": {"office": office | {"ping_seconds": 7.0}}})
        assert changed.lines == ("feeds.office: changed (ping_seconds)",)
        assert gateway.state().feeds["office"].connections == 2
        assert subscribed(gateway, "office")
        token.write_text("t\n\n")  # the text is the same
        assert not await gateway.apply(gateway.config)
        token.write_text("another")
        with pytest.raises(ConfigError, match=r"feeds.office: .*HTTP 401.*; the connection that is up goes on"):
            await gateway.apply(gateway.config)
        token.write_text("t")
        seen = len(memory.got["m"])
        await until(lambda: len(memory.got["m"]) > seen + 20)
        assert subscribed(gateway, "office")
    assert not memory.reports(GapSuspected, EventsDropped)
    assert len(memory.reports(ConfigReloadFailed)) == 1


async def forward(source, target):
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        async for data in source:
            await target.send_all(data)
        await target.aclose()


async def terminate_tls(url, context, subjects, *, task_status):
    """Before a vendor's server, a proxy that wants a certificate of each client; whose they were."""
    host, _, port = url.split("/")[2].partition(":")

    async def serve_one(stream):
        with suppress(trio.BrokenResourceError):
            await stream.do_handshake()
            subjects.append(stream.getpeercert()["serialNumber"])
            async with await trio.open_tcp_stream(host, int(port)) as inner, trio.open_nursery() as both:
                both.start_soon(forward, stream, inner)
                await forward(inner, stream)
                both.cancel_scope.cancel()

    serving = partial(trio.serve_ssl_over_tcp, serve_one, 0, context, host="127.0.0.1", https_compatible=True)
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(serving)
        task_status.started(listener.transport_listener.socket.getsockname()[1])


async def test_a_renewed_client_certificate_overlaps_the_connections_and_is_no_gap(feeds, nursery, tmp_path):
    memory, authority, subjects = Memory(), trustme.CA(), []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    authority.issue_cert("localhost").configure_cert(context)
    ours, trusted = tmp_path / "ours.pem", tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    authority.issue_cert("us@example.com").private_key_and_cert_chain_pem.write_to_path(ours)
    port = await nursery.start(terminate_tls, feeds["office"]["url"], context, subjects)
    secured = {"url": f"wss://localhost:{port}/v1.0/ws", "ca_file": str(trusted), "client_cert": str(ours)}
    document = {
        "feeds": {"office": feeds["office"] | secured},
        "sinks": {"m": sink("m")},
        "routes": [route("m")],
    }
    async with jackfield.open_gateway(document, plugins=[memory]) as gateway:
        await until(lambda: subscribed(gateway, "office"))
        before = set(subjects)
        assert not await gateway.apply(document)
        authority.issue_cert("us@example.com").private_key_and_cert_chain_pem.write_to_path(ours)
        assert await gateway.apply(document)
        assert gateway.state().feeds["office"].connections == 2
        assert set(subjects) - before
        ours.write_text("no certificate")
        with pytest.raises(ConfigError, match=r"feeds\.office: .*; the connection that is up goes on"):
            await gateway.apply(document)
        seen = len(memory.got["m"])
        await until(lambda: len(memory.got["m"]) > seen + 20)
        assert subscribed(gateway, "office")
    assert not memory.reports(GapSuspected, EventsDropped)


async def test_a_listener_that_comes_after_a_failed_change_is_still_served(feeds):
    document = {"feeds": {"office": feeds["office"]}}
    async with jackfield.open_gateway(document) as gateway:
        with gateway.listen("call.*") as calls:
            await anext(calls)
            with pytest.raises(ConfigError):
                await gateway.apply({"feeds": {"office": feeds["office"] | {"token": "wrong"}}})
            with gateway.listen("agent.*") as agents, trio.fail_after(10):
                await anext(agents)


@pytest.mark.parametrize("change", [{"url": "ws://127.0.0.1:9/"}, {"token": "wrong"}])
@pytest.mark.parametrize("name", ["office", "support"])
async def test_after_a_failed_change_nothing_is_asked_by_it_any_more(feeds, name, change):
    if name == "support" and "token" in change:
        change = {"auth_token": "wrong"}
    document = {"feeds": {name: feeds[name]}}
    async with jackfield.open_gateway(document) as gateway:
        with gateway.listen("agent.*") as agents:
            await anext(agents)
            session = gateway._feeds.sessions[name]
            before = session.provider.endpoint().display
            with pytest.raises(ConfigError):
                await gateway.apply({"feeds": {name: feeds[name] | change}})
            assert session.provider.endpoint().display == before
            assert session.feed is gateway.config.feeds[0]
            snapshot = await gateway.snapshot()
            with trio.fail_after(10):
                while snapshot.feeds[name].synced_at is None:  # the vendor's lists come from where they came before
                    await trio.sleep(0.05)
                    snapshot = await gateway.snapshot()


async def test_a_feed_under_another_name_misses_nothing(feeds):
    memory = Memory()
    document = {"feeds": {"office": feeds["office"]}, "sinks": {"m": sink("m")}, "routes": [route("m")]}
    async with jackfield.open_gateway(document, plugins=[memory]) as gateway:
        await until(lambda: subscribed(gateway, "office"))
        await gateway.apply(document | {"feeds": {"head-office": feeds["office"]}})
        assert list(gateway.state().feeds) == ["head-office"]
        assert subscribed(gateway, "head-office")
    assert not memory.reports(GapSuspected, EventsDropped)


async def test_sinks_come_change_and_go_and_what_was_routed_arrives(feeds, tmp_path):
    memory = Memory()
    base = {"gateway": {"journal": str(tmp_path / "journal")}, "feeds": {"office": feeds["office"]}}
    async with jackfield.open_gateway(
        base | {"sinks": {"a": sink("a")}, "routes": [route("a")]}, plugins=[memory]
    ) as g:
        await until(lambda: memory.got["a"])
        await g.apply(base | {"sinks": {"a": sink("a"), "b": sink("b")}, "routes": [route("a", "b")]})
        await until(lambda: memory.got["b"])
        await g.apply(base | {"sinks": {"a": sink("a2"), "b": sink("b", slow=0.05)}, "routes": [route("a", "b")]})
        await until(lambda: memory.got["a2"])
        assert sorted(memory.open) == ["a2", "b"]
        await g.apply(base | {"sinks": {"a": sink("a2")}, "routes": [route("a")]})
        assert list(g.state().sinks) == ["a"]
        assert memory.open == ["a2"]
    (removed,) = memory.reports(SinkRemoved)
    assert (removed.sink, removed.delivered, removed.left) == ("b", len(memory.got["b"]), 0)
    ids = [event.id for event in memory.got["a"] + memory.got["a2"]]
    assert len(ids) == len(set(ids))
    assert len(ids) == g.state().sinks["a"].delivered
    stream = [event.id for event in memory.got["a"] + memory.got["a2"]]
    b = [event.id for event in memory.got["b"]]
    assert b == stream[stream.index(b[0]) :][: len(b)]  # in order, without a hole
    assert not memory.reports(GapSuspected, EventsDropped)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sinks": {"m": sink("m"), "n": sink("n", broken=True)}}, "sinks.n: cannot be opened: it is broken"),
        ({"sinks": {"m": sink("m", broken=True)}}, "sinks.m: cannot be opened: it is broken"),
        ({"gateway": {"journal": "elsewhere"}}, "gateway.journal: cannot change while the gateway runs; restart it"),
        ({"routes": [route("x")]}, "no sink 'x'"),
        ({"sinks": {"n": sink("n"), "m": sink("m2")}, "webhooks": {"listen": "203.0.113.1:1"}}, "cannot listen"),
    ],
)
async def test_what_cannot_be_started_changes_nothing(feeds, change, problem):
    memory = Memory()
    hooked = feeds["office"] | {"receive": "both", "webhook_verify": False}
    feed = hooked if "webhooks" in change else feeds["office"]
    more = {"webhooks": {"listen": "127.0.0.1:0"}} if "webhooks" in change else {}
    document = {"feeds": {"office": feed}, "sinks": {"m": sink("m")}, "routes": [route("m")]} | more
    async with jackfield.open_gateway(document, plugins=[memory]) as gateway:
        await until(lambda: subscribed(gateway, "office"))
        before = gateway.config
        with pytest.raises(ConfigError, match=problem):
            await gateway.apply(document | change)
        assert gateway.config is before
        assert list(gateway.state().sinks) == ["m"]
        assert memory.open == ["m"]
        seen = len(memory.got["m"])
        await until(lambda: len(memory.got["m"]) > seen + 20)
        assert gateway.state().feeds["office"].connections == 1
    assert not memory.reports(GapSuspected, EventsDropped)
    assert len(memory.reports(ConfigReloadFailed)) == 1


async def test_a_route_of_the_programs_stays_and_holds_its_sink(feeds):
    memory = Memory()
    document = {"feeds": {"office": feeds["office"]}, "sinks": {"m": sink("m"), "n": sink("n")}}
    async with jackfield.open_gateway(document, plugins=[memory]) as gateway:
        added = gateway.add_route(route("n", select=["call.*"]))
        await gateway.apply(document | {"routes": [route("m", select=["agent.*"])]})
        assert [str(each.select[0]) for each in gateway.state().routes] == ["agent.*", "call.*"]
        with pytest.raises(ConfigError, match=r"sinks.n: a route that the program added leads there"):
            await gateway.apply(document | {"sinks": {"m": sink("m")}})
        gateway.remove_route(added)
        await gateway.apply(document | {"sinks": {"m": sink("m")}})
        assert list(gateway.state().sinks) == ["m"]


async def test_a_closed_gateway_changes_nothing(feeds):
    async with jackfield.open_gateway({"feeds": {"office": feeds["office"]}}) as gateway:
        pass
    with pytest.raises(JackfieldError, match="closed"):
        await gateway.apply({"feeds": {"office": feeds["office"]}})


@pytest.mark.parametrize("count", [8, pytest.param(200, marks=pytest.mark.thorough)])
async def test_random_reloads_under_load_lose_nothing_and_disturb_nobody(feeds, tmp_path, count):
    """The office and the archive stay as they are; all else comes, changes and goes."""
    memory, rng = Memory(), random.Random(count)
    base = {"gateway": {"journal": str(tmp_path / "journal"), "drain_seconds": 10.0}}

    def document():
        sinks = {"archive": sink("archive")}
        for name in rng.sample("xyz", rng.randint(0, 3)):
            sinks[name] = sink(name, slow=rng.choice([0.0, 0.01]), delivery={"batch_events": rng.choice([10, 100])})
        given = {"office": feeds["office"]}
        if rng.random() < 0.7:
            given["support"] = feeds["support"] | {"ping_seconds": rng.choice([10.0, 20.0])}
        routes = [route("archive")]
        routes += [route(name, select=rng.choice([["**"], ["call.*"], ["agent.*", "contact.*"]])) for name in sinks]
        rng.shuffle(routes)
        return base | {"feeds": given, "sinks": sinks, "routes": routes}

    first = base | {"feeds": {"office": feeds["office"]}, "sinks": {"archive": sink("archive")}}
    async with jackfield.open_gateway(first | {"routes": [route("archive")]}, plugins=[memory]) as gateway:
        await until(lambda: subscribed(gateway, "office"))
        for number in range(count):
            if number % 5 == 4:  # a broken one between
                with pytest.raises(ConfigError):
                    await gateway.apply(document() | {"routes": [route("nowhere")]})
            await gateway.apply(document())
            await trio.sleep(rng.choice([0.0, 0.02, 0.1]))
    state = gateway.state()
    archived = [event.id for event in memory.got["archive"]]
    assert len(archived) == len(set(archived)) == state.journal.taken
    assert state.feeds["office"].connections == 1
    assert state.feeds["office"].gaps == state.journal.dropped == 0
    assert not memory.reports(EventsDropped)
    assert not [each for each in memory.reports(GapSuspected) if each.feed == "office"]
    assert all(each.left == 0 for each in memory.reports(SinkRemoved))
    assert len(memory.reports(ConfigReloaded)) == count
    assert not memory.open
