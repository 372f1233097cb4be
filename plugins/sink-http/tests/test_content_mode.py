"""`jackfield_http.content_mode`: all three content modes are read by the CloudEvents project's own library."""

import json
from itertools import pairwise

import attrs
import msgspec
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_binary_event, from_structured_event
from hypothesis import given
from hypothesis import strategies as st

from jackfield.events import Event
from jackfield.testing import strategies
from jackfield_http.content_mode import messages

EVENTS = st.lists(strategies.events(), min_size=1, max_size=5)


def as_http(message):
    return HTTPMessage(dict(message.headers), message.body)


def read_batch(message):
    """The library knows no batches; by the JSON format one is an array of events, each as in the structured form."""
    for text in msgspec.json.decode(message.body, type=list[msgspec.Raw]):
        yield from_structured_event(HTTPMessage({"content-type": "application/cloudevents+json"}, bytes(text)))


def same(read, event):
    """Whether the library read what the event says of itself as a CloudEvent."""
    said = event.to_cloudevent()
    data = said.pop("data", None)
    attributes = dict(read.get_attributes())
    time = attributes.pop("time")  # the library puts the present there where an event says nothing
    assert said.pop("time", None) is None or time == event.time
    shown = {name: {True: "true", False: "false"}.get(value, value) for name, value in said.items()}
    got = {name: {True: "true", False: "false"}.get(value, value) for name, value in attributes.items()}
    assert got == shown
    assert read.get_data() == data


@given(EVENTS)
def test_the_structured_form_is_one_request_an_event(events):
    made = list(messages("structured", events, 1))
    for message, event in zip(made, events, strict=True):
        assert message.headers == {"content-type": "application/cloudevents+json; charset=utf-8"}
        assert message.events == (event,)
        same(from_structured_event(as_http(message)), event)


@given(EVENTS)
def test_the_binary_form_says_in_headers_what_the_event_says_of_itself(events):
    for message, event in zip(messages("binary", events, 1), events, strict=True):
        if event.data is None:
            continue  # has a test of its own
        same(from_binary_event(as_http(message)), event)
        assert all(name.startswith("ce-") or name == "content-type" for name in message.headers)
        assert all("!" <= char <= "~" and char != '"' for value in message.headers.values() for char in value)


def test_headers_are_percent_encoded_as_the_binding_says(event):
    (message,) = messages("binary", [attrs.evolve(event(), id='Euro € 😀 "%" \x7f')], 1)
    assert message.headers["ce-id"] == "Euro%20%E2%82%AC%20%F0%9F%98%80%20%22%25%22%20%7F"
    assert message.headers["ce-source"] == "/v/s/i"
    assert message.headers["ce-inferred"] == "false"
    assert message.headers["content-type"] == "application/json"
    assert "ce-datacontenttype" not in message.headers


@pytest.mark.parametrize("text", [b'{"n": 1.00, "big": 123456789012345678901234567890}', b"null", b'"\\u00e9"', b"[ ]"])
def test_the_binary_body_is_the_payload_as_the_vendor_wrote_it(event, text):
    made = attrs.evolve(event(), data=json.loads(text), data_json=text)
    (message,) = messages("binary", [made], 1)
    assert message.body == text


def test_an_event_without_data_is_an_empty_binary_body_that_is_not_said_to_be_json(event):
    (message,) = messages("binary", [attrs.evolve(event(), data=None)], 1)
    assert message.body == b""
    assert "content-type" not in message.headers
    read = from_binary_event(as_http(message))
    assert not read.get_data()
    assert read.get_id() == "1"


@given(EVENTS, st.integers(1, 3000))
def test_batches_hold_every_event_once_and_in_order_within_the_limit(events, most):
    made = list(messages("batch", events, most))
    assert [event for message in made for event in message.events] == events
    for message in made:
        assert message.headers == {"content-type": "application/cloudevents-batch+json; charset=utf-8"}
        assert len(message.body) <= most or len(message.events) == 1
        for read, event in zip(read_batch(message), message.events, strict=True):
            same(read, event)


@given(EVENTS, st.integers(1, 3000))
def test_batches_are_as_few_as_the_order_allows(events, most):
    made = list(messages("batch", events, most))
    for message, following in pairwise(made):
        assert len(message.body) + 1 + len(following.events[0].to_json()) > most


def test_a_batch_does_not_encode_its_events_again(event):
    text = b'{"n": 1.00}'
    made = attrs.evolve(event(), data_json=text)
    (message,) = messages("batch", [made, made], 10_000)
    assert message.body == b"[" + made.to_json() + b"," + made.to_json() + b"]"
    assert message.body.count(text) == 2
    assert [Event.from_cloudevent(each).id for each in json.loads(message.body)] == ["1", "1"]
