"""The laws of topic translation, as properties that any dialect can be held to.

For a plugin author it is one line::

    class TestLaws(TranslationLaws):
        world = World(AcmeDialect("account-1"), Source("acme", "account", "account-1"))

1. **Round trip.** What an address is published under leads back to it; and what a published topic is read
   as leads back to that topic.
2. **Soundness.** Whatever a selector matches is delivered by at least one planned topic, by the vendor's own
   matcher; no selector that matches something is refused.
3. **Exactness.** After the filter here each of several consumers gets what its selectors match, and nothing else.
4. **Monotony.** A selector's plan covers the plan of every selector that it covers.
5. **Minimality.** No planned topic brings all that another one brings; planning again, in any order, gives the same.
6. **Agreement.** The vendor's matcher agrees with an oracle that is written differently, and with what the
   dialect says of topics: what covers another delivers what it delivers, and a topic delivers, and means,
   only what it is said to bring.

Each law is a function that tries it with Hypothesis, as often as the active profile says, and raises on
the first counterexample.
"""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from jackfield._routing.index import SelectorIndex
from jackfield.addresses import Address
from jackfield.plugin.provider import Dialect
from jackfield.testing import strategies
from jackfield.testing._rules import Level, Suite, rule
from jackfield.testing._world import PublishedEvent, World

__all__ = [
    "TranslationLaws",
    "World",
    "agreement",
    "exactness",
    "minimality",
    "monotony",
    "round_trip",
    "soundness",
]


def round_trip(world: World) -> None:
    """Law 1."""

    @given(world.published_events())
    def there_and_back(event: PublishedEvent) -> None:
        topic, name = world.dialect.native_of(event.address)
        back = world.dialect.address_of(topic, name)
        assert back == event.address, f"{event.address} is published under {topic}, which is read as {back}"

    @given(world.published or world.published_events().map(lambda event: world.dialect.native_of(event.address)))
    def back_and_there(native: tuple[str, str]) -> None:
        address = world.dialect.address_of(*native)
        topic, _ = world.dialect.native_of(address)
        assert topic == native[0], f"{native[0]} is read as {address}, which is published under {topic}"

    there_and_back()
    back_and_there()


def soundness(world: World) -> None:
    """Law 2."""
    published_events = world.published_events()

    @given(st.data())
    def law(data: st.DataObject) -> None:
        event = data.draw(published_events)
        selector = data.draw(world.matching(event))
        published, _ = world.dialect.native_of(event.address)
        plan = world.planned(selector)
        assert not [row.reason for row in plan.entries if row.reason], (
            f"a selector that matches an event is refused: {selector}"
        )
        delivering = [topic for topic in plan.topics if world.dialect.matches(topic, published)]
        assert delivering, f"{selector} matches {event}, but none of {plan.topics} delivers {published}"

    law()


def exactness(world: World) -> None:
    """Law 3."""
    published_events = world.published_events()

    @given(st.data())
    def law(data: st.DataObject) -> None:
        first = data.draw(published_events)
        events = [first, *data.draw(st.lists(world.near(first), min_size=1, max_size=3))]
        consumers = [data.draw(world.matching(event)) for event in events]
        plan = world.planned(*consumers)
        index: SelectorIndex[int] = SelectorIndex()
        for consumer, selector in enumerate(consumers):
            index.add(selector, consumer)
        for event in events:
            published, _ = world.dialect.native_of(event.address)
            comes = any(world.dialect.matches(topic, published) for topic in plan.topics)
            gets = index.match(event) if comes else set()
            should = {number for number, selector in enumerate(consumers) if selector.matches(event)}
            assert gets == should, (
                f"an event goes to {gets} and not to {should}: {event}, of {consumers} by {plan.topics}"
            )

    law()


def monotony(world: World) -> None:
    """Law 4."""
    published_events = world.published_events()

    @given(st.data())
    def law(data: st.DataObject) -> None:
        narrow = data.draw(world.matching(data.draw(published_events)))
        wide = data.draw(strategies.generalisations(narrow, world.fixed))
        wider = world.planned(wide).topics
        for topic in world.planned(narrow).topics:
            covered = any(world.dialect.covers(other, topic) for other in wider)
            assert covered, f"{wide} covers {narrow}, but none of {wider} covers {topic}"

    law()


