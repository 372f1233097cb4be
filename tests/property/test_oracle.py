"""`jackfield.testing.oracle` and `event_streams`: who gets an event, said in two ways; streams as vendors send them."""

from hypothesis import given
from hypothesis import strategies as st

from jackfield._routing.index import SelectorIndex
from jackfield.testing import strategies
from jackfield.testing.oracle import consumers_of, selects


@given(strategies.selectors(), strategies.events())
def test_a_selector_and_the_oracle_agree(selector, event):
    assert selects(str(selector), event) == selector.matches(event)


@given(st.data(), strategies.events())
def test_the_index_and_the_oracle_agree_on_who_gets_an_event(data, event):
    near = strategies.selectors_matching(event.kind, event.address)
    selectors = data.draw(st.lists(near | strategies.selectors(), max_size=5))
    index = SelectorIndex()
    for number, selector in enumerate(selectors):
        index.add(selector, str(number))
    assert index.match(event) == consumers_of(event, {str(n): [str(each)] for n, each in enumerate(selectors)})


@given(strategies.event_streams())
def test_a_stream_is_in_the_order_of_time_and_each_life_begins_at_its_beginning(stream):
    assert [event.time for event in stream] == sorted(event.time for event in stream)
    first = {event.correlation: event.kind for event in reversed(stream)}
    beginnings = {"call.initiated", "contact.queued", "agent.logged_on", "message.received"}
    assert set(first.values()) <= beginnings


@given(strategies.event_streams(copies=False))
def test_a_stream_without_copies_has_each_id_once(stream):
    assert len({event.id for event in stream}) == len(stream)
