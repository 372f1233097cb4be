"""`jackfield.events.draft`: what is filled slot by slot is an event like any other."""

import copy

import attrs
import pytest

from jackfield.events import Event, EventDraft
from jackfield.testing import sample_events

FIELDS = [field.name for field in attrs.fields(Event) if field.init]
(EVENT,) = sample_events(1)


def drafted(**changes):
    draft = EventDraft()
    for name in FIELDS:
        setattr(draft, name, changes.get(name, getattr(EVENT, name)))
    return draft


def test_a_draft_has_the_fields_of_an_event_and_no_others():
    annotated = {name for name in EventDraft.__annotations__ if not name.startswith("_")}
    assert annotated == set(FIELDS)


def test_a_frozen_draft_is_the_event_that_the_constructor_makes():
    event = drafted().freeze()
    assert type(event) is Event
    assert (event, hash(event), repr(event), event.to_json()) == (EVENT, hash(EVENT), repr(EVENT), EVENT.to_json())
    assert attrs.evolve(event, kind="call.cleared") == attrs.evolve(EVENT, kind="call.cleared")
    assert copy.deepcopy(event) == EVENT
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.kind = "call.cleared"


def test_a_payload_that_is_left_unset_is_made_of_its_text_once():
    draft = drafted(data_json=b'{"a": 1e400}')
    del draft.data
    event = draft.freeze()
    assert event.to_json().endswith(b'"data":{"a": 1e400}}')
    assert event.data is event.data
    assert str(event.data["a"]) == "1E+400"


def test_an_event_has_no_other_attributes():
    with pytest.raises(AttributeError, match="'Event' object has no attribute 'payload'"):
        _ = EVENT.payload
