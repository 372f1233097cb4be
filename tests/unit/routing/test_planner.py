"""`jackfield._routing.planner`: the smallest set, and what became of each selector."""

import attrs
import pytest

from jackfield._routing.planner import make_plan
from jackfield.addresses import AddressPattern, Source
from jackfield.errors import NoTopicError
from jackfield.selectors import Selector


class ColonDialect:
    """Topics ``<resource>:<id>`` with ``*``; knows calls and agents, and no topic for one agent."""

    def topics_of(self, selector):
        resource, identity = selector.address.resource, selector.address.resource_id
        if resource == "agent" and identity is not None:
            raise NoTopicError("agents come all together")
        resources = (
            [resource]
            if resource
            else {"call": ["call"], "agent": ["agent"], None: ["*"]}.get(selector.kind.entity, [])
        )
        return tuple(f"{each}:{identity or '*'}" for each in resources)

    def pattern_of(self, topic):
        resource, identity = (None if part == "*" else part for part in topic.split(":"))
        return AddressPattern("acme", None, None, resource, identity)

    def covers(self, topic, other):
        return self.pattern_of(topic).covers(self.pattern_of(other))

    def describe(self, topic):
        return self.pattern_of(topic), f"{topic} brings noise" if topic == "*:*" else ""


@attrs.frozen
class Acme:
    dialect = ColonDialect()
    source = Source("acme", "account", "A")


def plan(*texts):
    return make_plan(Acme(), [Selector.parse(text) for text in texts])


@pytest.mark.parametrize(
    ("selectors", "topics"),
    [
        ([], ()),
        (["call.*"], ("call:*",)),
        (["call.*", "agent.*"], ("agent:*", "call:*")),
        (["call.*", "acme/*/*/call/1/**", "acme/*/*/call/2/**"], ("call:*",)),
        (["acme/*/*/call/1/**", "acme/*/*/call/2/**"], ("call:1", "call:2")),
        (["call.*", "**"], ("*:*",)),
        (["queue.*"], ()),
        (["call.* @ other/**"], ()),
        (["stream.*", "acme/*/*/stream/**"], ()),
        (["call.*", "call.*", "call.initiated"], ("call:*",)),
    ],
)
def test_no_topic_is_asked_for_that_another_brings(selectors, topics):
    assert plan(*selectors).topics == topics
    assert plan(*reversed(selectors)).topics == topics


def test_each_selector_has_a_row_that_says_what_is_sent_and_whether_more_comes():
    rows = plan("acme/**", "call.initiated", "acme/*/*/agent/7/**", "queue.*").entries
    assert [(str(row.selector), row.topics, row.filtered, row.reason, row.surplus) for row in rows] == [
        ("acme/**", ("*:*",), False, "", ("*:* brings noise",)),
        ("call.initiated", ("call:*",), True, "", ()),
        ("acme/*/*/agent/7/*", (), False, "agents come all together", ()),
    ]


def test_of_two_topics_that_bring_the_same_the_first_in_order_stays():
    class Twins(ColonDialect):
        def topics_of(self, selector):
            return ("call:b", "call:a")

        def pattern_of(self, topic):
            return AddressPattern("acme", resource="call")

        def covers(self, topic, other):
            return True

    class Feed:
        dialect = Twins()
        source = Source("acme", "account", "A")

    assert make_plan(Feed(), [Selector.parse("**")]).topics == ("call:a",)
