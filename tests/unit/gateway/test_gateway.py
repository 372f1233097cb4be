"""`jackfield._gateway.gateway`: wiring, listening and the order of shutdown, against both simulators."""

import gc
import json
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from functools import partial

import attrs
import pytest
import trio

import jackfield
from jackfield._journal.store import SegmentStore
from jackfield.errors import ConfigError, DeliveryError, JackfieldError, JournalError, PluginError
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.sink import SinkSpec
from jackfield.reports import EventsDropped, KindUnknown
from jackfield.simulation import serve
from jackfield_vinix.simulator import VinixSimulator
from jackfield_voipbin.simulator import VoipbinSimulator

SIMULATORS = {"office": VoipbinSimulator("t", rate=200.0), "support": VinixSimulator("t", rate=200.0)}


@pytest.fixture
async def feeds(nursery):
    """Two vendors' servers that run, and the feeds that connect to them."""
    return {name: each.feed(await nursery.start(partial(serve, each))) for name, each in SIMULATORS.items()}


@attrs.define(eq=False)
class Memory:
    """A sink that is also a plugin: keeps what it gets, says when it was opened and closed."""

    got: list = attrs.field(factory=list)
    said: list = attrs.field(factory=list)
    trouble: Exception | None = None
    hangs: bool = False

    @hookimpl
    def jackfield_sinks(self):
        memory = self

        @attrs.frozen
        class Options:
            @asynccontextmanager
            async def open(self):
                if memory.trouble is not None:
                    raise memory.trouble
                memory.said.append("open")
                yield memory
                memory.said.append("closed")

        return [SinkSpec("memory", "", Options)]

    @hookimpl
    def jackfield_observe(self, report):
        self.said.append(report)

    async def write(self, batch):
        if self.hangs:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        self.got += batch.events


def config(feeds, *select):
    routes = [{"select": list(select), "sinks": ["m"]}] if select else []
    return {"feeds": feeds, "sinks": {"m": {"type": "memory"}}, "routes": routes}


async def until(condition):
    with trio.fail_after(10):
        while not condition():  # noqa: ASYNC110  # a test looks from outside
            await trio.sleep(0.01)


async def test_both_vendors_events_reach_a_sink_under_the_same_names(feeds):
    memory = Memory()
    async with jackfield.open_gateway(config(feeds, "contact.*", "offer.*"), plugins=[memory]):
        await until(lambda: len(memory.got) > 40)
    providers = {}
    for event in memory.got:
        assert event.kind.startswith(("contact.", "offer."))
        providers.setdefault(event.kind, set()).add(event.address.provider)
    assert providers["contact.queued"] == providers["contact.connected"] == {"voipbin", "vinix"}
    assert len({event.id for event in memory.got}) == len(memory.got)


async def test_a_listener_gets_what_it_asks_for_and_feeds_subscribe_to_nothing_else(feeds):
    async with jackfield.open_gateway({"feeds": feeds}) as gateway:
        await until(lambda: gateway.state().feeds["support"].state.value == "connected")
        assert gateway.plan("support").topics == ()
        with gateway.listen("agent.ready") as ready:
            kinds = {(await anext(ready)).kind for _ in range(5)}
            assert kinds == {"agent.ready"}
            assert [topic.split(".")[1] for topic in gateway.state().feeds["support"].topics] == ["recipient"]
            assert [topic.split(":")[2] for topic in gateway.state().feeds["office"].topics] == ["agent"]
        await until(lambda: not gateway.state().feeds["support"].topics)
        assert gateway.plan("office").topics == ()


async def test_a_feed_that_does_not_exist_has_no_plan_and_those_that_do_are_named(feeds):
    async with jackfield.open_gateway({"feeds": feeds}) as gateway:
        with pytest.raises(JackfieldError, match="no feed 'offise'; there are: office, support"):
            gateway.plan("offise")


async def test_two_listeners_share_a_topic_until_the_last_is_gone(feeds):
    async with jackfield.open_gateway({"feeds": feeds}) as gateway:
        first, second = gateway.listen("agent.ready"), gateway.listen("agent.*")
        await anext(first)
        first.close()
        assert gateway.plan("office").topics == gateway.plan("office").entries[0].topics
        seen = [await anext(second) for _ in range(3)]
        assert all(event.kind.startswith("agent.") for event in seen)
        second.close()
        assert gateway.plan("office").topics == ()


