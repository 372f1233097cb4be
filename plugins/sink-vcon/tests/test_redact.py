"""`jackfield_vcon.redact`: what a reader may not have is in no byte of the vCon."""

import json
import re

import pytest

from jackfield_vcon.assemble import Amended, Edition, assemble, encode
from jackfield_vcon.facts import Facts
from jackfield_vcon.redact import PARTS, redacted

HIDDEN = {
    "numbers": ("491234567", "498765"),
    "names": ("Ada Byron", "alice@example.com"),
    "messages": ("my invoice",),
    "transcripts": ("is wrong",),
}


@pytest.fixture(name="vcon")
def _vcon(event):
    caller = {"caller": "+491234567", "caller_name": "Ada Byron", "callee": "+498765"}
    events = [
        event("call.initiated", 0, "x", direction="inbound", **caller),
        event("contact.connected", 2, agent_id="a1", agent_name="alice@example.com"),
        event("message.received", 3, "m1", data={"text": "my invoice"}, **caller),
        event("transcription.segment_completed", 4, "t1", data={"message": "is wrong", "direction": "in"}),
        event("contact.disconnected", 5, agent_id="a1"),
        event("call.cleared", 6, "x", **caller),
    ]
    return assemble(Facts.of(events), "acme/A/c1", edition=Edition(amended=Amended("other", "sha512-x")))


@pytest.mark.parametrize("part", PARTS)
def test_each_part_can_be_left_out(vcon, part, check):
    left = encode(redacted(vcon, {part}))
    check(json.loads(left))
    for text in HIDDEN[part]:
        assert text in encode(vcon).decode()
        assert text not in left.decode()
    assert json.loads(left)["redacted"] == {"type": part}


def test_all_at_once_leaves_who_took_part_and_what_became_of_it(vcon, check):
    left = redacted(vcon, PARTS)
    check(left)
    assert left["redacted"]["type"] == "numbers,names,messages,transcripts"
    assert "amended" not in left
    assert [party.get("role") for party in left["parties"]] == [party.get("role") for party in vcon["parties"]]
    assert left["dialog"][0]["duration"] == vcon["dialog"][0]["duration"]
    assert left["uuid"] == vcon["uuid"]


NUMBERS = (
    "+4930123456",
    "004930123456",
    "4930123456",
    "+49 30 123456",
    "(030) 12-34-56",
    "tel:+4930123456",
    "sip:4930123456@pbx.example",
)
SHAPES = ("%s", "Jo Doe %s", "%s (mobile)", "CALLER:%s")


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_number_is_not_left_as_a_name_of_anybody_or_anything(event, check, number, shape):
    name = shape % number
    who = {"caller": "+4930123456", "caller_name": name, "callee": name, "callee_name": name, "queue_name": name}
    events = [
        event("call.initiated", 0, "x", correlation="x-30123456", direction="inbound", **who),
        event("contact.queued", 1, "x", correlation="x-30123456", **who),
        event("contact.connected", 2, "x", correlation="x-30123456", agent_id="a1", agent_name=name),
        event("message.received", 3, "m-30123456", correlation="x-30123456", data={"text": "hello"}, **who),
        event("recording.completed", 4, "call-30123456-1.wav", correlation="x-30123456"),
        event("call.cleared", 6, "x", correlation="x-30123456"),
        event("supervision.started", 6, "x", correlation="x-30123456", agent_id="a1", agent_name=name),
    ]
    vcon = assemble(Facts.of(events), "acme/A/x-30123456", domain="example.com")
    left = redacted(vcon, {"numbers"})
    check(left)
    assert "30123456" not in re.sub(r"[^0-9]", "", encode(left).decode())
    assert ("Jo Doe" in encode(left).decode()) == ("Jo Doe" in name)


def test_names_and_ids_without_a_number_are_left(event):
    who = {"caller": "+4930123456", "caller_name": "Jo Doe 3rd", "queue_name": "Sales 24/7"}
    life = [
        event("contact.queued", 1, "0a1b2c-2026-11-27", correlation="c-4711", **who),
        event("recording.completed", 2, "2026-11-27.wav", correlation="c-4711"),
    ]
    vcon = assemble(Facts.of(life), "acme/A/c1", domain="example.com")
    left = redacted(vcon, {"numbers"})
    assert left["parties"][0] == {"name": "Jo Doe 3rd", "role": "customer"}
    assert left["subject"] == vcon["subject"]
    assert [each.get("skill") for each in left["dialog"]] == [each.get("skill") for each in vcon["dialog"]]
    assert left["dialog"][-1]["filename"] == "2026-11-27.wav"
    assert left["dialog"][0]["interaction_id"] == "c-4711"
