"""`jackfield._routing.cover`: after any additions and removals it is the cover made from scratch, by brute force."""

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jackfield._routing.cover import open_cover
from jackfield_vinix.dialects import DocumentedDialect as Bindings
from jackfield_voipbin.dialects import AutoDialect, DocumentedDialect, PrefixDialect

RESOURCES = ["call", "queue", "queuecall"]
IDS = ["a", "ab", "abc", "b", "*x"]


def topics_of(dialect):
    match dialect:
        case PrefixDialect():
            return [
                f"customer_id:C:{each}" for each in ("", "call", "queue", "queue:", "call:a", "call:ab", "call:ab:")
            ]
        case Bindings():
            words = ["*", "#", "*.*", "q", "q.*", "q.join", "*.join"]
            return [f"qubicle.{family}.{account}.{word}" for family in ("queue", "session") for word in words
                    for account in ("A", "*")]  # fmt: skip
    segments = [*RESOURCES, "*"], [*IDS, "*"]
    return [f"customer_id:C:{resource}:{name}" for resource in segments[0] for name in segments[1]]


def needed(dialect, topics):
    """The definition, word for word."""

    def redundant(topic):
        return any(
            dialect.covers(other, topic) and not (topic < other and dialect.covers(topic, other))
            for other in topics
            if other != topic
        )

    return {topic for topic in topics if not redundant(topic)}


class Changing(RuleBasedStateMachine):
    """A cover beside the plain set that it is of."""

    @initialize(dialect=st.sampled_from([DocumentedDialect("C"), AutoDialect("C"), PrefixDialect("C"), Bindings("A")]))
    def begin(self, dialect):
        self.dialect, self.topics = dialect, set()
        self.cover = open_cover(dialect)

    @rule(data=st.data())
    def add(self, data):
        if rest := sorted(set(topics_of(self.dialect)) - self.topics):
            topic = data.draw(st.sampled_from(rest))
            self.topics.add(topic)
            self.cover.add(topic)

    @precondition(lambda self: self.topics)
    @rule(data=st.data())
    def remove(self, data):
        topic = data.draw(st.sampled_from(sorted(self.topics)))
        self.topics.remove(topic)
        self.cover.remove(topic)

    @rule(data=st.data())
    def look_up(self, data):
        topic = data.draw(st.sampled_from(topics_of(self.dialect)))
        assert set(self.cover.covering(topic)) == {t for t in self.topics if self.dialect.covers(t, topic)}
        assert set(self.cover.covered(topic)) == {t for t in self.topics if self.dialect.covers(topic, t)}

    @invariant()
    def holds_what_is_needed_and_nothing_else(self):
        assert self.cover.minimal == needed(self.dialect, self.topics)


TestChanging = Changing.TestCase


@attrs.frozen
class Counting:
    """A dialect that counts how often it is asked."""

    inner: object
    asked: list = attrs.field(factory=list)

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def covers(self, topic, other):
        self.asked.append((topic, other))
        return self.inner.covers(topic, other)


@pytest.mark.parametrize("dialect", [DocumentedDialect("C"), AutoDialect("C"), Bindings("A")], ids=repr)
def test_one_more_narrow_topic_is_compared_with_few_others_however_many_there_are(dialect):
    narrow = "qubicle.queue.A.{}" if isinstance(dialect, Bindings) else "customer_id:C:call:{}"
    counting = Counting(dialect)
    cover = open_cover(counting, [narrow.format(f"id{number}") for number in range(1000)])
    counting.asked.clear()
    cover.add(narrow.format("one-more"))
    cover.remove(narrow.format("id500"))
    assert len(counting.asked) <= 4