async def test_a_loop_ends_when_the_gateway_does(feeds):
    async with trio.open_nursery() as nursery:
        finished = trio.Event()

        async def loop(gateway):
            async for _ in gateway.listen("**"):
                pass
            finished.set()

        async with jackfield.open_gateway({"feeds": feeds}) as gateway:
            nursery.start_soon(loop, gateway)
            await trio.sleep(0.05)
        with trio.fail_after(2):
            await finished.wait()


async def test_leaving_drains_sinks_and_then_closes_them(feeds):
    memory = Memory()
    async with jackfield.open_gateway(config(feeds, "**"), plugins=[memory]) as gateway:
        await until(lambda: len(memory.got) > 20)
    assert memory.said[0] == "open"
    assert memory.said[-1] == "closed"
    stats = gateway.state()
    assert stats.sinks["m"].delivered == len(memory.got)
    assert stats.sinks["m"].lag == stats.sinks["m"].dropped == 0
    facts = sum(event.kind.startswith("stream.") for event in memory.got)
    came = sum(feed.events for feed in stats.feeds.values())
    assert came - stats.journal.duplicates == len(memory.got) - facts  # Vinix' two spellings bring copies at first


async def test_a_sink_that_hangs_delays_no_other_and_is_not_waited_for_beyond_the_deadline(feeds):
    stuck, fine = Memory(hangs=True), Memory()
    document = config(feeds, "**") | {"gateway": {"drain_seconds": 0.1}}
    async with jackfield.open_gateway(document, plugins=[stuck]) as gateway:
        with gateway.listen("**") as events:
            for _ in range(30):
                fine.got.append(await anext(events))
    dropped = [report for report in stuck.said if isinstance(report, EventsDropped)]
    assert dropped[-1].reason == "the gateway was closed before they were delivered"
    assert gateway.state().sinks["m"].dropped >= 30
    assert len(fine.got) == 30


@attrs.define(eq=False)
class Interrupted(Memory):
    """Python raises an interrupt in whatever task is running: here in one of two sinks, while the other hangs."""

    now: trio.Event = attrs.field(factory=trio.Event)

    async def write(self, batch):
        if self.got:
            await trio.sleep_forever()
        self.got += batch.events
        await self.now.wait()
        raise KeyboardInterrupt


def two_sinks(feeds):
    sinks = {name: {"type": "memory"} for name in "mn"}
    return {"feeds": feeds, "sinks": sinks, "routes": [{"select": ["**"], "sinks": ["m", "n"]}]}


async def test_an_interrupt_while_it_ends_ends_it_at_once_whichever_task_it_hits(feeds, nursery):
    sinks = Interrupted()

    async def interrupt_when_it_ends(gateway):
        async for _ in gateway.listen("**"):
            pass
        sinks.now.set()

    with trio.fail_after(20), pytest.raises(BaseExceptionGroup) as caught:
        document = two_sinks(feeds) | {"gateway": {"drain_seconds": 60}}
        async with jackfield.open_gateway(document, plugins=[sinks]) as gateway:
            nursery.start_soon(interrupt_when_it_ends, gateway)
            await until(lambda: len(sinks.got) > 0)
    assert caught.value.split(KeyboardInterrupt)[1] is None


async def test_the_first_interrupt_still_ends_it_in_order(feeds):
    sinks = Interrupted()
    with pytest.raises(BaseExceptionGroup) as caught:
        document = two_sinks(feeds) | {"gateway": {"drain_seconds": 0.1}}
        async with jackfield.open_gateway(document, plugins=[sinks]):
            await until(lambda: len(sinks.got) > 0)
            sinks.now.set()
            await trio.sleep_forever()
    assert caught.value.split(KeyboardInterrupt)[1] is None
    dropped = [report for report in sinks.said if isinstance(report, EventsDropped)]
    assert dropped[-1].reason == "the gateway was closed before they were delivered"
    assert sinks.said[-1] == "closed"


