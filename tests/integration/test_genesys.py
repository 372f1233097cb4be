"""The example plugin of Genesys Cloud: topics by REST, a roster that changes, channels that expire without a gap."""

import itertools
import json
import random
from datetime import UTC, datetime, timedelta
from functools import partial

import attrs
import pytest
import trio
import trio.testing
from vendors.genesys import Cloud

import jackfield_genesys
from jackfield import open_gateway
from jackfield._feed.clock import Clock
from jackfield._feed.session import Session
from jackfield._net.http_client import drive
from jackfield._routing.planner import FeedPlan
from jackfield.config import Feed
from jackfield.errors import FrameError
from jackfield.plugin.protocol import Emit, Ignore, Renew
from jackfield.plugin.secrets import Secret
from jackfield.reports import RequestFailed
from jackfield.selectors import EVERYTHING
from jackfield.testing._harness import as_target
from jackfield_genesys import Genesys, Notifications, Rest

AT = datetime(2026, 1, 1, tzinfo=UTC)
OPTIONS = Genesys("acme", "client", Secret("text", "s3cret-of-the-client"), roster_seconds=1.0)
PRESENCE, STATUS = "v2.users.{}.presence", "v2.users.{}.routingStatus"
WORDS = ("conversations.calls", "presence", "routingStatus")


def topics_of(*users):
    return {f"v2.users.{user}.{word}" for user in users for word in WORDS}


@attrs.define
class Stage:
    """A session before the cloud, over memory and on virtual time, with the plan that a gateway has."""

    cloud: Cloud
    nursery: trio.Nursery
    options: Genesys = OPTIONS
    events: list = attrs.field(factory=list)
    reports: list = attrs.field(factory=list)
    settled: list = attrs.field(factory=list)
    session: Session = attrs.field(init=False)
    plan: FeedPlan = attrs.field(init=False)

    def __attrs_post_init__(self):
        self.plan = FeedPlan(self.options, webhook_only=False)
        self.session = Session(
            Feed("office", "genesys", self.options),
            self.events.extend,
            self.reports.append,
            random.Random(1),
            opener=partial(self.cloud.open, self.nursery),
            rest=self.perform,
            replan=self.replan,
            clock=Clock(lambda: AT + timedelta(seconds=trio.current_time())),
        )
        self.plan.add([EVERYTHING])
        self.session.wanted.set(self.plan.topics)
        self.nursery.start_soon(self.session.run)

    def replan(self):
        self.plan.replace_provider(self.session.provider)
        self.session.wanted.set(self.plan.topics)

    async def perform(self, flow):
        return await drive(flow, lambda request: self.cloud.answer(as_target(request)))

    async def until(self, condition, seconds=60):
        """How many seconds passed until it held."""
        began = trio.current_time()
        with trio.fail_after(seconds):
            for _ in itertools.count():
                if condition():
                    break
                await trio.sleep(0.01)
        return trio.current_time() - began

    def facts(self):
        return [each.kind for each in self.events if each.kind.startswith("stream.")]

    def kinds(self):
        return [each.kind for each in self.events if not each.kind.startswith("stream.")]


@pytest.fixture
async def stage(nursery):
    """Each test asks for `autojump_clock` itself: pytest-trio heeds a clock among a test's own arguments only."""
    return Stage(Cloud(), nursery)


async def test_everything_is_subscribed_by_one_request_within_03_s_of_connecting(stage, autojump_clock):
    await stage.until(lambda: stage.cloud.opened)
    took = await stage.until(lambda: stage.session.stats.topics == topics_of("alice", "bob"))
    assert took < 0.3  # of virtual time: nothing waits for a grace or a tick
    assert len([each for each in stage.cloud.asked if each.endswith("/subscriptions")]) == 1
    assert stage.facts() == ["stream.connected", "stream.subscribed"]


async def test_a_roster_change_is_subscribed_within_a_second_of_being_known(stage, autojump_clock):
    await stage.until(lambda: stage.session.stats.topics)
    before = len(stage.cloud.asked)
    stage.cloud.users = ["bob", "carol"]
    await stage.until(lambda: stage.session.provider.roster.users == {"bob", "carol"})
    took = await stage.until(lambda: stage.session.stats.topics == topics_of("bob", "carol"))
    assert took < 1
    (channel,) = stage.cloud.channels.values()
    assert channel.topics == topics_of("bob", "carol")
    assert set(stage.cloud.added[6:]) == topics_of("carol")
    changes = [each for each in stage.cloud.asked[before:] if not each.startswith("GET")]
    assert changes[0].startswith("POST"), "nobody goes without while the new ones are on their way"
    assert "stream.backfilled" not in stage.facts()
    assert "stream.gap_suspected" not in stage.facts()


async def test_a_channel_is_renewed_before_it_expires_without_a_gap_and_each_event_comes_once(nursery, autojump_clock):
    stage = Stage(Cloud(), nursery, attrs.evolve(OPTIONS, channel_seconds=100.0))
    await stage.until(lambda: stage.session.stats.topics)
    for number in range(300):
        await stage.cloud.publish(STATUS.format("alice"), {"routingStatus": {"status": "IDLE"}, "number": number})
        await trio.sleep(1)
    numbers = [each.data["eventBody"]["number"] for each in stage.events if each.kind == "agent.ready"]
    assert sorted(set(numbers)) == list(range(300))
    ids = {each.id for each in stage.events if each.kind == "agent.ready"}
    assert len(ids) == 300, "copies by two channels have one id"
    assert len(stage.cloud.opened) >= 3
    # Only what is true of every vendor whose REST is not asked: nobody would know of an event that it dropped.
    assert set(stage.facts()) == {"stream.connected", "stream.subscribed", "stream.not_verified"}
    assert len([each for each in stage.facts() if each == "stream.not_verified"]) <= len(stage.cloud.opened)
    assert stage.session.stats.gaps == 0


