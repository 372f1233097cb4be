"""`jackfield_vinix.translate` and `wire`: one event in each way in which it may be written, and any others."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.addresses import AddressPattern
from jackfield.errors import FrameError
from jackfield.selectors import KindPattern
from jackfield.testing import strategies
from jackfield_vinix.dialects import DocumentedDialect
from jackfield_vinix.kinds import TABLE
from jackfield_vinix.translate import translate
from jackfield_vinix.wire import fold, read_frame

AT = datetime(2026, 11, 21, tzinfo=UTC)
FRAMES = [json.loads(line) for line in Path(__file__).with_name("frames.jsonl").read_text().splitlines()]
EVENTS = [frame for frame in FRAMES if frame["wire"].get("action") != "reply"]
ACCOUNT = "e086ae14f0b36050f03309e30b2daa39"


def read(frame, account="A"):
    raw = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    return translate(read_frame(raw), raw, "support", account, AT)


@pytest.mark.parametrize("frame", EVENTS, ids=lambda frame: frame["note"][:40])
def test_every_event_of_the_collection_has_its_family_ids_time_and_identity(frame):
    wire = frame["wire"]
    data = wire["data"]
    family, word = data["event_category"].removeprefix("qubicle-"), data["event_name"]
    event = read(wire)
    assert event.address[:5] == ("vinix", "account", ACCOUNT, family, data[f"{family}_id"])
    assert event.address.event == word
    assert not event.kind.startswith("unmapped")
    assert event.id == data["msg_id"]
    assert event.time == datetime.fromtimestamp(data["event_timestamp"] - 62_167_219_200, UTC)
    assert event.correlation == data.get("session_id", data.get("call_id"))
    assert event.data == data
    assert event.native_type == wire.get("name", wire.get("event"))
    assert event.native_topic == wire.get("routing_key", "")


JOIN = {"session_id": "S", "queue_id": "Q", "account_id": "A", "msg_id": "m1", "event_unix_timestamp": 1767225620}
WAYS = {
    "KAZOO 4.3": {"action": "event", "name": "join", "routing_key": "qubicle.queue.A.Q", "data": JOIN},
    "KAZOO 5": {"action": "event", "name": "join", "routing_key": "qubicle.queue.A.Q.join", "data": JOIN},
    "documented": {
        "action": "event",
        "name": "qubicle.queue.A.Q.join",
        "routing_key": "qubicle.queue.A.Q.join",
        "data": JOIN,
    },
    "lean": {"event": "qubicle.queue.A.Q.join", "data": JOIN},
    "leaner": {"event_name": "qubicle.queue.A.Q.join"},
    "payload only": {"action": "event", "data": JOIN | {"event_name": "join", "event_category": "qubicle-queue"}},
    "key only": {"action": "event", "routing_key": "qubicle.queue.A.Q.join"},
    "subscription": {"name": "join", "subscribed_key": "qubicle.queue", "data": JOIN},
    "title case": {
        "name": "join",
        "routing_key": "qubicle.queue.A.Q",
        "data": {"Queue-ID": "Q", "Account-ID": "A", "Msg-ID": "m1"},
    },
    "extra words": {"name": "join", "routing_key": "qubicle.queue.A.Q.join.extra", "data": JOIN},
}


@pytest.mark.parametrize("way", WAYS)
def test_one_event_is_the_same_in_whichever_way_it_is_written(way):
    event = read(WAYS[way])
    assert str(event.address) == "vinix/account/A/queue/Q/join"
    assert event.kind == "contact.queued"


def test_ids_of_the_payload_go_before_those_of_the_key():
    frame = {"name": "join", "routing_key": "qubicle.queue.A.wrong", "data": JOIN}
    assert read(frame).address.resource_id == "Q"


def test_what_the_vendor_wrote_passes_through_unfolded():
    frame = WAYS["title case"]
    assert read(frame).data == frame["data"]
    assert fold({"Queue-ID": 1, "server-queue_Id": 2}) == {"queue_id": 1, "server_queue_id": 2}
    assert fold([1]) == {}


@pytest.mark.parametrize(
    ("fields", "moment"),
    [
        (
            {"event_unix_timestamp": 1603829149, "event_timestamp": 63771048349},
            datetime(2020, 10, 27, 20, 5, 49, tzinfo=UTC),
        ),
        ({"event_timestamp": 63771048349}, datetime(2020, 10, 27, 20, 5, 49, tzinfo=UTC)),
        ({"event_timestamp": 1603829149}, datetime(2020, 10, 27, 20, 5, 49, tzinfo=UTC)),
        ({"event_timestamp": 1603829149500}, datetime(2020, 10, 27, 20, 5, 49, 500000, UTC)),
        ({"event_unix_timestamp": 0, "event_timestamp": 63771048349}, datetime(2020, 10, 27, 20, 5, 49, tzinfo=UTC)),
        ({"event_timestamp": 0}, None),
        ({"event_timestamp": -5}, None),
        ({"event_timestamp": True}, None),
        ({"event_timestamp": "63771048349"}, None),
        ({"event_timestamp": 1e300}, None),
        ({"event_timestamp": 63771048349.5}, datetime(2020, 10, 27, 20, 5, 49, 500000, UTC)),
        ({}, None),
    ],
)
def test_each_clock_is_told_by_its_size(fields, moment):
    assert read({"name": "join", "routing_key": "qubicle.queue.A.Q", "data": fields}).time == moment


def test_without_a_message_id_the_content_is_the_identity():
    frames = [WAYS["KAZOO 5"] | {"data": {**JOIN, "msg_id": None, "position": position}} for position in (1, 1, 2)]
    first, copy, other = (read(frame) for frame in frames)
    assert first.id == copy.id != other.id


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (b"", "no JSON"),
        (b"hello", "no JSON"),
        (b"[]", "no JSON object"),
        (b"5", "no JSON object"),
        ({}, "neither a reply nor an event"),
        ({"action": "event", "data": {"queue_id": "Q"}}, "neither a reply nor an event"),
        ({"name": "join", "routing_key": "qubicle.queue..Q"}, "'qubicle.queue..Q' has an empty segment"),
        ({"name": "qubicle.queue.A.Q."}, "has an empty segment"),
        (b'{"name":"join","data":"\xff"}', "data is no JSON"),
    ],
)
def test_what_cannot_be_read_says_why(frame, problem):
    with pytest.raises(FrameError, match=problem):
        read(frame)


keys = st.sampled_from(["action", "name", "event", "event_name", "routing_key", "subscribed_key", "data"])
texts = st.sampled_from(["join", "qubicle.queue.A.Q.join", "qubicle.queue.A.Q", "qubicle", "a.b", ""])
payloads = st.dictionaries(
    st.sampled_from(
        ["queue_id", "account_id", "event_name", "event_category", "msg_id", "event_timestamp", "Session-ID"]
    ),
    strategies.json_values() | texts,
)


@given(st.dictionaries(keys, strategies.json_values() | texts | payloads))
def test_any_object_is_an_event_or_one_error(frame):
    try:
        event = read(frame)
    except FrameError:
        return
    assert all(event.address)
    assert KindPattern.parse(event.kind).matches(event.kind)
    assert type(event).from_cloudevent(event.to_json()) == event


@given(st.binary())
def test_any_bytes_are_an_event_or_one_error(raw):
    try:
        read(raw)
    except FrameError as error:
        assert error.raw == raw


@given(
    st.sampled_from([(family, word) for family, words in TABLE.items() for word in [*words, "surprised"]]),
    st.sampled_from(["abandoned", "timeout", "", None]),
)
def test_the_planner_knows_beforehand_every_kind_that_an_event_can_turn_out_to_be(event, reason):
    """Else a selector of that kind would not be subscribed to, and its events never come."""
    family, word = event
    data = {"event_category": f"qubicle-{family}", "event_name": word, f"{family}_id": "1", "reason": reason}
    key = f"qubicle.{family}.A.1.{word}"
    found = read(
        {
            "action": "event",
            "name": word,
            "subscribed_key": key,
            "subscription_key": key,
            "routing_key": key,
            "data": data,
        }
    )
    assert found.kind in DocumentedDialect("A").kinds_of(AddressPattern.exactly(found.address))
