"""`jackfield._routing.index`: who is found; that all of them are is a property elsewhere."""

from datetime import UTC, datetime

import pytest

from jackfield._feed.stream_events import stream_event
from jackfield._routing.index import SelectorIndex
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
