"""`jackfield_voipbin.identity`: copies of an event are one, two events are two."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count, islice

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jackfield.plugin.protocol import Emit
from jackfield.testing import strategies
from jackfield_voipbin.bare import name_of
from jackfield_voipbin.kinds import TABLE, kind_by, native_name, rule_of
from jackfield_voipbin.protocol import VoipbinProtocol
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator

AT = datetime(2026, 1, 1, tzinfo=UTC)
# Two states that are one kind; a payload's own status tells them apart.
ONE_KIND = {"call_terminating", "call_canceling"}
NAMES = [f"{resource}_{word}" for resource, words in TABLE.items() for word in words] + ["email_updated", "email_sent"]
BARE = {
    "call": {"source": {}, "destination": {}, "action": {}},
    "queuecall": {"service_agent_id": "a1", "reference_id": "c1"},
    "agent": {"ring_method": "linear", "permission": 16},
    "email": {"subject": "", "content": ""},
    "campaign": {"end_handle": "stop", "service_level": 100},
}
STATUSES = [
    "dialing",
    "ringing",
    "progressing",
    "hangup",
    "waiting",
    "service",
    "done",
    "busy",
    "available",
    "run",
    "x",
]


def event(frame):
    (emit,) = VoipbinProtocol("office", "C").received(json.dumps(frame).encode(), AT)
    assert isinstance(emit, Emit)
    return emit.event


def documented(name, data, **fields):
    return {"event_type": name, "data": data} | fields


def wrapped(name, data):
    return {"type": name, "data": data}


def moments():
    return st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda moment: f"{moment.isoformat()}Z")


@st.composite
def resources(draw):
    """A resource as the platform sends it."""
    resource = draw(st.sampled_from(sorted(BARE)))
    times = {"tm_create": "2019-01-01T00:00:00Z", "tm_update": draw(moments() | st.none()), "tm_delete": None}
    own = {"id": draw(st.uuids().map(str)), "customer_id": "C", "status": draw(st.sampled_from(STATUSES))}
    return own | BARE[resource] | times | {"extra": draw(strategies.json_values())}


@given(resources(), st.data())
def test_copies_over_any_topic_scope_and_form_have_one_id(data, draw):
    name = name_of(data)
    resource, word = native_name(name)
    # Without a time of update only a creation's timestamp does not count.
    assume(data["tm_update"] or word == "created")
    shuffled = dict(draw.draw(st.permutations(sorted(data.items(), key=lambda item: item[0]))))
    topics = [f"customer_id:C:{resource}:{data['id']}", f"agent_id:a1:{resource}:{data['id']}", "customer_id:C:other:1"]
    copies = [
        data,
        shuffled,
        wrapped(name, data),
        wrapped(name, shuffled),
        documented(f"{resource}.{word}", data),
        *(documented(name, data, topic=topic, timestamp=draw.draw(moments())) for topic in topics),
    ]
    assert len({event(copy).id for copy in copies}) == 1


@given(st.sampled_from(NAMES), st.sampled_from(NAMES), resources(), st.sampled_from([documented, wrapped]))
def test_events_that_differ_in_what_happened_have_different_ids(name, other, data, form):
    kinds = [kind_by(rule_of(each), data) for each in (name, other)]
    # Synonyms, such as call_hangup and call_ended, are one kind and one event.
    assume(name != other and (kinds[0] != kinds[1] or not kinds[0]))
    assert event(form(name, data)).id != event(form(other, data)).id


def test_of_the_deployed_names_of_a_resource_only_two_are_one_kind():
    """So that two events that differ in name differ in kind, or have the same meaning."""
    deployed = """call: created dialing ringing progressing terminating canceling hangup updated deleted
        groupcall: created progressing hangup deleted
        queuecall: created waiting connecting serviced done abandoned deleted
        agent: created deleted status_updated updated
        activeflow: created updated deleted
        conference: created updated deleted
        recording: started finished
        transcribe: created progressing done speech_started speech_interim speech_ended
        campaign: created updated deleted status_run status_stopping status_stop
        number: created updated deleted"""
    same = set()
    for line in deployed.splitlines():
        resource, words = line.strip().split(":")
        names = [f"{resource}_{word}" for word in words.split()]
        kinds = {name: kind_by(rule_of(name), {"status": "busy"}) for name in names}
        same |= {name for name in names if list(kinds.values()).count(kinds[name]) > 1}
    assert same == ONE_KIND


@given(resources(), st.uuids().map(str), moments())
def test_events_that_differ_in_resource_or_time_of_update_have_different_ids(data, other_id, other_update):
    assume(other_id != data["id"] and other_update != data["tm_update"])
    others = [data, data | {"id": other_id}, data | {"tm_update": other_update}, data | {"further": 1}]
    for form in (lambda each: each, lambda each: wrapped("call_updated", each), lambda each: documented("x.y", each)):
        assert len({event(form(each)).id for each in others}) == 4


@given(st.sampled_from(NAMES), st.uuids().map(str), st.uuids().map(str))
def test_where_the_payload_has_no_id_the_topic_tells_resources_apart(name, first, second):
    assume(first != second)
    frames = [documented(name, {"status": "busy"}, topic=f"customer_id:C:x:{each}") for each in (first, second)]
    assert event(frames[0]).id != event(frames[1]).id


@pytest.mark.parametrize("data", [None, {}, {"status": "available"}, {"tm_create": "2026-01-01T00:00:00Z"}])
def test_a_state_that_comes_back_is_reported_apart_by_the_envelopes_timestamp(data):
    frames = [documented("agent.status", data, timestamp=f"2026-01-01T00:00:0{second}Z") for second in range(3)]
    assert len({event(frame).id for frame in frames}) == 3


def test_two_changes_at_once_with_one_content_are_two_events():
    """The platform reads a resource after both changes and publishes it under both names."""
    data = {"id": "c1", "customer_id": "C", "status": "progressing", "tm_update": "2026-01-01T00:00:00Z"}
    assert event(wrapped("call_progressing", data)).id != event(wrapped("call_updated", data)).id


def test_a_simulated_day_has_no_two_events_with_one_id():
    moments = (AT + timedelta(seconds=second) for second in count())
    client = VoipbinSimulator("s3cret").client()
    list(client.received(json.dumps({"type": "subscribe", "topics": [f"customer_id:{CUSTOMER}:*:*"]})))
    day = islice(VoipbinSimulator("s3cret").events(lambda: next(moments)), 5000)
    frames = [frame for each in day for frame in client.frames_for(each)]
    assert len(frames) > 4000
    assert len({event(json.loads(frame)).id for frame in frames}) == len(frames)