async def test_what_a_sink_did_not_get_waits_in_the_file_for_the_next_start(feeds, tmp_path):
    options = {"gateway": {"journal": str(tmp_path / "var" / "journal"), "drain_seconds": 0.1}}
    stuck, later = Memory(hangs=True), Memory()
    async with jackfield.open_gateway(config(feeds, "**") | options, plugins=[stuck]) as gateway:
        with gateway.listen("**") as events:
            seen = [await anext(events) for _ in range(30)]
    assert gateway.state().sinks["m"].dropped == 0
    assert not [report for report in stuck.said if isinstance(report, EventsDropped)]
    async with jackfield.open_gateway(config(feeds, "**") | options, plugins=[later]) as gateway:
        await until(lambda: len(later.got) >= 30)
    taken = {event.id for event in later.got}
    assert {event.id for event in seen} <= taken
    assert gateway.state().sinks["m"].lag == 0


async def test_a_copy_of_an_event_reaches_neither_sinks_nor_listeners(feeds):
    """Two feeds of the same account bring everything twice."""
    memory = Memory()
    twice = {"office": feeds["office"], "again": feeds["office"]}
    async with jackfield.open_gateway(config(twice, "contact.*"), plugins=[memory]) as gateway:
        with gateway.listen("contact.*") as events:
            heard = [await anext(events) for _ in range(40)]
        await until(lambda: gateway.state().journal.duplicates > 10)
    assert len({event.id for event in heard}) == len(heard)
    assert len({event.id for event in memory.got}) == len(memory.got)


async def test_a_journal_that_cannot_be_used_is_reported_before_anything_starts(feeds, tmp_path):
    (tmp_path / "journal").write_text("precious")
    memory = Memory()
    document = config(feeds, "**") | {"gateway": {"journal": str(tmp_path / "journal")}}
    with pytest.raises(JournalError, match="journal: is a file; name a folder"):
        async with jackfield.open_gateway(document, plugins=[memory]):
            pytest.fail("must not start")
    assert memory.said == []
    assert (tmp_path / "journal").read_text() == "precious"


async def test_a_sink_that_cannot_be_opened_gives_the_journal_back(feeds, tmp_path):
    document = config(feeds, "**") | {"gateway": {"journal": str(tmp_path / "journal")}}
    with pytest.raises(DeliveryError):
        async with jackfield.open_gateway(document, plugins=[Memory(trouble=OSError(13, "Permission denied"))]):
            pytest.fail("must not start")
    SegmentStore.open(tmp_path / "journal").close()


async def test_cancelling_ends_as_orderly_as_leaving(feeds):
    memory = Memory()
    with trio.CancelScope() as scope:
        async with jackfield.open_gateway(config(feeds, "**"), plugins=[memory]) as gateway:
            await until(lambda: len(memory.got) > 5)
            scope.cancel()
            await trio.sleep_forever()
    assert memory.said[-1] == "closed"
    assert gateway.state().sinks["m"].lag == 0


async def test_what_the_body_raises_comes_out_as_itself(feeds):
    with pytest.raises(ZeroDivisionError):
        async with jackfield.open_gateway({"feeds": feeds}):
            raise ZeroDivisionError


async def test_a_group_that_the_body_raises_comes_out_too(feeds):
    with pytest.raises(ExceptionGroup):
        async with jackfield.open_gateway({"feeds": feeds}):
            raise ExceptionGroup("two", [ValueError(), KeyError()])


@pytest.mark.parametrize("trouble", [OSError(13, "Permission denied"), DeliveryError("no such thing")])
async def test_a_sink_that_cannot_be_opened_is_named_before_anything_starts(trouble):
    feeds = {"office": SIMULATORS["office"].feed("ws://127.0.0.1:9/v1.0/ws")}
    with pytest.raises(DeliveryError, match=r"sinks\.m: cannot be opened: .*(Permission denied|no such thing)"):
        async with jackfield.open_gateway(config(feeds, "**"), plugins=[Memory(trouble=trouble)]):
            pytest.fail("must not start")


