"""`jackfield._gateway.cluster.gate`: events pass while this member writes; a gap is what no member has."""

from datetime import timedelta

import attrs
import pytest

from jackfield._feed.stream_events import stream_event
from jackfield._gateway.cluster.gate import Gate, Note
from jackfield._gateway.cluster.standby import StandbyBuffer
from jackfield._journal.downtime import Account
from jackfield.addresses import Source

from .test_standby import NOON, event


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def fact(word, seconds, **data):
    return stream_event(Source("v", "s", "i"), "office", word, at(seconds), **data)


@attrs.define
class Stage:
    now: float = 0.0
    got: list = attrs.field(factory=list)
    gate: Gate = attrs.field(init=False)

    def __attrs_post_init__(self):
        buffer = StandbyBuffer(1_000_000, 60.0)
        self.gate = Gate("office", self._through, lambda: len(self.got) + 1, lambda: self.now, buffer)

    def _through(self, events, tokens, committed):
        self.got += [each.id for each in events if not each.kind.startswith("stream.")]

    def put(self, *names, seconds=0.0):
        self.gate([event(name, seconds) for name in names])

    def subscribed(self, seconds):
        self.gate([fact("subscribed", seconds, topics=["t"])])


@pytest.fixture
def stage():
    return Stage()


def note(heard):
    return Stage().gate.note(Account(at(heard)), 0)


def test_what_comes_while_another_member_writes_is_kept_and_written_first_when_it_dies(stage):
    stage.subscribed(0)
    stage.put("a")
    stage.put("b")
    assert stage.got == []
    assert stage.gate.gaps(note(30)) == []
    stage.gate.open(2, until=10.0)
    stage.put("c")
    assert stage.got == []
    assert stage.gate.write_kept(events=2) == 2  # as many as the journal has room for
    assert stage.got == ["a", "b"]
    stage.put("d")
    assert stage.gate.write_kept() == 2
    stage.put("e")
    assert stage.got == ["a", "b", "c", "d", "e"]


def test_nothing_is_written_behind_the_end_of_the_lease_even_where_nobody_had_the_time_to_say_so(stage):
    stage.gate.open(1, until=10.0)
    stage.put("a")
    stage.now = 10.0
    stage.put("b")
    assert stage.got == ["a"]
    assert len(stage.gate.buffer) == 1
    assert not stage.gate.is_open


def test_what_stands_by_says_nothing_of_its_own_connection(stage):
    stage.subscribed(0)
    stage.gate([fact("disconnected", 5)])
    assert (stage.got, len(stage.gate.buffer)) == ([], 0)


@pytest.mark.parametrize(("heard", "gaps"), [(30, []), (5, [(10, 20)]), (15, [(14, 20)]), (20, [(19, 20)])])
def test_a_gap_of_one_that_stands_by_is_a_gap_where_the_last_holder_had_not_written_it_either(stage, heard, gaps):
    stage.subscribed(0)
    assert stage.gate.withhold(at(10), at(20), "a cut")
    assert [(each.since, each.until) for each in stage.gate.gaps(note(heard))] == [(at(s), at(u)) for s, u in gaps]


def test_the_time_before_its_own_subscription_is_a_gap_where_the_last_holder_was_gone_by_then(stage):
    stage.subscribed(8)
    (gap,) = stage.gate.gaps(note(3))
    assert (gap.since, gap.until) == (at(2), at(8))
    assert stage.gate.gaps(Note()) == []  # nobody ever held it


def test_a_gap_of_the_one_that_writes_is_announced_unless_another_member_has_what_is_missing(stage):
    stage.gate.open(1, until=10.0)
    assert not stage.gate.withhold(at(1), at(2), "a cut")
    woken = []
    stage.gate.relief, stage.gate.wake = (lambda since: since == at(3)), lambda: woken.append(1)
    assert stage.gate.withhold(at(3), at(4), "a cut")
    assert (stage.gate.handing_over, stage.gate.is_open, woken) == (True, False, [1])
    stage.put("behind the gap")
    assert stage.got == []
    # Where the other one dies before it has taken over, this one announces it after all.
    left = stage.gate.note(Account(at(5)), 99)
    (gap,) = stage.gate.gaps(left)
    assert (gap.since, gap.until) == (at(3), at(4))


def test_the_note_for_the_next_holder_is_never_behind_what_every_sink_has_got(stage):
    stage.gate.open(1, until=100.0)
    stage.put("a", seconds=1)
    stage.put("b", seconds=2)
    stage.put("c", seconds=3)
    account = Account(at(9), at(9))
    left = stage.gate.note(account, passed=2)
    assert (left.newest, left.settled.heard, left.settled.accounted) == ("a", at(2), at(2))
    left = stage.gate.note(account, passed=4)
    assert (left.newest, left.settled.heard) == ("c", at(9))
    assert Note.read(left.write()) == left


def test_what_a_busy_vendor_had_still_to_send_was_not_heard(stage):
    stage.gate.open(1, until=5.0)
    stage.gate([attrs.evolve(event("a", 20), time=at(13))])
    assert stage.gate.note(Account(at(30)), 99).settled.heard == at(23)
    stage.gate([attrs.evolve(event("b", 21), time=at(99))])  # by a clock that is ahead
    assert stage.gate.note(Account(at(30)), 99).settled.heard == at(30)


def test_what_waits_for_the_coordinator_is_not_written_yet(stage):
    stage.gate.open(1, until=5.0)
    stage.now = 6.0
    stage.put("a", seconds=4)
    assert stage.gate.note(Account(at(9)), 99).settled.heard == at(4)


def test_a_note_that_cannot_be_read_says_nothing():
    assert Note.read("{]") == Note.read("") == Note()
    assert Note().settled is None
