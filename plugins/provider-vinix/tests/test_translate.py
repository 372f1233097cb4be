"""`jackfield_vinix.translate` and `wire`: one event in each way in which it may be written, and any others."""

import json
import re
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
from jackfield_vinix.kinds import FAMILIES, TABLE, kinds_at
from jackfield_vinix.topics import encode_word
from jackfield_vinix.translate import translate
from jackfield_vinix.wire import fold, fold_within, read_frame, text_of

AT = datetime(2026, 11, 21, tzinfo=UTC)
FRAMES = [json.loads(line) for line in Path(__file__).with_name("frames.jsonl").read_text().splitlines()]
EVENTS = [frame for frame in FRAMES if frame["wire"].get("action") != "reply"]
DOCUMENTED = [frame for frame in EVENTS if not frame["note"].startswith("odd")]
ACCOUNT = "e086ae14f0b36050f03309e30b2daa39"


def read(frame, account="A"):
    raw = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    return translate(read_frame(raw), raw, "support", account, AT)


@pytest.mark.parametrize("frame", EVENTS, ids=lambda frame: frame["note"][:60])
def test_every_event_of_the_collection_is_read_as_it_is_meant(frame):
    event, expected = read(frame["wire"], ACCOUNT), frame["expect"]
    assert event.kind == expected["kind"]
    assert str(event.address) == expected["address"]
    assert event.time == (expected["time"] and datetime.fromisoformat(expected["time"]))
    assert event.correlation == expected["correlation"]
    assert re.fullmatch("[0-9a-f]{32}", event.id)
    assert expected["id"] is None or expected["id"] == text_of(fold(event.data), "msg_id")
    assert event.data == frame["wire"].get("data")


@pytest.mark.parametrize("frame", DOCUMENTED, ids=lambda frame: frame["note"][:60])
def test_every_documented_event_has_its_family_ids_time_and_identity(frame):
    wire = frame["wire"]
    data = wire["data"]
    family, word = data["event_category"].removeprefix("qubicle-"), data["event_name"]
    event = read(wire)
    assert event.address[:5] == ("vinix", "account", ACCOUNT, family, data[f"{family}_id"])
    assert event.address.event == word
    assert not event.kind.startswith("unmapped")
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
    "narrowed subscription": {"name": "join", "subscription_key": "qubicle.queue.A.Q.*"},
    "subscription to one event": {"action": "event", "subscription_key": "qubicle.queue.A.*.join", "data": JOIN},
    "whole binding in the payload": {"data": {"event_name": "qubicle.queue.A.Q.join"}},
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
    assert fold({"Queue-ID": "", "queue_id": 1, "QUEUE_ID": None, "stats": {}, "members": []}) == {
        "queue_id": 1,
        "stats": {},
        "members": [],
    }
    assert fold([1]) == {}
    assert fold_within([{"Stats": {"Login-Time": 1, "x": ""}}, None]) == [{"stats": {"login_time": 1}}, None]
    assert read(frame | {"name": "surprised", "data": {"Stats": {"X-Y": None}}}).data == {"Stats": {"X-Y": None}}


@pytest.mark.parametrize(("value", "text"), [("a", "a"), (5, "5"), (True, ""), (None, ""), (1.5, ""), (["a"], "")])
def test_words_and_ids_are_texts_or_whole_numbers(value, text):
    assert text_of({"msg_id": value}, "msg_id") == text
    assert text_of({}, "msg_id") == ""


@pytest.mark.parametrize(
    ("frame", "problem"),
    [
        (b"", "not valid JSON"),
        (b"hello", "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b"5", "not a JSON object"),
        ({}, "neither a reply nor an event"),
        ({"action": "event", "data": {"queue_id": "Q"}}, "neither a reply nor an event"),
        ({"name": "join", "routing_key": "qubicle.queue..Q"}, "'qubicle.queue..Q' has an empty segment"),
        ({"name": "qubicle.queue.A.Q."}, "has an empty segment"),
        ({"name": "join", "data": {"event_name": "qubicle..A"}}, "'qubicle..A' has an empty segment"),
        (b'{"name":"join","data":"\xff"}', "data is not valid JSON"),
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


@pytest.mark.parametrize("digits", [18, 19, 20, 309, 400, 4300, 4301, 5000])
@pytest.mark.parametrize("field", ["event_timestamp", "msg_id", "queue_id", "position"])
def test_a_number_of_any_length_is_read_or_reported(field, digits):
    try:
        event = read(f'{{"name":"join","data":{{"{field}":{"9" * digits}}}}}'.encode())
    except FrameError as error:
        assert "data is not valid JSON" in str(error)
    else:
        assert type(event).from_cloudevent(event.to_json()).id == event.id


@pytest.mark.parametrize("depth", [10, 300, 500, 700, 900, 950, 980, 2000, 100_000])
@pytest.mark.parametrize("way", ['{"name":"join","data":%s}', '{"name":%s}', '{"name":"join","action":%s}'])
def test_nesting_of_any_depth_is_read_or_reported(way, depth):
    for inner in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        try:
            read((way % inner).encode())
        except FrameError as error:
            assert "neither" in str(error) or "recursion" in str(error) or "nested" in str(error)


@given(
    st.sampled_from([(family, word) for family in FAMILIES for word in [*TABLE[family], "surprised"]])
    | st.tuples(strategies.segments(), strategies.segments()),
    st.sampled_from(["abandoned", "timeout", "", None]),
    st.sampled_from(["reason", "Reason"]),
    st.sampled_from(["bare", "whole", "keyless"]),
    st.sampled_from(["", ".extra"]),
)
def test_the_planner_knows_beforehand_every_kind_that_an_event_can_turn_out_to_be(event, reason, field, naming, extra):
    """Else a selector of that kind would not be subscribed to, and its events never come."""
    family, word = event
    data = {f"{family}_id": "1", field: reason}
    key = f"qubicle.{encode_word(family)}.A.1"
    whole = f"{key}.{encode_word(word)}{extra}"
    frame = {
        "bare": {"name": word, "subscribed_key": key, "subscription_key": f"{key}.*", "routing_key": key},
        "whole": {"name": whole, "routing_key": whole},
        "keyless": {"event": whole},
    }[naming]
    found = read({"action": "event", **frame, "data": data})
    assert found.address[3:] == (family, "1", word)
    assert found.kind in DocumentedDialect("A").kinds_of(AddressPattern.exactly(found.address))
    if family in TABLE:
        assert any(KindPattern.parse(kind).matches(found.kind) for kind in kinds_at(family, None))
