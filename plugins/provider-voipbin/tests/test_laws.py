"""The laws of translation for VoIPBIN, in each dialect and both scopes, ``auto`` by either server's matcher alone."""

import re

import attrs

from jackfield.addresses import Source
from jackfield.testing import strategies
from jackfield.testing.laws import TranslationLaws, World
from jackfield_voipbin.dialects import AutoDialect, DocumentedDialect, PrefixDialect, spellings
from jackfield_voipbin.kinds import RESOURCES, TABLE

CUSTOMER, AGENT = Source("voipbin", "customer", "abc123"), Source("voipbin", "agent", "a1")
EVENTS = {"resources": [*RESOURCES, "email"], "words": sorted({word for words in TABLE.values() for word in words})}
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
        oracle=deployed,
    )


class TestPrefixOfAnAgent(TranslationLaws):
    world = World(PrefixDialect("abc123"), AGENT, **AGENTS, oracle=deployed)


@attrs.frozen
class AutoOnDocumented(AutoDialect):
    """As a documented server delivers it."""

    def matches(self, topic, published):
        return any(documented(each, published) for each in spellings(topic))


@attrs.frozen
class AutoOnDeployed(AutoDialect):
    """As the deployed platform delivers it."""

    def matches(self, topic, published):
        return any(deployed(each, published) for each in spellings(topic))


class TestAuto(TranslationLaws):
    world = World(
        AutoDialect("abc123"),
        CUSTOMER,
        **EVENTS,
        oracle=lambda topic, published: any(
            documented(each, published) or deployed(each, published) for each in spellings(topic)
        ),
    )


class TestAutoOnDocumented(TranslationLaws):
    world = World(AutoOnDocumented("abc123"), CUSTOMER, **EVENTS)


class TestAutoOnDeployed(TranslationLaws):
    world = World(AutoOnDeployed("abc123"), CUSTOMER, **EVENTS)


class TestAutoOfAnAgent(TranslationLaws):
    world = World(AutoOnDeployed("abc123"), AGENT, **AGENTS)


class TestAutoOfAnAgentOnDocumented(TranslationLaws):
    world = World(AutoOnDocumented("abc123"), AGENT, **AGENTS)
