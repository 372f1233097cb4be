"""The CloudEvents form loses nothing."""

import json
from datetime import UTC, datetime
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from json_texts import texts

from jackfield.addresses import Address, escape_segment
from jackfield.events import Event, Parties, decode_data
from jackfield.plugin.protocol import Emit
from jackfield.testing import strategies
from jackfield_vinix.protocol import VinixProtocol
from jackfield_voipbin.protocol import VoipbinProtocol

ADDRESS = Address("v", "s", "i", "r", "n", "w")
AT = datetime(2026, 1, 1, tzinfo=UTC)


@given(strategies.events())
def test_an_event_is_read_back_from_its_json(event):
    assert Event.from_cloudevent(event.to_json()) == event


@given(strategies.events())
def test_an_event_is_read_back_from_its_object(event):
    assert Event.from_cloudevent(event.to_cloudevent()) == event


def in_a_uri(segment):
    return segment if quote(segment, safe="~:+=,;!$'()") == segment else quote(segment, safe="")


def described(event):
    """The members of an event's JSON, in their order, by no code of the event's own."""
    provider, scope, scope_id, resource, resource_id, word = event.address
    yield "specversion", "1.0"
    yield "id", event.id
    yield "source", "/" + "/".join(map(in_a_uri, (provider, scope, scope_id)))
    yield "type", event.kind
    sip_address = escape_segment(resource_id).replace("%40", "@")
    yield "subject", f"{escape_segment(resource)}/{sip_address}"
    yield "recordedtime", event.received
    yield "feed", event.feed
    yield "event", escape_segment(word)
    yield "origin", event.origin
    yield "inferred", event.inferred
    yield "time", event.time
    yield "datacontenttype", "application/json"
    yield "correlationid", event.correlation
    yield "partitionkey", event.correlation
    yield "nativetype", event.native_type
    yield "nativetopic", event.native_topic
    for name in Parties.__struct_fields__:
        yield name.replace("_", ""), getattr(event.parties, name)


@given(strategies.events())
def test_the_json_is_that_of_its_members_in_their_order_byte_for_byte(event):
    members = {name: value for name, value in described(event) if value not in (None, "")}
    data = {} if event.data is None else {"data": event.data}
    trace = {} if event.trace is None else {"traceparent": event.trace.parent}
    state = {"tracestate": event.trace.state} if event.trace is not None and event.trace.state else {}
    assert event.to_json() == msgspec.json.encode(members | data | trace | state)


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


@given(texts())
def test_any_payload_of_the_grammar_goes_out_as_it_came_and_is_read_back(text):
    event = Event("1", "a.b", ADDRESS, None, AT, "f", data=decode_data(text), data_json=text)
    line = event.to_json()
    assert line.count(text) >= 1
    again = Event.from_cloudevent(line)
    assert (again.data_json, again) == (text, event)
    assert Event.from_cloudevent(event.to_cloudevent()).data == event.data


@given(st.text(st.characters(), max_size=5))
def test_an_event_with_half_of_a_surrogate_pair_anywhere_can_be_written(text):
    address = Address("v", "s", text or "i", "r", text or "n", "w")
    event = Event(text, "a.b", address, None, AT, text, text, text, text, data={text: [text]})
    assert decode_data(event.to_json())["data"] == {text: [text]}


def voipbin(text):
    frame = b'{"type": "event", "topic": "customer_id:abc:call:x1", "event_type": "call.created", "data": %b}' % text
    return VoipbinProtocol("f").received(frame, AT)


def vinix(text):
    name = b"qubicle.queue.ACC.q1.join"
    frame = b'{"action": "event", "name": "%b", "routing_key": "%b", "data": %b}' % (name, name, text)
    return VinixProtocol("f").received(frame, AT)


@pytest.mark.parametrize("received", [voipbin, vinix], ids=lambda received: received.__name__)
@given(text=texts())
def test_a_vendors_frame_with_any_payload_of_the_grammar_is_an_event_with_it_as_it_came(received, text):
    payload = b'{"id": "x1", "text": %b}' % text
    (event,) = [each.event for each in received(payload) if isinstance(each, Emit)]
    assert event.data_json == payload
    assert Event.from_cloudevent(event.to_json()).data_json == payload
