"""The laws of translation for VoIPBIN, in each dialect and both scopes, ``auto`` by either server's matcher alone."""

import re
from typing import ClassVar

import attrs
from hypothesis import given
from hypothesis import strategies as st

from jackfield._routing.planner import plan_topics
from jackfield.addresses import Source
from jackfield.kinds import KIND_NAMES
from jackfield.selectors import Selector
from jackfield.testing import strategies
from jackfield.testing.laws import TranslationLaws, World
from jackfield_voipbin.dialects import AutoDialect, DocumentedDialect, PrefixDialect
from jackfield_voipbin.kinds import TABLE
from jackfield_voipbin.published_names import RESOURCES
from jackfield_voipbin.spellings import deployed_spellings, spellings

CUSTOMER, AGENT = Source("voipbin", "customer", "abc123"), Source("voipbin", "agent", "a1")
EVENTS = {"resources": [*RESOURCES], "words": sorted({word for words in TABLE.values() for word in words})}
# Whoever wants an agent's own topics must name the agent: VoIPBIN has no topic for those of all agents.
AGENTS = EVENTS | {"fixed": ("scope_id",)}
BEGINNING = ("customer_id", "abc123")


def documented(pattern, topic):
    """A star is everything but a colon."""
    return bool(
        re.fullmatch(":".join("[^:]*" if word == "*" else re.escape(word) for word in pattern.split(":")), topic)
    )


def deployed(pattern, topic):
    """One text after the other is compared as far as the pattern goes."""
    return len(topic) >= len(pattern) and all(mine == theirs for mine, theirs in zip(pattern, topic, strict=False))


def shorter(published):
    """The other topic that the platform publishes the same event under."""
    return re.sub(r"^((?:[^:]*:){2})([^:]*):\2_[^:]*:", r"\1\2:", published)


def deployed_either(pattern, published):
    return deployed(pattern, published) or deployed(pattern, shorter(published))


class TestDocumented(TranslationLaws):
    world = World(
        DocumentedDialect("abc123"),
        CUSTOMER,
        **EVENTS,
        topics=strategies.delimited(":", beginning=BEGINNING, wildcards=["*"]),
        oracle=documented,
    )


class TestDocumentedOfAnAgent(TranslationLaws):
    world = World(DocumentedDialect("abc123"), AGENT, **AGENTS, oracle=documented)


class TestPrefix(TranslationLaws):
    world = World(
        PrefixDialect("abc123"),
        CUSTOMER,
        **EVENTS,
        topics=strategies.delimited(":", beginning=BEGINNING, wildcards=["*"]),
        oracle=deployed_either,
    )


class TestPrefixOfAnAgent(TranslationLaws):
    world = World(PrefixDialect("abc123"), AGENT, **AGENTS, oracle=deployed_either)


@attrs.frozen
class PrefixAsSent(PrefixDialect):
    """As the deployed platform delivers what is sent for a topic."""

    def matches(self, topic, published):
        return any(deployed_either(text, published) for text in deployed_spellings(topic))


class TestPrefixAsSent(TranslationLaws):
    world = World(PrefixAsSent("abc123"), CUSTOMER, **EVENTS)


@attrs.frozen
class AutoOnDocumented(AutoDialect):
    """As a documented server delivers it."""

    def matches(self, topic, published):
        return any(documented(each, published) for each in spellings(topic))


@attrs.frozen
class AutoOnDeployed(AutoDialect):
    """As the deployed platform delivers it."""

    def matches(self, topic, published):
        return any(deployed_either(text, published) for text in spellings(topic))

    def native_of(self, address):
        return PrefixDialect(self.customer_id).native_of(address)


class OneWildcard(TranslationLaws):
    """Documented servers know no topics by event."""

    exempt: ClassVar = {"minimality": "the topics of one resource's events share its wildcard, which is sent once"}

    def test_minimality(self):
        """So each of them brings what the others bring, and minimal is what is sent."""

        selectors = st.sampled_from([*(f"voipbin/customer/abc123/{each}/**" for each in RESOURCES), *KIND_NAMES])

        @given(st.lists(selectors, max_size=5))
        def law(texts):
            plan = plan_topics("voipbin", self.world.dialect, [Selector.parse(each) for each in texts])
            sent = {text for topic in plan.topics for text in spellings(topic) if "*" in text}
            dialect = DocumentedDialect("abc123")
            assert not [(text, each) for text in sent for each in sent - {text} if dialect.covers(text, each)]

        law()


class TestAuto(OneWildcard):
    world = World(
        AutoDialect("abc123"),
        CUSTOMER,
        **EVENTS,
        oracle=lambda topic, published: any(
            documented(each, published) or deployed_either(each, published) for each in spellings(topic)
        ),
    )


class TestAutoOnDocumented(OneWildcard):
    world = World(AutoOnDocumented("abc123"), CUSTOMER, **EVENTS)


class TestAutoOnDeployed(TranslationLaws):
    world = World(AutoOnDeployed("abc123"), CUSTOMER, **EVENTS)


class TestAutoOfAnAgent(TranslationLaws):
    world = World(AutoOnDeployed("abc123"), AGENT, **AGENTS)


class TestAutoOfAnAgentOnDocumented(OneWildcard):
    world = World(AutoOnDocumented("abc123"), AGENT, **AGENTS)