async def test_a_wrong_configuration_is_reported_whole():
    with pytest.raises(ConfigError) as caught:
        async with jackfield.open_gateway({"feeds": {"a": {}}, "sinks": {"b": {}}}):
            pytest.fail("must not start")
    assert len(caught.value.problems) == 2


async def test_a_configuration_may_be_a_file(tmp_path, feeds):
    path = tmp_path / "gateway.toml"
    table = "\n".join(f"{key} = {json.dumps(value)}" for key, value in feeds["office"].items())
    path.write_text(f"[feeds.office]\n{table}\n")
    async with jackfield.open_gateway(path) as gateway:
        await until(lambda: gateway.state().feeds["office"].state.value == "connected")


async def test_two_gateways_in_one_process_have_their_own_observers(feeds):
    registry, first, second = jackfield.Registry.load(), Memory(), Memory()
    async with jackfield.open_gateway({"feeds": feeds}, registry=registry, plugins=[first]):
        told = len(first.said)
        async with jackfield.open_gateway({"feeds": {"other": feeds["office"]}}, registry=registry, plugins=[second]):
            await until(lambda: second.said)
    assert {report.feed for report in second.said} == {"other"}
    assert {report.feed for report in first.said[told:]} == {"office", "support"}


async def test_nobody_can_listen_to_a_gateway_that_is_closed(feeds):
    async with jackfield.open_gateway({"feeds": feeds}) as gateway:
        pass
    with pytest.raises(jackfield.JackfieldError, match="the gateway is closed"):
        gateway.listen("**")


async def test_a_selector_that_does_not_parse_is_refused_where_it_is_written(feeds):
    async with jackfield.open_gateway({"feeds": feeds}) as gateway:
        with pytest.raises(jackfield.JackfieldError, match="two words"):
            gateway.listen("call")


def make(number):
    at = datetime.now(UTC)
    address = jackfield.Address("probe", "test", "t", "call", str(number), "updated")
    return jackfield.Event(f"id-{number}", "call.updated", address, at, at, "probe")


async def test_what_is_published_is_committed_when_that_returns_and_reaches_listeners_and_sinks_once(feeds, tmp_path):
    memory = Memory()
    document = config(feeds, "call.updated @ probe/**") | {"gateway": {"journal": str(tmp_path / "journal")}}
    async with jackfield.open_gateway(document, plugins=[memory]) as gateway:
        with gateway.listen("probe/**") as listener:
            assert await gateway.publish(make(1), make(2), make(1)) == 2
            with closing(SegmentStore.open(tmp_path / "journal", readonly=True)) as store:
                bodies = [row.body for page in store.scan(0, 2**60, print) for row in page]
            assert sum(b'"source":"/probe/' in body for body in bodies) == 2
            assert await gateway.publish(make(2), make(3)) == 1
            assert gateway.state().journal.duplicates == 2
            assert [(await anext(listener)).id for _ in range(3)] == ["id-1", "id-2", "id-3"]
        await until(lambda: len(memory.got) >= 3)
    assert [event.id for event in memory.got] == ["id-1", "id-2", "id-3"]
    with pytest.raises(JackfieldError):
        await gateway.publish(make(4))


async def test_who_asks_for_committed_events_gets_those_alone_each_with_its_position(feeds, monkeypatch, tmp_path):
    broken, append = [True], SegmentStore.append

    def refuse(store, *arguments):
        if broken:
            raise JournalError("the disk is full")
        append(store, *arguments)

    monkeypatch.setattr(SegmentStore, "append", refuse)
    document = {"feeds": feeds, "gateway": {"journal": str(tmp_path / "journal")}}
    async with jackfield.open_gateway(document) as gateway, trio.open_nursery() as nursery:
        heard, committed = gateway.listen("probe/**"), gateway.listen("probe/**", committed=True)
        other = gateway.listen("other/**", committed=True)
        nursery.start_soon(gateway.publish, make(1), make(2))
        assert [(await anext(heard)).id for _ in range(2)] == ["id-1", "id-2"]
        assert committed.take_nowait() == []
        assert [state.waiting for state in gateway.state().listeners] == [0, 0, 0]
        broken.clear()
        records = [await anext(committed) for _ in range(2)]
        await gateway.publish(make(3))
        assert other.take_nowait() == []
    records += [record async for record in committed]
    with closing(SegmentStore.open(tmp_path / "journal", readonly=True)) as store:
        ids = [json.loads(store.read(record.position, 1).lines[0].body)["id"] for record in records]
    assert ids == [record.event.id for record in records] == ["id-1", "id-2", "id-3"]


