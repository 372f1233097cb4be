"""A silenced subscription heals, nobody is silenced by us, and topics by event bring fewer copies."""

import json
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from jackfield.plugin.protocol import Backfill, Emit, GapSuspected, NotVerified, Renew, Send
from jackfield.plugin.secrets import Secret
from jackfield.selectors import Selector
from jackfield_voipbin import Voipbin
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator
from jackfield_voipbin.subscribing import RENEW_SECONDS
from jackfield_voipbin.times import last_change
from jackfield_voipbin.tokens import make_token

START = datetime(2026, 10, 1, tzinfo=UTC)
TOKEN = make_token(CUSTOMER)


class Platform:
    """The simulated platform of October 2026 and one feed, in virtual time."""

    def __init__(self, *selectors, rate=5, **options):
        self.now, self.rate = START, rate
        self.simulator = VoipbinSimulator(TOKEN, profile="2026-10")
        self.day = self.simulator.events(lambda: self.now)
        self.feed = Voipbin(Secret("text", TOKEN), CUSTOMER, "ws://x/v1.0/ws", **options)
        self.protocol = self.feed.protocol("office")
        self.client, self.other = self.connect(), self.connect()
        self.frames, self.events, self.published, self.others, self.sent = 0, [], [], [], []
        self.spans = []
        """In which events are announced to be missing, or not verified."""
        self.live_at = START
        for selector in selectors:
            for topic in self.feed.dialect.topics_of(Selector.parse(selector)):
                self.act(self.protocol.subscribe(topic))

    def connect(self):
        self.simulator.admit(f"/v1.0/ws?token={TOKEN}", {})
        return self.simulator.client()

    def act(self, actions):
        for action in list(actions):
            match action:
                case Emit(event):
                    self.events.append(event)
                case Send():
                    self.sent.append(json.loads(action.frame))
                    assert not list(self.client.received(action.frame))
                case Backfill():
                    flow = self.protocol.backfill(None, self.now)
                    try:
                        request = next(flow)
                        while True:
                            request = flow.send(self.simulator.answer(request))
                    except StopIteration as done:
                        self.act(done.value)
                case GapSuspected(since):
                    self.spans.append((since, self.now))
                case NotVerified(since, until):
                    self.spans.append((since, until or self.now))
                case _:
                    self.others.append(action)

    def run(self, seconds):
        for _ in range(seconds):
            for _ in range(self.rate):
                self.now += timedelta(seconds=1 / self.rate)
                event = next(self.day)
                self.published.append((self.now, event))
                for frame in self.client.frames_for(event):
                    self.frames += 1
                    self.live_at = self.now
                    self.act(self.protocol.received(frame.encode(), self.now))
            self.act(self.protocol.tick(self.now, 1.0))

    def unsubscribed_by_another(self):
        unsubscribe = {"type": "unsubscribe", "topics": [f"customer_id:{CUSTOMER}:nobody:holds-this"]}
        list(self.other.received(json.dumps(unsubscribe)))


def test_another_clients_unsubscribe_silences_everybody_until_a_subscription_is_sent_again():
    platform = Platform("call.*", resubscribe_seconds=0, reconcile_seconds=0)
    platform.run(20)
    heard = platform.frames
    for _ in range(10):
        platform.unsubscribed_by_another()
    platform.run(100)
    assert platform.frames == heard > 0
    platform.act(platform.protocol._subscribing.again())
    platform.run(20)
    assert platform.frames > heard


def test_a_silenced_subscription_is_live_again_within_half_a_minute():
    platform = Platform("call.*")
    platform.run(70)
    for _ in range(10):
        platform.unsubscribed_by_another()
    platform.run(32)
    heard = platform.frames
    platform.run(5)
    assert platform.frames > heard
    # One text for each scope is enough.
    assert len([each for each in platform.sent if each["topics"] == platform.sent[-1]["topics"]]) <= 6