async def test_a_renewal_keeps_the_token_and_another_login_follows_only_when_it_is_refused(nursery, autojump_clock):
    stage = Stage(Cloud(), nursery, attrs.evolve(OPTIONS, channel_seconds=50.0))
    await stage.until(lambda: len(stage.cloud.opened) == 2)
    assert stage.cloud.asked.count("POST /oauth/token") == 1
    stage.cloud.tokens.clear()
    await stage.until(lambda: len(stage.cloud.opened) == 3)
    assert stage.cloud.asked.count("POST /oauth/token") == 2


async def test_a_server_that_is_about_to_close_is_left_before_it_does(stage, autojump_clock):
    await stage.until(lambda: stage.session.stats.topics)
    await stage.cloud.broadcast(None, {"topicName": "v2.system.socket_closing", "eventBody": {"message": "soon"}})
    await stage.until(lambda: len(stage.cloud.opened) == 2)
    await trio.sleep(5)
    assert stage.session.stats.gaps == 0


async def test_one_topic_that_is_refused_costs_itself_only(nursery, autojump_clock):
    cloud = Cloud()
    cloud.refused = {PRESENCE.format("bob")}
    stage = Stage(cloud, nursery)
    await stage.until(lambda: stage.session.stats.topics)
    assert stage.session.stats.topics == topics_of("alice", "bob") - cloud.refused
    assert set(stage.session.stats.refused_topics) == cloud.refused


async def test_a_cut_is_a_gap(stage, autojump_clock):
    await stage.until(lambda: stage.session.stats.topics)
    (channel,) = stage.cloud.channels.values()
    await trio.aclose_forcefully(channel.line._stream)
    await stage.until(lambda: "stream.gap_suspected" in stage.facts())
    assert stage.session.stats.topics == topics_of("alice", "bob")


async def test_rest_that_fails_for_a_while_is_tried_again(nursery, autojump_clock):
    cloud = Cloud()
    stage = Stage(cloud, nursery)
    await stage.until(lambda: stage.session.stats.topics)
    cloud.down = True
    await trio.sleep(10)
    cloud.down = False
    stage.cloud.users.append("carol")
    await stage.until(lambda: stage.session.stats.topics == topics_of("alice", "bob", "carol"), 300)
    assert not any(isinstance(each, RequestFailed) for each in stage.reports)


def read(document):
    protocol = Notifications("office", "acme", "channel", Rest("https://api", "token"))
    return list(protocol.received(json.dumps(document).encode(), AT))


@pytest.mark.parametrize(
    ("topic", "body", "kind"),
    [
        (PRESENCE, {"presenceDefinition": {"systemPresence": "Available"}}, "agent.logged_on"),
        (PRESENCE, {"presenceDefinition": {"systemPresence": "Offline"}}, "agent.logged_off"),
        (PRESENCE, {"presenceDefinition": {"systemPresence": "Meal"}}, "agent.updated"),
        (STATUS, {"routingStatus": {"status": "IDLE"}}, "agent.ready"),
        (STATUS, {"routingStatus": {"status": "INTERACTING"}}, "agent.busy"),
        ("v2.users.{}.conversations.calls", {"id": "c1"}, "call.updated"),
        ("v2.users.{}.geolocation", {}, "unmapped.user"),
    ],
)
def test_each_notification_has_its_kind(topic, body, kind):
    (emit,) = read({"topicName": topic.format("alice"), "eventBody": body})
    assert isinstance(emit, Emit)
    assert (emit.event.kind, emit.event.address.resource_id) == (kind, "alice")


def test_a_heartbeat_is_ignored_and_a_closing_socket_renewed():
    assert read({"topicName": "channel.metadata", "eventBody": {}}) == [Ignore("channel.metadata")]
    assert [type(each) for each in read({"topicName": "v2.system.socket_closing"})] == [Ignore, Renew]


@pytest.mark.parametrize("document", [[], {}, {"topicName": 7}, {"topicName": "v2.users."}])
def test_what_is_no_notification_is_a_frame_error(document):
    with pytest.raises(FrameError):
        read(document)


async def test_it_works_in_a_gateway_on_real_sockets():
    async with trio.open_nursery() as nursery:
        cloud = Cloud()
        await cloud.listen(nursery)
        base = f"http://{cloud.authority}"
        feed = {"provider": "genesys", "organization": "acme", "client_id": "c", "client_secret": "s3cret-enough"}
        feed |= {"api": base, "login": base, "roster_seconds": 1}
        async with open_gateway({"feeds": {"office": feed}}, plugins=[jackfield_genesys]) as gateway:
            with gateway.listen("agent.*", "stream.*") as events, trio.fail_after(20):
                await until(events, lambda each: each.kind == "stream.subscribed")
                cloud.users.append("carol")
                await until(events, lambda each: each.kind == "stream.subscribed" and "carol" in str(each.data))
                await cloud.publish(STATUS.format("carol"), {"routingStatus": {"status": "IDLE"}})
                event = await until(events, lambda each: each.kind == "agent.ready")
        nursery.cancel_scope.cancel()
    assert str(event.address) == "genesys/organization/acme/user/carol/routingStatus"


async def until(events, wanted):
    async for each in events:
        if wanted(each):
            return each
    raise AssertionError("the events have ended")