async def test_a_listener_to_committed_events_ends_behind_the_last_commit_of_the_gateway(feeds, tmp_path):
    document = {"feeds": feeds, "gateway": {"journal": str(tmp_path / "journal")}}
    async with jackfield.open_gateway(document) as gateway:
        committed = gateway.listen("probe/**", committed=True)
        gateway._take("probe", [make(number) for number in range(50)])
    assert [record.event.id async for record in committed] == [f"id-{number}" for number in range(50)]


async def test_with_a_journal_in_memory_positions_are_there_too(feeds):
    async with jackfield.open_gateway({"feeds": feeds}) as gateway:
        with gateway.listen("probe/**", committed=True) as committed:
            await gateway.publish(make(1), make(2))
            first, second = await committed.take()
            assert second.position == first.position + 1 > 1


async def test_with_a_journal_in_a_file_what_a_sink_did_not_get_comes_at_the_next_start(feeds, tmp_path):
    document = config(feeds, "probe/**") | {"gateway": {"journal": str(tmp_path / "journal"), "drain_seconds": 0.1}}
    async with jackfield.open_gateway(document, plugins=[Memory(hangs=True)]) as gateway:
        await gateway.publish(make(1), make(2))
    assert gateway.state().sinks["m"].dropped == 0
    memory = Memory()
    async with jackfield.open_gateway(document, plugins=[memory]):
        await until(lambda: len(memory.got) == 2)
    assert [event.id for event in memory.got] == ["id-1", "id-2"]


async def test_what_was_missed_while_no_gateway_was_running_is_reported_as_a_gap(feeds, tmp_path):
    document = config(feeds, "**") | {"gateway": {"journal": str(tmp_path / "journal")}}
    first, second = Memory(), Memory()
    async with jackfield.open_gateway(document, plugins=[first]):
        await until(lambda: {"office", "support"} == {event.feed for event in first.got if event.kind[:6] != "stream"})
    assert not any(event.kind == "stream.gap_suspected" for event in first.got)
    last = {event.feed: event.received for event in first.got if event.kind[:6] != "stream"}
    stopped = datetime.now(UTC)
    async with jackfield.open_gateway(document, plugins=[second]):
        await until(lambda: sum(event.kind == "stream.gap_suspected" for event in second.got) == 2)
    for event in second.got:
        if event.kind == "stream.gap_suspected":
            assert event.data["cause"] == "no gateway was running"
            since, until_ = (datetime.fromisoformat(event.data[name]) for name in ("since", "until"))
            assert last[event.feed] - timedelta(milliseconds=1) < since < stopped < until_


async def test_two_gateways_cannot_use_one_journal(feeds, tmp_path):
    document = config(feeds) | {"sinks": {}, "gateway": {"journal": str(tmp_path / "journal")}}
    async with jackfield.open_gateway(document):
        with pytest.raises(JournalError, match="another gateway writes to this journal, process"):
            async with jackfield.open_gateway(document):
                pass


async def test_the_state_is_a_snapshot_of_everything_and_does_not_change_later(feeds):
    memory = Memory()
    async with jackfield.open_gateway(config(feeds, "**"), plugins=[memory]) as gateway:
        with gateway.listen("contact.*", buffer=5, overflow="drop_newest") as listener:
            await until(lambda: listener.dropped)
            state = gateway.state()
            kept = repr(state)
            await until(lambda: gateway.state().feeds["office"].events > state.feeds["office"].events + 20)
    assert repr(state) == kept
    assert state.feeds["office"].state.value == "subscribed"
    assert state.feeds["office"].since <= datetime.now(UTC)
    assert state.sinks["m"].state == "delivering"
    (heard,) = state.listeners
    assert (heard.selectors, heard.buffer, heard.overflow) == (listener.selectors, 5, "drop_newest")
    assert heard.waiting == 5
    assert heard.dropped >= 1
    assert gateway.state().listeners == ()
    with pytest.raises(TypeError):
        state.feeds["office"] = None
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        state.journal = None


