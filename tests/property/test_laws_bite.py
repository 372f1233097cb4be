"""The laws catch what they are for: a small dialect that keeps them all, and broken ones that fall on theirs."""

import attrs
import pytest
from hypothesis import Phase, settings

from faulty.dialect import KINDS, SOURCE, AcmeDialect, unescape
from jackfield._routing.planner import plan_topics
from jackfield.addresses import Address, AddressPattern
from jackfield.errors import NoTopicError
from jackfield.plugin.provider import Plan, PlanEntry
from jackfield.testing import laws
from jackfield.testing.laws import TranslationLaws, World


def world(dialect, **more):
    resources, words = list(KINDS), sorted({word for words in KINDS.values() for word in words})
    return World(dialect, SOURCE, resources=resources, words=words, oracle=AcmeDialect().matches, **more)


class TestTheUnbrokenOne(TranslationLaws):
    world = world(AcmeDialect())


# -- one fault each --------------------------------------------------------------------------------------


class ForgetsToEscape(AcmeDialect):
    def native_of(self, address):
        super().native_of(address)
        return f"{address.resource}/{address.resource_id}".replace("*", "%2A"), address.event

    def address_of(self, topic, event):
        resource, identity = topic.split("/", 1)
        return Address("acme", "account", "A", resource, unescape(identity), event)


class LowersIds(AcmeDialect):
    def address_of(self, topic, event):
        address = super().address_of(topic, event)
        return address._replace(resource_id=address.resource_id.lower())


class LosesTheEvent(AcmeDialect):
    def address_of(self, topic, event):
        return super().address_of(topic, "happened")


class ForgetsAgents(AcmeDialect):
    def topics_of(self, selector):
        return tuple(topic for topic in super().topics_of(selector) if not topic.startswith("agent"))


class AsksInLowerCase(AcmeDialect):
    def topics_of(self, selector):
        return tuple(topic.lower() for topic in super().topics_of(selector))


class RefusesIds(AcmeDialect):
    def topics_of(self, selector):
        if selector.address.resource_id is not None:
            raise NoTopicError("too much trouble")
        return super().topics_of(selector)


class ThinksThatIdsDoNotMatter(AcmeDialect):
    """So a plan for two calls subscribes to one of them."""

    def covers(self, topic, other):
        return topic.split("/")[0] == other.split("/")[0]

    def pattern_of(self, topic):
        return super().pattern_of(topic)._replace(resource_id=None)


class LosesTheWideTopic(AcmeDialect):
    """PlanEntry for everything, it asks for calls only."""

    def topics_of(self, selector):
        topics = super().topics_of(selector)
        return topics[:1] if len(topics) > 1 else topics


class SeesNoCover(AcmeDialect):
    def covers(self, topic, other):
        return topic == other


class TakesStarsForBeginnings(AcmeDialect):
    def matches(self, topic, published):
        return published.startswith(topic.partition("*")[0])


class BringsMoreThanItSays(AcmeDialect):
    def matches(self, topic, published):
        return True


def plans_by_chance(provider, dialect, selectors):
    selectors = list(selectors)
    plan = plan_topics(provider, dialect, selectors)
    return attrs.evolve(
        plan, topics=plan.topics[:: 1 if len(selectors) < 2 or str(selectors[0]) <= str(selectors[-1]) else -1]
    )


def plans_all_there_is(provider, dialect, selectors):
    rows = plan_topics(provider, dialect, selectors).entries
    return Plan(tuple(sorted({topic for row in rows for topic in row.topics})), tuple(rows))


def forgets_the_last(provider, dialect, selectors):
    plan = plan_topics(provider, dialect, selectors)
    return Plan(plan.topics[:1], tuple(PlanEntry(row.selector, row.topics) for row in plan.entries))


class MeansWhatItDoesNotBring(AcmeDialect):
    def describe(self, topic):
        return AddressPattern("acme"), ""


FAULTS = [
    (laws.round_trip, world(ForgetsToEscape())),
    (laws.round_trip, world(LowersIds())),
    (laws.round_trip, world(LosesTheEvent())),
    (laws.soundness, world(ForgetsAgents())),
    (laws.soundness, world(AsksInLowerCase())),
    (laws.soundness, world(RefusesIds())),
    (laws.exactness, world(ThinksThatIdsDoNotMatter())),
    (laws.exactness, world(AcmeDialect(), plan=forgets_the_last)),
    (laws.monotony, world(LosesTheWideTopic())),
    (laws.monotony, world(SeesNoCover())),
    (laws.minimality, world(SeesNoCover())),
    (laws.minimality, world(AcmeDialect(), plan=plans_by_chance)),
    (laws.minimality, world(AcmeDialect(), plan=plans_all_there_is)),
    (laws.agreement, world(TakesStarsForBeginnings())),
    (laws.agreement, world(BringsMoreThanItSays())),
    (laws.agreement, World(BringsMoreThanItSays(), SOURCE, resources=list(KINDS))),
    (laws.agreement, world(ThinksThatIdsDoNotMatter())),
    (laws.agreement, world(MeansWhatItDoesNotBring())),
]


@pytest.mark.parametrize(("law", "broken"), FAULTS, ids=lambda value: getattr(value, "__name__", None))
def test_each_fault_falls_on_the_law_that_is_meant_for_it(law, broken):
    # What matters is that it falls, not how small a counterexample can be made.
    profile = settings.get_current_profile_name()
    bite = {"max_examples": 1000, "phases": [Phase.generate], "report_multiple_bugs": False}
    settings.register_profile("bite", settings.get_profile("ci"), **bite)
    settings.load_profile("bite")
    try:
        with pytest.raises(AssertionError):
            law(broken)
    finally:
        settings.load_profile(profile)


def test_every_law_has_a_fault_that_it_alone_is_asked_to_catch():
    assert {law.__name__ for law, _ in FAULTS} == {
        name.removeprefix("test_") for name in vars(TranslationLaws) if name.startswith("test_")
    }
