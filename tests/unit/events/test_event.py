"""`jackfield.events`: the CloudEvents form, checked by the public CloudEvents library too."""

import json
from datetime import UTC, datetime

import attrs
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from jackfield._journal.segments.keys import read_attributes
from jackfield.addresses import Address
from jackfield.errors import EventError
from jackfield.events import NO_PARTIES, Event, Parties, content_id, decode_data

EVENT = Event(
    id="1a2b",
    kind="call.connected",
    address=Address("voipbin", "customer", "abc123", "call", "xyz789", "status"),
    time=datetime(2026, 8, 20, 9, 15, 1, 720345, UTC),
    received=datetime(2026, 8, 20, 9, 15, 2, tzinfo=UTC),
    feed="head-office",
    correlation="xyz789",
    native_type="call.status",
    native_topic="customer_id:abc123:call:xyz789",
    data={"status": "answered"},
)


def test_an_event_goes_out_as_a_cloudevent_with_every_field_in_its_place():
    assert EVENT.to_cloudevent() == {
        "specversion": "1.0",
        "id": "1a2b",
        "source": "/voipbin/customer/abc123",
        "type": "call.connected",
        "subject": "call/xyz789",
        "time": "2026-08-20T09:15:01.720345Z",
        "datacontenttype": "application/json",
        "recordedtime": "2026-08-20T09:15:02Z",
        "feed": "head-office",
        "event": "status",
        "correlationid": "xyz789",
        "partitionkey": "xyz789",
        "nativetype": "call.status",
        "nativetopic": "customer_id:abc123:call:xyz789",
        "origin": "live",
        "inferred": False,
        "data": {"status": "answered"},
    }


def test_the_parties_go_out_as_extension_attributes_and_only_those_that_the_vendor_named():
    parties = Parties(direction="inbound", caller="+4930123", agent_id="a7", queue_name="Support", cause="no_answer")
    event = attrs.evolve(EVENT, parties=parties)
    assert event.to_cloudevent() == EVENT.to_cloudevent() | {
        "direction": "inbound",
        "caller": "+4930123",
        "agentid": "a7",
        "queuename": "Support",
        "cause": "no_answer",
    }
    assert Event.from_cloudevent(event.to_json()).parties == parties
    assert Event.from_cloudevent(EVENT.to_json()).parties is NO_PARTIES


@pytest.mark.parametrize("change", [{"cause": "boredom"}, {"media": "smoke"}, {"direction": "up"}, {"caller": 4930}])
def test_parties_outside_the_neutral_words_are_refused(change):
    with pytest.raises(EventError):
        Event.from_cloudevent(EVENT.to_cloudevent() | change)


def test_half_of_a_surrogate_pair_in_a_name_does_not_keep_an_event_from_leaving():
    event = attrs.evolve(EVENT, parties=Parties(caller_name="Ann \ud83d"))
    assert Event.from_cloudevent(event.to_json()).parties.caller_name == "Ann \ufffd"


def test_the_public_cloudevents_library_reads_it():
    read = JSONFormat().read(CloudEvent, EVENT.to_json())
    assert read.get_type() == "call.connected"
    assert read.get_source() == "/voipbin/customer/abc123"
    assert read.get_time() == EVENT.time
    assert read.get_extension("partitionkey") == "xyz789"
    assert read.get_data() == {"status": "answered"}


def test_what_the_vendor_did_not_say_is_left_out():
    silent = Event("1", "queue.started", EVENT.address, None, EVENT.received, "f")
    assert not {"time", "correlationid", "partitionkey", "nativetype", "data"} & silent.to_cloudevent().keys()
    assert Event.from_cloudevent(silent.to_json()) == silent


def test_the_payload_goes_out_in_the_vendors_own_digits_and_escapes():
    text = b'{"n":1.10,"big":12345678901234567890123,"s":"\\u003cb\\u003e","dup":1,"dup":2}'
    event = attrs.evolve(EVENT, data=json.loads(text), data_json=text)
    assert text in event.to_json()
    again = Event.from_cloudevent(event.to_json())
    assert again.data_json == text


def test_a_payload_written_over_several_lines_becomes_one_line():
    event = attrs.evolve(EVENT, data={"a": 1}, data_json=b'{\r\n  "a": 1\n}')
    assert b"\n" not in event.to_json() and b"\r" not in event.to_json()
    assert Event.from_cloudevent(event.to_json()).data == {"a": 1}


def test_the_source_is_a_uri_reference_whatever_the_ids_hold():
    event = attrs.evolve(EVENT, address=Address("v", "s", "a/b ?#ä", "r/1", "i d", "e*"))
    cloudevent = event.to_cloudevent()
    assert cloudevent["source"] == "/v/s/a%2Fb%20%3F%23%C3%A4"
    assert cloudevent["subject"] == "r%2F1/i%20d"
    assert Event.from_cloudevent(cloudevent) == event


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"source": "voipbin"}, "make no address"),
        ({"subject": "call"}, "make no address"),
        ({"source": "/voipbin//abc"}, "none of them empty"),
        ({"origin": "elsewhere"}, "origin"),
        ({"recordedtime": "yesterday"}, "recordedtime"),
        ({"id": 5}, "id"),
    ],
)
def test_what_is_no_event_of_ours_is_refused_with_the_reason(change, problem):
    with pytest.raises(EventError, match=problem):
        Event.from_cloudevent(EVENT.to_cloudevent() | change)


def test_bytes_that_are_no_json_are_refused():
    with pytest.raises(EventError):
        Event.from_cloudevent(b"\xff")


def test_an_id_of_content_depends_on_each_part_and_on_where_it_ends():
    ids = {content_id(b"ab", b"c"), content_id(b"a", b"bc"), content_id(b"abc"), content_id(b"ab", b"c", b"")}
    assert len(ids) == 4
    assert content_id(b"ab", b"c") == content_id(b"ab", b"c")


def test_an_event_can_be_kept_in_a_set_and_shows_no_raw_bytes():
    event = attrs.evolve(EVENT, raw=b"secret", data_json=b"{}")
    assert len({event, EVENT}) == 1
    assert "secret" not in repr(event)


@pytest.mark.parametrize("text", [b'{"n":1e400}', b'{"n":-1E+999999}', b"[1.5,1e309,9007199254740993]"])
def test_a_number_beyond_every_float_is_the_same_number_after_a_round_trip(text):
    event = attrs.evolve(EVENT, data=decode_data(text), data_json=None)
    again = Event.from_cloudevent(event.to_json())
    assert again.data == event.data == decode_data(text)
    assert Event.from_cloudevent(event.to_cloudevent()).data == event.data


def test_a_nesting_that_is_too_deep_for_the_stack_is_a_clear_word():
    line = EVENT.to_json()[:-1] + b',"more":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(EventError, match="recursion depth"):
        Event.from_cloudevent(line)
    assert read_attributes(line).id == ""