async def test_a_feed_tells_in_the_stream_what_it_is_subscribed_to_and_when_that_is_nothing_any_more(feeds):
    async with jackfield.open_gateway({"feeds": feeds}) as gateway:
        with gateway.listen("stream.* @ vinix/**") as facts:
            listener = gateway.listen("agent.ready")
            while (event := await anext(facts)).kind != "stream.subscribed":
                pass
            assert [topic.split(".")[1] for topic in event.data["topics"]] == ["recipient"]
            listener.close()
            event = await anext(facts)
            assert (event.kind, event.data["topics"]) == ("stream.subscribed", [])
            await until(lambda: gateway.state().feeds["support"].state.value == "connected")


@pytest.mark.parametrize(
    "error", [ValueError("mine"), KeyboardInterrupt(), SystemExit(3), ExceptionGroup("", [ValueError(), OSError()])]
)
async def test_what_the_body_raises_leaves_as_itself_and_not_in_a_group(feeds, error):
    with pytest.raises(type(error)) as caught:
        async with jackfield.open_gateway({"feeds": feeds}):
            raise error
    assert caught.value is error


async def test_listening_to_nothing_is_an_error_that_says_what_selects_everything(feeds):
    async with jackfield.open_gateway({"feeds": feeds}) as gateway:
        with pytest.raises(ValueError, match=r'no selector is given.*"\*\*"'):
            gateway.listen(*[])
        assert gateway.state().listeners == ()


async def test_a_loop_that_is_left_without_closing_its_listener_leaves_no_subscription_behind(feeds):
    async with jackfield.open_gateway({"feeds": feeds}) as gateway:
        async for _ in gateway.listen("contact.*"):
            break
        await until(lambda: gateway.plan("support").entries == ())
        assert gateway.state().listeners == ()
        await until(lambda: not gateway.state().feeds["support"].topics)


async def test_a_listener_that_a_task_waits_for_is_not_let_go_of(feeds, nursery):
    got = []

    async def wait(gateway, task_status):
        listener = gateway.listen("probe/**")
        task_status.started()
        got.append(await anext(listener))

    async with jackfield.open_gateway({"feeds": feeds}) as gateway:
        await nursery.start(wait, gateway)
        gc.collect()
        await gateway.publish(make(1))
        await until(lambda: got)


async def test_a_kind_that_nobody_has_is_reported_with_what_was_probably_meant(feeds):
    memory = Memory()
    async with jackfield.open_gateway(config(feeds, "agent.raedy"), plugins=[memory]) as gateway:
        with gateway.listen("contact.qeued", "contact.queued", "unmapped.thing", "stream.*", "**"):
            gateway.add_route({"select": ["cal.*"], "sinks": ["m"]})
    assert [str(each) for each in memory.said if isinstance(each, KindUnknown)] == [
        "selector agent.raedy: there is no kind agent.raedy; did you mean agent.ready?",
        "selector contact.qeued: there is no kind contact.qeued; did you mean contact.queued?",
        "selector cal.*: there is no kind cal; did you mean call?",
    ]


async def test_an_observer_with_a_wrong_parameter_is_an_error_where_the_program_gives_it(feeds):
    class Wrong:
        @hookimpl
        def jackfield_observe(self, event):
            pass

    with pytest.raises(PluginError, match="jackfield_observe"):
        async with jackfield.open_gateway({"feeds": feeds}, plugins=[Wrong()]):
            pass


def test_whatever_a_gateway_returns_is_a_public_type():
    from jackfield import reports

    for method in (jackfield.Gateway.state, jackfield.Gateway.plan, jackfield.Gateway.listen):
        assert getattr(jackfield, method.__annotations__["return"].partition("[")[0]).__name__
    for name in ("FeedStats", "WebhookStats", "SinkStats", "JournalStats", "ListenerState"):
        assert name in reports.__all__
        assert attrs.has(getattr(reports, name))
