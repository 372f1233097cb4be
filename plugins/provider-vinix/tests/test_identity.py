"""`jackfield_vinix.identity`: all copies of an event share one id, and no two events do."""

import json
from datetime import UTC, datetime

from hypothesis import assume, given
from hypothesis import strategies as st

from jackfield.testing import strategies
from jackfield_vinix.kinds import FAMILIES, TABLE
from jackfield_vinix.topics import encode_word
from jackfield_vinix.translate import translate
from jackfield_vinix.wire import read_frame

GREGORIAN = 62_167_219_200
EVENTS = st.sampled_from([(family, word) for family in FAMILIES for word in [*TABLE[family], "surprised"]])
IDS = st.sampled_from(["q1", "q2", "a.b", "Q 1"])
SECONDS = st.integers(1_700_000_000, 1_700_000_003)
MESSAGES = st.none() | st.sampled_from(["m1", "m2", "1603829149123"])
REST = st.dictionaries(
    st.sampled_from(["session_id", "reason", "position", "stats"]),
    st.sampled_from([1, 2, "a", {"total_sessions": 1}, {"total_sessions": 2}, []]),
)
HAPPENED = st.tuples(EVENTS, IDS, SECONDS, MESSAGES, REST)


def read(frame, account="ACC"):
    raw = json.dumps(frame).encode()
    return translate(read_frame(raw), raw, "support", account, datetime(2026, 1, 1, tzinfo=UTC))


def title(value):
    """As the message bus writes keys."""
    if isinstance(value, dict):
        return {"-".join(word.title() for word in key.split("_")): title(each) for key, each in value.items()}
    return value


def copies(happened):
    """One event in all three namings, by both generations' keys, for several bindings, with each clock, either way."""
    (family, word), thing, seconds, message, rest = happened
    key = f"qubicle.{family}.ACC.{encode_word(thing)}"
    whole = f"{key}.{word}"
    common = {"event_name": word, "event_category": f"qubicle-{family}", "account_id": "ACC"}
    ids = {f"{family}_id": thing} | ({} if message is None else {"msg_id": message})
    clocks = [{"event_timestamp": seconds + GREGORIAN}, {"event_unix_timestamp": seconds}]
    clocks.append(clocks[0] | clocks[1])
    for clock in clocks:
        # What names the event itself goes last, for a session's own id is in the rest too.
        data = rest | common | ids | clock
        bare = rest | clock | ({} if message is None else {"msg_id": message})
        bare.pop(f"{family}_id", None)
        node = {"node": f"kazoo_apps@{seconds}", "app_version": "5.4", "unused": None, "empty": ""}
        for payload in (data, title(data), data | node):
            yield {"action": "event", "name": word, "routing_key": key, "data": payload}
            yield {"action": "event", "name": word, "routing_key": whole, "data": payload}
            yield {"action": "event", "name": whole, "routing_key": whole, "data": payload}
            yield {"event": whole, "data": payload}
        for binding in (f"qubicle.{family}", f"qubicle.{family}.ACC.*", f"{key}.*"):
            yield {"name": word, "subscribed_key": binding, "subscription_key": binding, "data": data}
        yield {"event": whole, "data": bare}
        yield {"action": "event", "name": word, "routing_key": key, "data": bare}


@given(HAPPENED)
def test_all_copies_of_one_event_have_one_id(happened):
    events = [read(copy) for copy in copies(happened)]
    assert len({event.id for event in events}) == 1
    assert len({event.address for event in events}) == 1


@given(HAPPENED, HAPPENED, st.integers(0, 3), st.data())
def test_what_differs_in_its_message_or_without_one_in_name_thing_or_time_is_another_event(first, other, which, data):
    """The one differs from the other in a single way, and each is any of its copies."""
    second = (*first[:which], other[which], *first[which + 1 :])
    assume(first[which] != second[which] and (which == 3 or first[3] is None))
    one, another = (read(data.draw(st.sampled_from(list(copies(happened))))) for happened in (first, second))
    assert one.id != another.id


@given(HAPPENED, st.sampled_from(["position", "queue_position", "stats"]), strategies.json_values())
def test_without_a_message_id_another_payload_is_another_event(happened, field, value):
    assume(value not in (None, "") and "-" not in repr(value))
    frame = next(copies((*happened[:3], None, {})))
    changed = frame | {"data": frame["data"] | {field: value}}
    assert read(changed).id != read(frame).id
    assert read(changed).id == read(json.loads(json.dumps(changed, indent=3, sort_keys=True))).id


@given(HAPPENED)
def test_the_same_message_of_another_account_is_another_event(happened):
    frame = next(copies(happened))
    other = frame | {"data": frame["data"] | {"account_id": "OTHER"}}
    mine, theirs = read(frame), read(other)
    assert (mine.address.source, mine.id) != (theirs.address.source, theirs.id)


def test_a_time_that_cannot_be_read_still_says_events_apart():
    frames = [{"name": "x", "data": {"queue_id": "Q", "event_timestamp": text}} for text in ("soon", "later")]
    assert read(frames[0]).id != read(frames[1]).id


def test_a_number_is_the_same_message_id_as_its_digits():
    assert read({"name": "x", "data": {"msg_id": 5}}).id == read({"name": "x", "data": {"Msg-ID": "5"}}).id


PLAIN = st.none() | st.booleans() | st.integers(0, 2) | st.text(max_size=2)


@given(PLAIN | st.lists(PLAIN, max_size=2), PLAIN | st.lists(PLAIN, max_size=2))
def test_a_payload_that_is_no_object_says_events_apart_too(one, other):
    first, second = ({"event": "qubicle.queue.ACC.Q.x", "data": payload} for payload in (one, other))
    assert (read(first).id == read(second).id) is (json.dumps(one) == json.dumps(other))


def test_different_events_with_one_message_id_are_different_events():
    frames = [
        {"name": word, "routing_key": f"qubicle.{family}.ACC.{thing}", "data": {"msg_id": "m"}}
        for family in FAMILIES
        for word in TABLE[family]
        for thing in ("t1", "t2")
    ]
    assert len({read(frame).id for frame in frames}) == len(frames)
