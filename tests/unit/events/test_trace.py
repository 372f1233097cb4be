"""`jackfield.events.trace`: a trace context is passed on in its own syntax, bounded, or not at all."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.events import Event, EventDraft, TraceContext
from jackfield.testing import sample_events

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{PARENT}-01"
(EVENT,) = sample_events(1)


def state_of(*states):
    return TraceContext.parse([GOOD], states).state


@pytest.mark.parametrize(
    ("header", "passed_on"),
    [
        (GOOD, GOOD),
        (f" {GOOD}\t", GOOD),
        (f"01-{TRACE}-{PARENT}-ff", f"00-{TRACE}-{PARENT}-01"),
        (f"cc-{TRACE}-{PARENT}-00-what-comes-later", f"00-{TRACE}-{PARENT}-00"),
    ],
)
def test_a_parent_is_passed_on_in_the_present_version(header, passed_on):
    assert TraceContext.parse([header]) == (passed_on, "")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "ff" + GOOD[2:],
        GOOD + "-more",
        GOOD.upper(),
        GOOD[:-1],
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"01-{TRACE}-{PARENT}-01-" + "x" * 201,
        f"00-{TRACE}-{PARENT}-01\n",
        f"0é-{TRACE}-{PARENT}-01",
    ],
)
def test_what_is_no_parent_is_not_passed_on(header):
    assert TraceContext.parse([header], ["a=b"]) is None


def test_two_parents_are_none():
    assert TraceContext.parse([GOOD, GOOD]) is None
    assert TraceContext.parse([]) is None


@pytest.mark.parametrize(
    ("states", "passed_on"),
    [
        (["congo=t61rcWkgMzE"], "congo=t61rcWkgMzE"),
        ([" a=1 , b=2,,", "c@d=3"], "a=1,b=2,c@d=3"),
        (["a=1,A=2"], ""),
        (["a=1,b"], ""),
        (["a=1,a=2"], ""),
        (["a=1=2"], ""),
        (["a=é"], ""),
        ([",".join(f"k{n}=v" for n in range(33))], ""),
        (["a=" + "x" * 257], ""),
        (["a=" + "x" * 9000], ""),
    ],
)
def test_a_state_is_passed_on_whole_or_not_at_all(states, passed_on):
    assert state_of(*states) == passed_on


def test_a_state_that_is_too_long_loses_its_long_members_first_and_then_the_last_ones():
    long, short = "l=" + "x" * 200, [f"k{n}=" + "x" * 30 for n in range(20)]
    kept = state_of(",".join([short[0], long, *short[1:]])).split(",")
    assert long not in kept
    assert kept == short[: len(kept)]
    assert len(",".join(kept)) <= 512 < len(",".join(short[: len(kept) + 1]))


@given(st.text(), st.text())
def test_whatever_a_header_holds_it_is_valid_or_nothing(parent, state):
    found = TraceContext.parse([parent], [state])
    assert found is None or TraceContext.parse([found.parent], [found.state]) == found
    state = state_of(state)
    assert len(state) <= 512
    assert state_of(state) == state


def test_an_event_carries_it_as_cloudevents_extension_says_and_reads_it_back():
    trace = TraceContext(GOOD, "a=1,b=2")
    event = attrs.evolve(EVENT, trace=trace)
    cloudevent = event.to_cloudevent()
    assert (cloudevent["traceparent"], cloudevent["tracestate"]) == trace
    assert Event.from_cloudevent(cloudevent) == event
    assert Event.from_cloudevent({**cloudevent, "traceparent": "nonsense"}).trace is None
    assert "tracestate" not in attrs.evolve(EVENT, trace=TraceContext(GOOD)).to_cloudevent()


def test_an_event_that_has_none_is_as_it_was():
    assert b"trace" not in EVENT.to_json()
    assert (EVENT.trace, EventDraft().trace) == (None, None)
