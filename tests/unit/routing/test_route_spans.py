"""`jackfield._routing.route_spans`: an event goes where the routes led when it came, whenever it is read."""

from datetime import UTC, datetime

import attrs
from hypothesis import given
from hypothesis import strategies as st

from jackfield._feed.stream_events import stream_event
from jackfield._routing.route_spans import RouteSpans
from jackfield.addresses import Source
from jackfield.events import Record
from jackfield.selectors import Selector

AT = datetime(2026, 1, 1, tzinfo=UTC)
SELECTORS = [Selector.parse(text) for text in ("**", "stream.*", "stream.a", "v/s/i/stream/f/b")]
EVENTS = [attrs.evolve(stream_event(Source("v", "s", "i"), "f", word, AT)) for word in "abc"]

routes = st.lists(st.sampled_from(SELECTORS), min_size=1, max_size=3).map(tuple)
steps = st.one_of(
    st.tuples(st.just("add"), routes, st.booleans()),
    st.tuples(st.just("end"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("event"), st.sampled_from(EVENTS), st.booleans()),
    st.tuples(st.just("read"), st.integers(1, 3), st.booleans()),
)


@given(st.lists(steps, max_size=30))
def test_what_a_sink_gets_is_reported_by_the_routes_at_the_moment_when_the_event_came(steps):
    selection, held, taken, read = RouteSpans(), [], [], 0

    def check():
        number, (event, expected, fleeting) = read, taken[read]
        assert bool(selection.choose([Record(number, event)])) == expected
        assert selection.forgets(number, event) == fleeting

    for what, value, lasting in steps:
        match what:
            case "add":
                held.append((selection.add(value, len(taken), lasting=lasting), value, lasting))
            case "end" if held:
                span, _, _ = held.pop(value % len(held))
                selection.end(span, len(taken), passed=read)
            case "event":
                leading = [stays for _, selectors, stays in held if any(each.matches(value) for each in selectors)]
                taken.append((value, bool(leading), bool(leading) and not any(leading)))
            case "read":
                for _ in range(min(value, len(taken) - read)):
                    check()
                    read += 1
    while read < len(taken):
        check()
        read += 1


def test_routes_that_ended_long_ago_cost_nothing():
    selection = RouteSpans()
    for number in range(100):
        span = selection.add((SELECTORS[1],), number, lasting=False)
        selection.end(span, number, passed=number)
    assert not selection._ended
    assert not selection._index.match(EVENTS[0])