def minimality(world: World) -> None:
    """Law 5."""
    published_events = world.published_events()

    @given(st.data())
    def law(data: st.DataObject) -> None:
        first = data.draw(published_events)
        events = [first, *data.draw(st.lists(world.near(first), max_size=3))]
        selectors = [data.draw(world.matching(event)) for event in events]
        topics = world.planned(*selectors).topics
        assert topics == world.planned(*selectors).topics, "planning again gives another plan"
        assert topics == world.planned(*data.draw(st.permutations(selectors))).topics, "another order, another plan"
        for topic in topics:
            # An address with a fresh text in each free slot stands for all that the topic brings: what
            # delivers this one too, delivers them all.
            pattern = world.dialect.pattern_of(topic)
            if pattern.resource_id is None and (ids := world.drawn_ids) is not None:
                pattern = pattern._replace(resource_id=data.draw(ids))
            native = world.native_of(pattern.witness())
            if native is not None and world.dialect.matches(topic, native[0]):
                others = [other for other in topics if other != topic and world.dialect.matches(other, native[0])]
                assert not others, f"{topic} is superfluous beside {others}"

    law()


def agreement(world: World) -> None:
    """Law 6."""
    dialect, published_events = world.dialect, world.published_events()

    @given(st.data())
    def law(data: st.DataObject) -> None:
        event = data.draw(published_events)
        near = data.draw(world.near(event))
        planned = world.planned(data.draw(world.matching(event)), data.draw(world.matching(near)))
        topics = sorted({topic for row in planned.entries for topic in row.topics})
        if world.topics is not None:
            topics.append(data.draw(world.topics))
        names = [dialect.native_of(event.address), dialect.native_of(near.address)]
        if world.published is not None:
            names.append(data.draw(world.published))
        for published, name in names:
            delivering = [topic for topic in topics if dialect.matches(topic, published)]
            if world.oracle is not None:
                right = [topic for topic in topics if world.oracle(topic, published)]
                assert delivering == right, f"{published} is delivered by {delivering}, and should be by {right}"
            for topic in delivering:
                address = dialect.address_of(published, name)
                assert _brings(dialect, topic, address), f"{topic} delivers {published} and is not said to bring it"
            for topic in topics:
                covering = any(_covers(dialect, topic, other) for other in delivering)
                assert topic in delivering or not covering, f"{topic} covers what delivers {published} and does not"
                assert _means_what_it_brings(dialect, topic), f"{topic} means what it is not said to bring"
            for topic, other in product(topics, repeat=2):
                if _covers(dialect, topic, other):
                    assert _is_found(dialect, topic, other), f"{topic} covers {other} and does not say so"

    law()


def _brings(dialect: Dialect, topic: str, address: Address) -> bool:
    """Whether a topic is said to bring an address; a text that is not a topic delivers nothing."""
    try:
        return dialect.pattern_of(topic).matches(address)
    except ValueError:
        return True


def _means_what_it_brings(dialect: Dialect, topic: str) -> bool:
    try:
        return dialect.pattern_of(topic).covers(dialect.describe(topic)[0])
    except ValueError:
        return True


def _is_found(dialect: Dialect, topic: str, other: str) -> bool:
    """Whether the planner finds by its text, or by what it says, that a topic covers another."""
    if getattr(dialect, "covers_by_prefix", False):
        return other.startswith(topic)
    try:
        return dialect.describe(topic)[0].covers(dialect.describe(other)[0])
    except ValueError:
        return True


def _covers(dialect: Dialect, topic: str, other: str) -> bool:
    try:
        return dialect.covers(topic, other)
    except ValueError:
        return False


class TranslationLaws(Suite):
    """The laws as rules: inherit and set `world`."""

    @property
    def world(self) -> World:
        """The dialect, and what it is tried with."""
        raise NotImplementedError

    @rule(Level.SILVER)
    def test_round_trip(self) -> None:
        """Law 1: an address must come back from its topic as it went, or events are filed under strangers."""
        round_trip(self.world)

    @rule(Level.SILVER)
    def test_soundness(self) -> None:
        """Law 2: what a selector matches and no planned topic delivers is never seen, and nobody knows."""
        soundness(self.world)

    @rule(Level.SILVER)
    def test_exactness(self) -> None:
        """Law 3: each consumer gets what its selectors match, whatever others have asked for."""
        exactness(self.world)

    @rule(Level.GOLD)
    def test_monotony(self) -> None:
        """Law 4: who asks for more must not get less."""
        monotony(self.world)

    @rule(Level.GOLD)
    def test_minimality(self) -> None:
        """Law 5: a topic that brings nothing of its own costs the vendor, and us each event twice."""
        minimality(self.world)

    @rule(Level.GOLD)
    def test_agreement(self) -> None:
        """Law 6: what the dialect says of its topics is what the vendor's own matcher does."""
        agreement(self.world)
