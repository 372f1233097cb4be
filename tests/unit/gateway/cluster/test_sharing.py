"""`jackfield._gateway.cluster.sharing`: feeds are shared out evenly, and each step is the lease's holder's to take."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import attrs
import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jackfield._gateway.cluster.gate import Note
from jackfield._gateway.cluster.sharing import About, Decision, FeedHere, Peers, decide, share_out
from jackfield._journal.downtime import Account
from jackfield.plugin.coordinator import ClusterView, LeaseState

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAMES = st.sampled_from(["a", "b", "c", "d", "e"])
FEEDS = st.dictionaries(st.sampled_from([f"f{number}" for number in range(9)]), st.integers(1, 2), min_size=1)


@given(FEEDS, st.sets(NAMES, min_size=1), st.data())
def test_each_feed_has_its_members_all_different_and_no_member_has_two_more_than_another(feeds, members, data):
    now = {feed: data.draw(st.lists(NAMES, unique=True, max_size=4)) for feed in feeds}
    shared = share_out(feeds, dict.fromkeys(feeds, sorted(members)), now)
    load = Counter(dict.fromkeys(members, 0))
    for feed, names in shared.items():
        assert len(names) == len(set(names)) == min(feeds[feed], len(members))
        load.update(names)
    assert set(load) == members
    assert max(load.values()) - min(load.values()) <= 1


@given(FEEDS, st.sets(NAMES, min_size=1), st.data())
def test_what_is_shared_out_once_stays_as_it_is(feeds, members, data):
    candidates = dict.fromkeys(feeds, sorted(members))
    now = {feed: data.draw(st.lists(NAMES, unique=True, max_size=4)) for feed in feeds}
    shared = share_out(feeds, candidates, now)
    assert share_out(feeds, candidates, shared) == shared


@attrs.define
class World:
    """Members with what they say, and leases, as one of them sees them."""

    about: dict = attrs.field(factory=dict)
    leases: dict = attrs.field(factory=dict)

    def member(self, name, *, leaving=False, **feeds):
        self.about[name] = About({feed: FeedHere(*here) for feed, here in feeds.items()}, leaving)
        return self

    def lease(self, feed, member="", fence=1, heard=None):
        note = Note(None if heard is None else tuple(Account(heard).row(0))[:4]).write()
        self.leases[feed] = LeaseState(member, fence, note)
        return self

    def decide(self, me, *, writing=(), settled=True, **more):
        peers = Peers.of(me, ClusterView({name: said.write() for name, said in self.about.items()}, self.leases))
        return decide(peers, self.about[me].feeds, writing, settled=settled, **more)


IDLE, ONE, TWO = (1, False), (1, True, NOON), (2, True, NOON)


def test_a_feed_that_nobody_ever_held_is_acquired_at_once():
    world = World().member("a", f=IDLE)
    assert world.decide("a", settled=False) == Decision(acquire=("f",))


def test_a_member_that_is_new_waits_before_it_takes_what_somebody_had_held_and_may_still_be_connected_to():
    world = World().member("a", f=IDLE).lease("f")
    assert world.decide("a", settled=False) == Decision()
    assert world.decide("a") == Decision(acquire=("f",))
    assert World().member("a", f=ONE).lease("f").decide("a", settled=False) == Decision(acquire=("f",))


def test_a_member_that_was_cut_off_lets_go_of_what_another_one_holds():
    world = World().member("a", f=ONE).member("b", f=ONE).lease("f", "b")
    assert world.decide("a") == Decision(stop=("f",))
    assert world.decide("b", writing={"f"}) == Decision()


def test_a_member_with_two_more_than_a_new_one_gives_it_one():
    world = World().member("a", f=ONE, g=ONE).member("b", f=IDLE, g=IDLE).lease("f", "a").lease("g", "a")
    assert len(world.decide("a", writing={"f", "g"}).stop) == 1
    assert world.decide("b") == Decision()


def test_with_two_holders_the_second_stands_by():
    world = World().member("a", f=(2, True, NOON)).member("b", f=(2, False)).lease("f", "a")
    assert world.decide("b") == Decision(start=("f",))


def test_the_one_that_stands_by_takes_over_and_not_one_that_is_not_connected():
    world = World().member("b", f=TWO).member("c", f=(2, False)).lease("f", heard=NOON + timedelta(seconds=9))
    assert world.decide("b") == Decision(acquire=("f",))
    assert world.decide("c") == Decision()


def test_of_two_that_stand_by_the_one_takes_over_that_lacks_nothing():
    late = (2, True, NOON + timedelta(seconds=30))
    world = World().member("b", f=TWO).member("c", f=late).lease("f", heard=NOON + timedelta(seconds=9))
    assert world.decide("b") == Decision(acquire=("f",))
    assert world.decide("c") == Decision()


def test_who_lost_its_connection_hands_over_to_the_one_that_stands_by():
    world = World().member("a", f=(2, True, None)).member("b", f=TWO).lease("f", "a")
    assert world.decide("a", writing={"f"}) == Decision(hand_over=("f",))
    alone = World().member("a", f=(2, True, None)).lease("f", "a")
    assert alone.decide("a", writing={"f"}) == Decision()


def test_who_has_handed_over_gives_the_other_time_to_take_it():
    world = World().member("a", f=TWO).member("b", f=TWO).lease("f", heard=NOON + timedelta(seconds=9))
    assert world.decide("a", yielding={"f"}) == Decision()


def test_two_feeds_that_both_stand_by_for_are_written_by_one_each():
    world = World().member("a", f=TWO, g=TWO).member("b", f=TWO, g=TWO).lease("f", "a").lease("g", "a")
    assert world.decide("a", writing={"f", "g"}).hand_over == ("f",)


def test_a_third_member_that_is_connected_leaves_once_the_others_have_everything():
    world = World().member("a", f=TWO).member("b", f=TWO).member("c", f=TWO, g=(2, True)).lease("f", "a")
    world.lease("g", "c")
    assert "f" in world.decide("c", writing={"g"}).stop


def test_members_that_leave_or_have_another_configuration_get_nothing():
    world = World().member("a", f=IDLE).member("b", leaving=True, f=IDLE).member("c", g=IDLE).lease("f").lease("g", "c")
    assert world.decide("a") == Decision(acquire=("f",))


def test_what_another_version_says_is_no_reason_to_fail():
    view = ClusterView({"a": About({"f": FeedHere()}).write(), "b": "{]", "c": "[]"}, {"f": LeaseState("", 1, "{]")})
    peers = Peers.of("a", view)
    assert peers.candidates("f") == ["a"]
    assert decide(peers, peers.about["a"].feeds, (), settled=True) == Decision(acquire=("f",))
    assert msgspec.json.decode(About().write()) == {"feeds": {}, "leaving": False, "sinks": {}, "waiting": 0}


def test_who_has_everything_stays_while_a_new_one_lacks_what_a_writer_that_may_be_dead_has_not_written():
    new = (2, True, NOON + timedelta(seconds=20))
    world = World().member("a", f=TWO, g=TWO).member("b", f=TWO, g=TWO).member("c", f=new, g=(2, False))
    world.lease("g", "b").lease("f", "a", heard=NOON + timedelta(seconds=9))
    assert world.decide("b", writing={"g"}).stop == ()
    world.lease("f", "a", heard=NOON + timedelta(seconds=30))  # it lives, and writes
    assert world.decide("b", writing={"g"}).stop == ("f",)


def test_nothing_is_handed_over_to_one_that_lacks_something():
    new = (2, True, NOON + timedelta(seconds=20))
    world = World().member("a", f=TWO, g=TWO).member("b", f=new, g=new)
    for feed in ("f", "g"):
        world.lease(feed, "a", heard=NOON + timedelta(seconds=9))
    assert world.decide("a", writing={"f", "g"}).hand_over == ()


@given(st.dictionaries(NAMES, st.integers(1, 9)), st.dictionaries(NAMES, st.integers(1, 9)))
def test_no_number_that_was_seen_is_forgotten_and_no_note_where_the_coordinator_has_lost_its_data(before, after):
    known = {feed: LeaseState("gone", fence, "known") for feed, fence in before.items()}
    found = {feed: LeaseState("new", fence, "") for feed, fence in after.items()}
    leases = Peers.of("me", ClusterView({}, found), known).leases
    assert leases.keys() == before.keys() | after.keys()
    for feed, lease in leases.items():
        assert lease.fence == max(before.get(feed, 0), after.get(feed, 0))
        assert lease.member == ("new" if feed in after else "")
        assert lease.note == ("known" if before.get(feed, 0) > after.get(feed, 0) else "")
