"""`jackfield_vcon.assemble`: a conversation's events as a vCon."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield_vcon.assemble import Amended, Edition, assemble, encode
from jackfield_vcon.facts import Facts

ANSWERED = (
    ("contact.created", 0, {"caller": "+491", "caller_name": "Ada", "callee": "+492", "direction": "inbound"}),
    ("contact.queued", 1, {"queue_id": "q1", "queue_name": "Sales", "caller": "+491"}),
    ("offer.created", 5, {"agent_id": "a1", "agent_name": "alice"}),
    ("contact.connected", 9, {"agent_id": "a1"}),
    ("contact.disconnected", 69, {"agent_id": "a1"}),
    ("contact.ended", 70, {"cause": "normal"}),
)


def made(events, **more):
    return assemble(Facts.of(events), "acme/A/c1", domain="example.com", **more)


def happened(event, *lives, **more):
    return [event(kind, second, **parties, **more) for kind, second, parties in lives]


def test_an_answered_contact(event, check):
    vcon = made(happened(event, *ANSWERED))
    check(vcon)
    customer, line, agent, maker = vcon["parties"]
    assert maker == {"name": "example.com", "type": "organization"}
    assert customer == {"tel": "tel:+491", "name": "Ada", "role": "customer"}
    assert line == {"tel": "tel:+492", "type": "organization"}
    assert (agent["name"], agent["role"], agent["type"]) == ("alice", "agent", "person")
    (dialog,) = vcon["dialog"]
    assert (dialog["type"], dialog["start"], dialog["duration"]) == ("recording", "2026-11-26T09:00:09Z", 60.0)
    assert (dialog["skill"], dialog["interaction_id"], dialog["parties"]) == (["Sales"], "c1", [0, 1, 2])
    assert [each["party"] for each in vcon["attachments"]] == [3, 3]
    assert [(each["event"], each["party"]) for each in dialog["party_history"]] == [
        ("join", 0),
        ("join", 2),
        ("drop", 2),
        ("drop", 0),
    ]
    assert vcon["extensions"] == ["CC"]
    assert vcon["attachments"][1]["body"] == {"beginning_seen": True, "end_seen": True, "gaps": []}


@pytest.mark.parametrize(
    ("names", "skill"), [(("Sales", ""), ["Sales"]), (("", ""), ["q1"]), (("", "Sales"), ["Sales"])]
)
def test_a_queue_without_a_name_is_a_skill_by_its_id(event, names, skill):
    queued = [event("contact.queued", n, queue_id="q1", queue_name=name) for n, name in enumerate(names)]
    assert made([*queued, event("contact.ended", 9)])["dialog"][0]["skill"] == skill


def test_its_events_are_in_it_as_every_sink_writes_them(event):
    events = happened(event, *ANSWERED)
    body = made(events)["attachments"][0]["body"]
    assert [json.loads(line)["id"] for line in body.splitlines()] == [each.id for each in events]


@pytest.mark.parametrize(
    ("cause", "disposition"),
    [("busy", "busy"), ("no_answer", "no-answer"), ("failed", "failed"), ("rejected", "failed"), ("", "failed")],
)
def test_a_call_that_nobody_answered_is_incomplete(event, check, cause, disposition):
    call = [event("call.initiated", 0, "x", caller="+491"), event("call.failed", 9, "x", cause=cause)]
    vcon = made(call)
    check(vcon)
    assert [(each["type"], each["disposition"]) for each in vcon["dialog"]] == [("incomplete", disposition)]


def test_an_abandoned_contact_is_incomplete_although_its_call_was_answered_by_a_machine(event, check):
    lives = (
        ("call.connected", 0, {}),
        ("contact.queued", 1, {}),
        ("contact.abandoned", 9, {}),
        ("call.cleared", 9, {}),
    )
    vcon = made(happened(event, *lives))
    check(vcon)
    assert [(each["type"], each["disposition"]) for each in vcon["dialog"]] == [("incomplete", "hung-up")]


def test_a_contact_that_changes_agents_was_transferred(event, check):
    again = (("contact.connected", 40, {"agent_id": "a2"}), *ANSWERED[4:])
    vcon = made(happened(event, *ANSWERED[:4], *again))
    check(vcon)
    (transfer,) = [each for each in vcon["dialog"] if each["type"] == "transfer"]
    roles = [vcon["parties"][transfer[name]]["role"] for name in ("transferor", "transferee", "transfer_target")]
    assert roles == ["agent", "customer", "agent"]
    assert {"parties", "originator", "mediatype"}.isdisjoint(transfer)
    talks = [vcon["dialog"][transfer[name]] for name in ("original", "target_dialog")]
    assert [(talk["start"][-3:-1], talk["duration"]) for talk in talks] == [("09", 31.0), ("40", 29.0)]
    assert transfer["transferor"] in talks[0]["parties"]
    assert transfer["transferor"] not in talks[1]["parties"]


def test_a_transferred_call_of_whose_target_nothing_is_known_refers_to_an_empty_dialog(event):
    call = ("call.connected", "call.transferred", "call.cleared")
    vcon = made([event(kind, second, "x", caller="+491", agent_id="a1") for second, kind in enumerate(call)])
    (transfer,) = [each for each in vcon["dialog"] if each.get("type") == "transfer"]
    assert vcon["dialog"][transfer["original"]]["type"] == "recording"
    assert vcon["dialog"][transfer["target_dialog"]] == {}
    assert vcon["parties"][transfer["transfer_target"]] == {}


@pytest.mark.parametrize(("by", "first"), [("remote", 0), ("local", 1), ("", 0)])
def test_who_drops_first_has_hung_up(event, by, first):
    lives = (("call.connected", 0, {"caller": "+491"}), ("contact.connected", 1, {"agent_id": "a1"}))
    vcon = made([*happened(event, *lives), event("call.cleared", 9, caller="+491", data={"hangup_by": by})])
    (dialog,) = vcon["dialog"]
    drops = [each["party"] for each in dialog["party_history"] if each["event"] == "drop"]
    assert drops[0] == first


def test_a_supervisor_who_listens_has_a_uuid_that_is_that_of_the_agent(event):
    listens = event("supervision.started", 20, agent_id="a1", data={"wiretapping_recipient": "a9"})
    vcon = made([*happened(event, *ANSWERED), listens])
    (supervisor,) = [each for each in vcon["parties"] if each.get("role") == "supervisor"]
    own = made(happened(event, ("contact.connected", 1, {"agent_id": "a9"})))
    assert supervisor["uuid"] in {each.get("uuid") for each in own["parties"]}


def test_an_agents_disposition_and_notes_are_a_report(event, check):
    said = {"disposition": "solved", "notes": "invoice corrected"}
    vcon = made([*happened(event, *ANSWERED), event("contact.disposition_completed", 80, agent_id="a1", data=said)])
    check(vcon)
    (report,) = vcon["analysis"]
    assert (report["type"], report["vendor"], report["schema"]) == ("report", "acme", "jackfield-disposition-1")
    assert report["body"] == {"at": "2026-11-26T09:01:20Z", **said, "party": 2}


def test_what_a_machine_says_is_a_transcript_of_its_own_talk(event, check):
    events = [
        event("ai_call.connected", 1, "ai1", correlation="x"),
        event("call.connected", 0, "x", correlation="x", caller="+491"),
        event("ai_call.message_completed", 2, "m1", data={"aicall_id": "ai1", "role": "user", "content": "Hello"}),
        event("ai_call.cleared", 3, "ai1", correlation="x"),
        event("call.cleared", 4, "x", correlation="x"),
    ]
    vcon = made(events)
    check(vcon)
    (said,) = vcon["analysis"]
    assert said["body"] == [{"at": "2026-11-26T09:00:02Z", "role": "user", "text": "Hello"}]
    bot = vcon["dialog"][said["dialog"]]["parties"][1]
    assert vcon["parties"][bot]["type"] == "bot"


def test_of_a_summary_the_newest_text_counts(event, check):
    reported = [event("summary.created", 80, "s1", data={"content": ""})]
    reported += [event("summary.updated", n, "s1", data={"content": f"text {n}"}) for n in (81, 82)]
    vcon = made([*happened(event, *ANSWERED), *reported])
    check(vcon)
    assert [each["body"] for each in vcon["analysis"]] == ["text 82"]


def test_the_campaign_and_the_list_that_made_a_call_are_in_it(event, check):
    data = {"campaign_id": "cp1", "outdial_id": "od1"}
    call = [event(kind, n, "x", caller="+491") for n, kind in enumerate(("call.connected", "call.cleared"))]
    vcon = made([*call, event("campaign_call.updated", 0, "cc1", data=data)])
    check(vcon)
    assert vcon["dialog"][0]["campaign"] == "cp1"
    assert vcon["parties"][0]["contact_list"] == "od1"


def test_a_message_that_its_conversation_repeats_is_in_it_once(event, check):
    first = event("message.received", 0, "m1", correlation="m1", caller="+491", data={"text": "hi"})
    again = {"text": "hi", "reference_type": "message", "reference_id": "m1"}
    vcon = made([first, event("message.received", 1, "cm1", correlation="conv", data=again)])
    check(vcon)
    assert [each["message_id"] for each in vcon["dialog"]] == ["m1"]


def test_who_sent_a_message_is_its_first_party_whether_or_not_the_event_names_a_number(event, check):
    numbers = {"caller": "+491", "callee": "+492"}
    events = [event("message.received", 0, "m1", direction="inbound", **numbers)]
    events += [event("message.sent", 1, "m2", caller="+492", callee="+491"), event("message.sent", 2, "m3")]
    vcon = made(events)
    check(vcon)
    assert [each["parties"] for each in vcon["dialog"]] == [[0, 1], [1, 0], [1, 0]]


def test_a_hold_is_in_the_history(event, check):
    call = ("call.connected", "call.held", "call.retrieved", "call.cleared")
    vcon = made([event(kind, second, "x", caller="+491") for second, kind in enumerate(call)])
    check(vcon)
    assert [each["event"] for each in vcon["dialog"][0]["party_history"]] == ["join", "hold", "unhold", "drop"]


def test_a_message_is_a_text(event, check):
    vcon = made([event("message.received", 0, "m1", caller="+491", callee="+492", data={"text": "Hello"})])
    check(vcon)
    (text,) = vcon["dialog"]
    assert (text["type"], text["body"], text["message_id"], text["parties"]) == ("text", "Hello", "m1", [0, 1])


def test_gaps_that_reach_into_it_are_in_it(event):
    def gap(since, until):
        span = {name: (event("x.y", second).time.isoformat()) for name, second in (("since", since), ("until", until))}
        return event("stream.gap_suspected", until, "office", correlation=None, data=span | {"reason": "cut"})

    vcon = made(happened(event, *ANSWERED), gaps=[gap(3, 6), gap(200, 300), gap(3, 6)])
    (found,) = vcon["attachments"][1]["body"]["gaps"]
    assert (found["since"], found["reason"]) == ("2026-11-26T09:00:03Z", "cut")


@pytest.mark.parametrize(
    ("seen", "gap", "is_in"),
    [
        (ANSWERED, (-20, -10), False),
        (ANSWERED[3:], (-20, -10), True),  # its beginning may be in there
        (ANSWERED, (90, 99), False),
        (ANSWERED[:4], (90, 99), True),
    ],
)
def test_a_gap_at_an_end_that_is_missing_is_in_it(event, seen, gap, is_in):
    since, until = (event("x.y", second).time.isoformat() for second in gap)
    said = event("stream.gap_suspected", gap[1], correlation=None, data={"since": since, "until": until})
    body = made(happened(event, *seen), gaps=[said])["attachments"][1]["body"]
    assert bool(body["gaps"]) == is_in
    assert (body["beginning_seen"], body["end_seen"]) == (seen[0] is ANSWERED[0], seen[-1] is ANSWERED[-1])


def test_an_agent_has_one_uuid_in_every_conversation_and_a_conversation_one_for_ever(event):
    one = made(happened(event, *ANSWERED))
    other = assemble(Facts.of(happened(event, *ANSWERED)), "acme/A/c2", domain="example.com")
    assert one["uuid"] != other["uuid"]
    assert one["uuid"][14] == "8"
    assert one["parties"][2]["uuid"] == other["parties"][2]["uuid"]
    assert made(happened(event, *ANSWERED[:5]))["uuid"] == one["uuid"]


def test_a_later_version_refers_to_the_one_before(event, check):
    first = made(happened(event, *ANSWERED[:5]))
    second = made(happened(event, *ANSWERED), edition=Edition(2, Amended(first["uuid"], "sha512-x")))
    check(second)
    assert second["amended"]["uuid"] == first["uuid"] != second["uuid"]


@pytest.mark.parametrize("vendor", ["vinix", "documented", "deployed"])
def test_every_conversation_of_a_vendors_day_is_a_valid_vcon(vendor, conversations, check):
    found = conversations(vendor)
    vcons = [assemble(Facts.of(events), key, domain="example.com") for key, events in found.items()]
    for vcon in vcons:
        check(json.loads(encode(vcon)))
    assert len({vcon["uuid"] for vcon in vcons}) == len(found) > 40
    kinds = {dialog["type"] for vcon in vcons for dialog in vcon["dialog"]}
    assert kinds >= {"recording", "incomplete"}


@settings(max_examples=40)
@given(data=st.data(), vendor=st.sampled_from(["vinix", "documented", "deployed"]))
def test_any_order_and_repetition_gives_the_same_bytes(data, vendor, conversations):
    found = conversations(vendor)
    key = data.draw(st.sampled_from(sorted(found)))
    events = found[key]
    again = data.draw(st.permutations([*events, *events[: len(events) // 2]]))
    assert encode(assemble(Facts.of(again), key)) == encode(assemble(Facts.of(events), key))


def test_of_two_copies_the_one_that_was_received_first_counts(event):
    events = happened(event, *ANSWERED)
    late = [event(kind, s, received=events[-1].time + timedelta(hours=1), **p) for kind, s, p in ANSWERED]
    assert encode(made([*late, *events])) == encode(made(events)) == encode(made([*events, *late]))


def test_a_contact_that_came_by_a_call_of_another_id_has_its_own(event, check):
    call = [event(kind, n, "x", correlation="x", caller="+491") for n, kind in enumerate(("call.initiated",))]
    vcon = made([*call, *happened(event, *ANSWERED)])
    check(vcon)
    assert vcon["dialog"][0]["interaction_id"] == "c1"


READER = """
import json, sys
from vcon import Vcon
for line in sys.stdin:
    valid, errors = Vcon.build_from_json(line).is_valid()
    assert valid, (errors, line)
"""


@pytest.mark.thorough
@pytest.mark.parametrize("vendor", ["vinix", "documented", "deployed"])
def test_others_read_them(vendor, conversations):
    """The package ``vcon``, 0.10 or later, in an environment of its own: JACKFIELD_VCON_READER is its Python."""
    if not (python := os.environ.get("JACKFIELD_VCON_READER")):
        pytest.skip("JACKFIELD_VCON_READER names no Python that has the package vcon")
    vcons = [encode(assemble(Facts.of(events), key)) for key, events in conversations(vendor).items()]
    subprocess.run([python, "-c", READER], input=b"".join(vcons), check=True, capture_output=True)


FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("times", [(FIRST, LAST), (LAST, FIRST), (LAST, LAST), (FIRST, FIRST), (None, LAST)])
def test_no_time_that_a_vendor_gives_costs_a_vcon(event, check, times):
    life = [
        attrs.evolve(event(kind, n, "x"), time=at)
        for n, (kind, at) in enumerate(zip(("call.connected", "call.cleared"), times, strict=True))
    ]
    gap = event("stream.gap_suspected", 1, "g", data={"since": FIRST.isoformat(), "until": LAST.isoformat()})
    check(assemble(Facts.of(life), "acme/A/x", gaps=[gap]))
