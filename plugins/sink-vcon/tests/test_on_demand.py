"""vCons on demand: by ``jackfield timeline --format vcon``, and by ``GET /v1/contacts/…`` with their media type."""

import json
from contextlib import asynccontextmanager

import pytest
from served import api_of, config, get

from jackfield._cli import main
from jackfield._journal.store import SegmentStore
from jackfield._serve.grants import Grant
from jackfield_vcon import Vcon
from jackfield_vcon.identity import vcon_uuid
from jackfield_vcon.on_demand import write_contact

ACCEPT = {"Accept": "application/vcon"}
SINK = """
[gateway]
journal = "journal"
[feeds.office]
provider = "voipbin"
token = "t"
customer_id = "C"
[sinks.records]
type = "vcon"
path = "vcons"
domain = "example.com"
redact = ["transcripts"]
[[routes]]
select = ["**"]
sinks = ["records"]
"""


@pytest.fixture(name="call")
def _call(event):
    """A call with a transcript, whose segments name their transcription only."""
    return [
        event("call.connected", 0, "x", correlation="x", caller="+4930123", caller_name="Jo Doe"),
        event("transcription.started", 1, "t1", correlation="x"),
        event("transcription.segment_completed", 2, "t1", correlation="t1", data={"message": "Hello"}),
        event("call.cleared", 9, "x", correlation="x"),
    ]


@pytest.fixture(name="journal")
def _journal(tmp_path, call):
    store = SegmentStore.open(tmp_path / "journal")
    store.append([each.to_json() for each in call], [int(each.received.timestamp() * 1e6) for each in call], 0)
    store.close()
    return tmp_path / "journal"


@pytest.mark.parametrize("what", ["x", "+49 30 123"])
def test_a_timeline_is_printed_as_a_vcon_with_the_transcript(journal, capsys, check, what):
    assert main(["timeline", str(journal), what, "--format", "vcon"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    vcon = json.loads(line)
    check(vcon)
    assert vcon["uuid"] == vcon_uuid("localhost", "acme/A/x", 1)
    assert vcon["analysis"][0]["body"][0]["text"] == "Hello"


def test_with_a_configuration_as_its_sink_writes_it(journal, capsys, check):
    (journal.parent / "gateway.toml").write_text(SINK)
    assert main(["timeline", str(journal.parent / "gateway.toml"), "x", "--format", "vcon"]) == 0
    vcon = json.loads(capsys.readouterr().out)
    check(vcon)
    assert vcon["redacted"] == {"type": "transcripts"}
    assert "Hello" not in json.dumps(vcon)
    assert vcon["uuid"] == vcon_uuid("example.com", "acme/A/x", 1, "transcripts")


def test_a_configuration_that_is_wrong_prints_nothing_since_its_redactions_are_not_known(journal, capsys):
    (journal.parent / "gateway.toml").write_text(SINK.replace('"transcripts"', '"everything"'))
    assert main(["timeline", str(journal.parent / "gateway.toml"), "x", "--format", "vcon"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "sinks.records.redact" in err


def test_a_form_that_nobody_offers_is_named_with_those_that_there_are(journal, capsys):
    assert main(["timeline", str(journal), "x", "--format", "vcard"]) == 2
    assert "--format: 'vcard' is none of 'vcon'" in capsys.readouterr().err


@asynccontextmanager
async def served(tmp_path, call, grant=None):
    async with api_of(config(tmp_path / "served"), grant) as (gateway, _, url):
        await gateway.publish(*call)
        yield url


async def test_a_client_that_accepts_vcons_gets_one(tmp_path, call, check):
    async with served(tmp_path, call) as url:
        status, headers, body = await get(url, "/v1/contacts/x", **ACCEPT)
        assert (status, headers["content-type"]) == (200, "application/vcon")
        vcon = json.loads(body)
        check(vcon)
        assert vcon["parties"][0]["name"] == "Jo Doe"
        assert vcon["analysis"][0]["body"][0]["text"] == "Hello"
        assert json.loads((await get(url, "/v1/contacts/x"))[2])["contacts"]


async def test_a_token_without_personal_data_gets_a_vcon_without(tmp_path, call, check):
    async with served(tmp_path, call, grant=Grant(payloads=False, personal=False)) as url:
        _, _, body = await get(url, "/v1/contacts/x", **ACCEPT)
        check(json.loads(body))
        for hidden in (b"Jo Doe", b"4930123", b"Hello"):
            assert hidden not in body


def test_events_that_are_no_conversation_are_no_vcon(event):
    assert write_contact([event("agent.ready", 0, correlation=None)], []) == b""


def test_of_several_sinks_the_first_says_how(call):
    first, second = (Vcon(path=name, domain=f"{name}.example") for name in ("one", "two"))
    assert json.loads(write_contact(call, [first, second]))["uuid"] == vcon_uuid("one.example", "acme/A/x", 1)
