"""The CloudEvents form loses nothing."""

import json
from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.testing import strategies

ADDRESS = Address("v", "s", "i", "r", "n", "w")
AT = datetime(2026, 1, 1, tzinfo=UTC)


@given(strategies.events())
def test_an_event_is_read_back_from_its_json(event):
    assert Event.from_cloudevent(event.to_json()) == event


@given(strategies.events())
def test_an_event_is_read_back_from_its_object(event):
    assert Event.from_cloudevent(event.to_cloudevent()) == event


@given(strategies.events())
def test_the_json_is_one_line_that_any_parser_reads(event):
    line = event.to_json()
    assert b"\n" not in line
    assert json.loads(line)["id"] == event.id


@given(strategies.json_values())
def test_the_payloads_own_text_passes_through_both_ways(value):
    text = json.dumps(value, ensure_ascii=False).encode()
    event = Event("1", "a.b", ADDRESS, None, AT, "f", data=msgspec.json.decode(text), data_json=text)
    assert Event.from_cloudevent(event.to_json()).data_json == text


@given(st.binary() | st.text())
def test_anything_else_is_refused_with_one_error(rubbish):
    try:
        Event.from_cloudevent(rubbish)
    except ValueError as error:
        assert str(error)