@pytest.mark.parametrize("seed", range(3))
def test_beside_a_client_that_unsubscribes_at_random_every_call_is_delivered_or_in_an_announced_gap(seed):
    platform = Platform("call.*", "recording.*", reconcile_seconds=100)
    platform.run(30)
    chance = Random(seed)
    for _ in range(60):
        if chance.random() < 0.2:
            for _ in range(chance.randint(1, 6)):
                platform.unsubscribed_by_another()
        platform.run(10)
        assert platform.now - platform.live_at <= timedelta(seconds=100)
    platform.run(220)
    known = {(event.data["id"], last_change(event.data)[0]) for event in platform.events}
    assert platform.spans
    lost = 0
    for at, event in platform.published:
        selected = event.event_type.startswith(("call_", "recording_")) and at < platform.now - timedelta(seconds=110)
        if selected and (event.data["id"], last_change(event.data)[0]) not in known:
            lost += 1
            assert any(since <= at <= until for since, until in platform.spans)
    assert lost < len(platform.published) / 10
    assert {each["type"] for each in platform.sent} == {"subscribe"}


def test_a_topic_that_nobody_wants_any_more_is_left_out_at_the_next_renewal():
    platform = Platform("call.*", "message.*")
    platform.act(platform.protocol.unsubscribe(f"customer_id:{CUSTOMER}:call:*"))
    assert {each["type"] for each in platform.sent} == {"subscribe"}
    platform.run(int(RENEW_SECONDS) + 1)
    renewals = [each for each in platform.others if isinstance(each, Renew)]
    assert len(renewals) == 1 and "nobody selects any more" in renewals[0].reason
    # Wanted again, it needs no new text.
    count = len([each for each in platform.sent if "call:call_" in each["topics"][0]])
    platform.act(platform.protocol.subscribe(f"customer_id:{CUSTOMER}:call:*"))
    assert len([each for each in platform.sent if "call:call_" in each["topics"][0]]) == count


@pytest.mark.parametrize(
    ("options", "says"),
    [({}, False), ({"dialect": "prefix"}, False), ({"dialect": "documented"}, True), ({"unsubscribe": "send"}, True)],
)
def test_only_a_documented_server_is_sent_an_unsubscribe_unless_it_is_configured(options, says):
    protocol = Voipbin(Secret("text", TOKEN), CUSTOMER, "ws://x/v1.0/ws", **options).protocol("office")
    topic = f"customer_id:{CUSTOMER}:call:" + ("" if options.get("dialect") == "prefix" else "*")
    list(protocol.subscribe(topic))
    assert any("unsubscribe" in action.frame for action in protocol.unsubscribe(topic)) is says


@pytest.mark.parametrize("dialect", ["auto", "prefix"])
def test_who_wants_final_segments_receives_no_interim_frame(dialect):
    platform = Platform("transcription.segment_completed", dialect=dialect, rate=20)
    platform.run(60)
    assert {event.kind for event in platform.events} == {"transcription.segment_completed"}
    assert {event.native_type for event in platform.events} <= {"", "transcript_created"}


@pytest.mark.parametrize("dialect", ["auto", "prefix"])
def test_a_call_feed_receives_at_most_two_copies(dialect):
    platform = Platform("call.*", dialect=dialect, rate=20)
    # An agent's own connection binds a second scope, which doubles what the agent's calls bring to everybody.
    platform.run(60)
    agents = {event.topics[2].split(":")[1] for _, event in platform.published if len(event.topics) > 2}
    for agent in agents:
        list(platform.other.received(json.dumps({"type": "subscribe", "topics": [f"agent_id:{agent}:"]})))
    platform.events.clear()
    platform.frames = 0
    platform.run(60)
    calls = {event.id for event in platform.events}
    assert calls
    assert platform.frames / len(calls) <= 2


def test_a_connection_with_one_event_alone_knows_the_name_of_its_bare_frames():
    platform = Platform("call.cleared", dialect="prefix", rate=20)
    platform.run(60)
    assert platform.events
    assert {(event.native_type, event.inferred) for event in platform.events} == {("call_hangup", False)}
    platform.act(platform.protocol.subscribe(f"customer_id:{CUSTOMER}:call:call_ringing"))
    platform.events.clear()
    platform.run(20)
    assert {event.inferred for event in platform.events} == {True}


def test_an_event_that_is_the_prefix_of_another_names_no_frame():
    platform = Platform(dialect="prefix")
    platform.act(platform.protocol.subscribe(f"customer_id:{CUSTOMER}:campaign:campaign_status_stop"))
    assert platform.protocol._subscribing.event == ""
