"""`jackfield._routing.index`: who is found; that all of them are is a property elsewhere."""

from datetime import UTC, datetime

import attrs
import pytest

from jackfield._feed.stream_events import stream_event
from jackfield._routing.index import ANSWERS, LONG, SelectorIndex
from jackfield.addresses import Source
from jackfield.selectors import Selector

EVENT = stream_event(Source("vinix", "account", "A"), "support", "connected", datetime.now(UTC))


def index_of(**selectors):
    index = SelectorIndex()
    for subscriber, text in selectors.items():
        index.add(Selector.parse(text), subscriber)
    return index


def test_subscribers_are_found_by_kind_by_address_and_by_everything():
    index = index_of(
        a="stream.*", b="vinix/**", c="**", d="stream.connected @ */account/**", e="agent.*", f="voipbin/**"
    )
    assert index.match(EVENT) == {"a", "b", "c", "d"}


def test_a_subscriber_stays_as_long_as_one_of_its_selectors_does():
    index = index_of(a="stream.*")
    index.add(Selector.parse("**"), "a")
    index.add(Selector.parse("**"), "a")
    for text in ("**", "stream.*"):
        index.remove(Selector.parse(text), "a")
        assert index.match(EVENT) == {"a"}
    index.remove(Selector.parse("**"), "a")
    assert index.match(EVENT) == set()


def test_what_was_never_added_cannot_be_removed():
    with pytest.raises(KeyError):
        index_of(a="stream.*").remove(Selector.parse("stream.*"), "b")
    with pytest.raises(KeyError):
        index_of(a="stream.*").remove(Selector.parse("agent.*"), "a")


def test_an_index_that_was_emptied_holds_nothing():
    index = index_of(a="stream.*", b="stream.*")
    index.remove(Selector.parse("stream.*"), "a")
    index.remove(Selector.parse("stream.*"), "b")
    assert index == SelectorIndex()


def test_an_answer_does_not_outlive_a_change_of_the_selectors():
    index = index_of(a="stream.*")
    assert index.match(EVENT) == {"a"}
    index.add(Selector.parse("stream.connected"), "b")
    assert index.match(EVENT) == {"a", "b"}
    named = Selector.parse(f"vinix/account/A/*/{EVENT.address.resource_id}/**")
    index.add(named, "c")
    assert index.match(EVENT) == {"a", "b", "c"}
    index.remove(named, "c")
    index.remove(Selector.parse("stream.*"), "a")
    assert index.match(EVENT) == {"b"}


def test_a_selector_of_one_thing_is_no_answer_for_another_of_the_same_class():
    index = index_of(a="**", b=f"vinix/account/A/*/{EVENT.address.resource_id}/**")
    other = attrs.evolve(EVENT, address=EVENT.address._replace(resource_id="another"))
    for _ in range(2):
        assert (index.match(EVENT), index.match(other)) == ({"a", "b"}, {"a"})


def test_answers_are_bounded_whatever_a_vendor_sends():
    index = index_of(a="**")
    for number in range(ANSWERS * 2):
        index.match(attrs.evolve(EVENT, address=EVENT.address._replace(event=f"w{number}")))
    long = attrs.evolve(EVENT, address=EVENT.address._replace(event="w" * LONG))
    assert index.match(long) == {"a"}
    assert len(index._answers) <= ANSWERS and all(len(key[-1]) < LONG for key in index._answers)
