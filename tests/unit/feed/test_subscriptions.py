"""`jackfield._feed.subscriptions`: the steps to the wanted topics, through any answers, losses and changes."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jackfield._feed.subscriptions import Subscriptions


def covers(topic, other):
    """Topics are texts; one covers those that begin with it."""
    return other.startswith(topic)


class Prefixes:
    """A dialect of which only what covers what is used here."""

    covers_by_prefix = True


def smallest(topics):
    return frozenset(each for each in topics if not any(other != each and covers(other, each) for other in topics))


def steps(subscriptions):
    taken = []
    while (step := subscriptions.next_step()) is not None:
        taken.append(step)
    return taken


def holding(*topics):
    subscriptions = Subscriptions(Prefixes())
    subscriptions.want(topics)
    steps(subscriptions)
    for topic in topics:
        subscriptions.confirm(topic)
    return subscriptions


def test_only_what_no_other_covers_is_asked_for():
    subscriptions = Subscriptions(Prefixes())
    subscriptions.want({"a", "ab", "b"})
    assert steps(subscriptions) == [("subscribe", "a"), ("subscribe", "b")]
    assert not subscriptions.settled
    assert subscriptions.confirm("a")
    assert subscriptions.confirm("b")
    assert subscriptions.settled


def test_the_narrow_topic_is_kept_until_the_wide_one_is_in_force():
    subscriptions = holding("ab")
    subscriptions.want({"a", "ab"})
    assert steps(subscriptions) == [("subscribe", "a")]
    assert subscriptions.held == {"ab"}
    subscriptions.confirm("a")
    assert steps(subscriptions) == [("unsubscribe", "ab")]


def test_when_the_wide_topic_is_refused_the_narrow_ones_do():
    subscriptions = holding("ab")
    subscriptions.want({"a", "ab", "ac"})
    assert steps(subscriptions) == [("subscribe", "a")]
    subscriptions.refuse("a")
    assert steps(subscriptions) == [("subscribe", "ac")]
    assert "ab" in subscriptions.held
    subscriptions.confirm("ac")
    assert subscriptions.settled


def test_a_refusal_that_is_taken_back_counts():
    subscriptions = holding("ab")
    subscriptions.want({"a", "ab"})
    steps(subscriptions)
    subscriptions.refuse("a")
    assert subscriptions.confirm("a")
    assert steps(subscriptions) == [("unsubscribe", "ab")]


def test_a_wide_topic_stays_while_it_is_the_only_way_to_what_was_refused():
    subscriptions = holding("a")
    subscriptions.want({"ab"})
    steps(subscriptions)
    subscriptions.refuse("ab")
    assert steps(subscriptions) == []
    assert subscriptions.held == {"a"}
    assert subscriptions.settled
    subscriptions.want(set())
    assert steps(subscriptions) == [("unsubscribe", "a")]


def test_what_nobody_needs_any_more_is_given_back_once():
    subscriptions = holding("a", "b")
    subscriptions.want({"b"})
    assert steps(subscriptions) == [("unsubscribe", "a")]
    assert steps(subscriptions) == []


def test_answers_to_nothing_are_no_news():
    subscriptions = holding("a")
    assert not subscriptions.confirm("a")
    assert not subscriptions.confirm("never asked")
    assert not subscriptions.refuse("never asked")


topics = st.sampled_from(["a", "aa", "ab", "aab", "b", "ba", "c"])


class AnyOrder(RuleBasedStateMachine):
    """People come and go, the vendor answers in any order, refuses, changes its mind, and loses the line."""

    @initialize()
    def connect(self):
        self.wanted = set()
        self.subscriptions = Subscriptions(Prefixes())
        self.vendor = set()
        """What the vendor has been told and not been told otherwise; it may still refuse."""
        self.asked = set()

    def served(self):
        """Which needs are met by what is confirmed."""
        held = self.subscriptions.held
        return {need for need in self.wanted if any(covers(topic, need) for topic in held)}

    def advance(self):
        while (step := self.subscriptions.next_step()) is not None:
            verb, topic = step
            if verb == "subscribe":
                assert topic not in self.vendor, "asked twice"
                self.vendor.add(topic)
                self.asked.add(topic)
            else:
                assert topic in self.vendor and topic not in self.asked, "given back without being held"
                self.vendor.discard(topic)

    @rule(more=st.sets(topics, max_size=3), fewer=st.sets(topics, max_size=2))
    def people_change(self, more, fewer):
        before = self.served()
        self.wanted = (self.wanted | more) - fewer
        self.subscriptions.want(self.wanted)
        self.advance()
        assert before & self.wanted <= self.served(), "somebody lost what they had"

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def vendor_confirms(self, data):
        topic = data.draw(st.sampled_from(sorted(self.asked)))
        self.asked.discard(topic)
        before = self.served()
        assert self.subscriptions.confirm(topic)
        self.advance()
        assert before <= self.served(), "somebody lost what they had"

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def vendor_refuses_or_stays_silent(self, data):
        topic = data.draw(st.sampled_from(sorted(self.asked)))
        self.asked.discard(topic)
        self.vendor.discard(topic)
        before = self.served()
        assert self.subscriptions.refuse(topic)
        self.advance()
        assert before <= self.served(), "somebody lost what they had"

    @precondition(lambda self: self.subscriptions.held)
    @rule(data=st.data())
    def vendor_takes_back(self, data):
        topic = data.draw(st.sampled_from(sorted(self.subscriptions.held)))
        self.vendor.discard(topic)
        assert self.subscriptions.refuse(topic)
        self.advance()

    @precondition(lambda self: self.subscriptions.refused)
    @rule(data=st.data())
    def vendor_confirms_after_all(self, data):
        topic = data.draw(st.sampled_from(sorted(self.subscriptions.refused)))
        self.vendor.add(topic)
        assert self.subscriptions.confirm(topic)
        self.advance()

    @rule()
    def line_is_lost(self):
        self.subscriptions = Subscriptions(Prefixes())
        self.vendor, self.asked = set(), set()
        self.subscriptions.want(self.wanted)
        self.advance()

    @invariant()
    def every_question_has_at_most_one_answer_and_none_is_forgotten(self):
        subscriptions = self.subscriptions
        assert subscriptions.pending == self.asked
        assert subscriptions.held == self.vendor - self.asked
        assert not subscriptions.held & subscriptions.refused
        assert not subscriptions.pending & subscriptions.refused

    @invariant()
    def once_all_is_answered_the_smallest_set_is_held(self):
        subscriptions = self.subscriptions
        if not subscriptions.pending:
            assert subscriptions.settled
            aim = smallest(self.wanted - subscriptions.refused)
            assert aim <= subscriptions.held
            for topic in subscriptions.held - aim:
                only = [need for need in self.wanted if covers(topic, need)]
                assert any(not any(covers(other, need) for other in subscriptions.held - {topic}) for need in only)

    @invariant()
    def every_need_is_met_or_on_its_way_or_refused(self):
        subscriptions = self.subscriptions
        for need in self.wanted:
            known = subscriptions.held | subscriptions.pending
            assert need in subscriptions.refused or any(covers(topic, need) for topic in known)


TestAnyOrder = AnyOrder.TestCase
