"""`jackfield_vcon.redact`: what a reader may not have is in no byte of the vCon."""

import json

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
