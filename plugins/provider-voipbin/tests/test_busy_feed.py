"""A busy feed in virtual time: what the comparison with REST cannot know is never claimed, and memory is bounded."""

from datetime import UTC, datetime, timedelta

import pytest

from jackfield.plugin.protocol import Backfill, Emit, GapSuspected, NotVerified, Send
from jackfield.plugin.secrets import Secret
from jackfield_voipbin import Voipbin
from jackfield_voipbin import memory as memory_module
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator
from jackfield_voipbin.times import last_change
from jackfield_voipbin.tokens import make_token

START = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN = make_token(CUSTOMER)


class BusyFeed:
    """The simulated platform at a rate, and a feed's protocol that ticks each second and compares when it wants to."""

    def __init__(self, rate, reconcile_seconds, **options):
        self.now, self.rate = START, rate
        self.simulator = VoipbinSimulator(TOKEN, profile="head", **options)
        self.day = self.simulator.events(lambda: self.now)
        feed = Voipbin(Secret("text", TOKEN), CUSTOMER, "ws://x/v1.0/ws", reconcile_seconds=reconcile_seconds)
        self.protocol = feed.protocol("office")
        self.simulator.admit(f"/v1.0/ws?token={TOKEN}", {})
        self.client = self.simulator.client()
        self.live = self.published = self.backfills = self.most_states = 0
        self.backfilled, self.gaps, self.not_verified, self.dropped = [], [], [], set()
        for action in self.protocol.subscribe(f"customer_id:{CUSTOMER}:*:*"):
            if isinstance(action, Send):
                list(self.client.received(action.frame))

    def run(self, seconds, drop=lambda number: False):
        for _ in range(seconds):
            for _ in range(self.rate):
                self.now += timedelta(seconds=1 / self.rate)
                event = next(self.day)
                self.published += 1
                if drop(self.published):
                    self.dropped.add((event.data["id"], last_change(event.data)[0]))
                else:
                    for frame in self.client.frames_for(event):
                        self.act(self.protocol.received(frame.encode(), self.now))
            self.act(self.protocol.tick(self.now, 1.0))
            memory = self.protocol._memory
            self.most_states = max(
                self.most_states, memory._newest.count + sum(each.count for _, each in memory._slices)
            )

    def act(self, actions):
        for action in list(actions):
            match action:
                case Emit(event):
                    self.backfilled += [event] if event.origin == "backfill" else []
                    self.live += event.origin == "live"
                case GapSuspected():
                    self.gaps.append(action)
                case NotVerified():
                    self.not_verified.append(action)
                case Backfill():
                    self.backfills += 1
                    self.reconcile()

    def reconcile(self):
        flow = self.protocol.backfill(None, self.now)
        try:
            request = next(flow)
            while True:
                request = flow.send(self.simulator.answer(request))
        except StopIteration as done:
            self.act(done.value)


@pytest.mark.parametrize(
    ("rate", "seconds", "reconcile_seconds", "backfills"),
    [
        (100, 65, 20.0, 3),
        pytest.param(200, 610, 200.0, 3, marks=pytest.mark.thorough),
        pytest.param(200, 610, 300.0, 2, marks=pytest.mark.thorough),
    ],
)
def test_where_everything_came_nothing_is_missed_however_busy_the_feed(rate, seconds, reconcile_seconds, backfills):
    feed = BusyFeed(rate, reconcile_seconds)
    feed.run(seconds)
    assert (feed.backfills, feed.gaps, feed.backfilled) == (backfills, [], [])
    assert feed.most_states <= 2 * feed.published  # copies of an event count too


def test_a_memory_that_is_too_short_claims_nothing_and_says_until_when(monkeypatch):
    monkeypatch.setattr(memory_module, "SLICE_STATES", 100)
    monkeypatch.setattr(memory_module, "MOST_STATES", 1200)
    feed = BusyFeed(100, reconcile_seconds=20.0)
    feed.run(45, drop=lambda number: number % 250 == 0)
    assert feed.backfills == 2
    assert feed.most_states <= 1200
    spans = [each for each in feed.not_verified if "remembered" in each.reason]
    assert [(each.since < each.until < feed.now) for each in spans] == [True, True]
    assert feed.backfilled
    assert {(event.data["id"], last_change(event.data)[0]) for event in feed.backfilled} <= feed.dropped
    # Without the dates of what was forgotten, what had come is claimed to be lost, and delivered again.
    monkeypatch.setattr(memory_module.Memory, "reaches", lambda self, moment: True)
    wrong = BusyFeed(100, reconcile_seconds=20.0)
    wrong.run(21)
    assert wrong.gaps and wrong.backfilled


def test_a_drop_on_a_busy_feed_is_found():
    feed = BusyFeed(50, reconcile_seconds=20.0)
    feed.run(70, drop=lambda number: 1000 < number <= 1010)
    assert feed.gaps
    assert all("REST knows of" in gap.reason for gap in feed.gaps)
    assert {(event.data["id"], last_change(event.data)[0]) for event in feed.backfilled} <= feed.dropped
    assert feed.backfilled
