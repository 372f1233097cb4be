"""The examples and the dashboard know no vendor: they read neutral attributes and the state, and no payload."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("docs/examples/*.py"), *ROOT.glob("src/jackfield/_dashboard/*.py")])
OF_A_VENDOR = {"voipbin_messages.py"}
"""Named after the vendor whose interface it is."""
PAGES = sorted(ROOT.glob("src/jackfield/_dashboard/pages/*.*"))
FIELDS = re.compile(
    r"\b(caller_id_(number|name)|callee_id_(number|name)|recipient_id|recipient_ids|hangup_cause|queue_enter_time"
    r"|availability_state|offered_call|handling_call|session_id|routing_key|activeflow_id|reference_id|queuecall_ids?"
    r"|master_call_id|groupcall_id|hangup_(by|reason)|tm_(create|update|delete|progressing|ringing|service)|tag_ids)\b"
)
PAYLOAD = {"data", "data_json", "raw", "native_type", "native_topic"}
WORDS = (
    *("activeflow", "queuecall", "recipient", "session_id", "service_agent", "reference_id", "tm_create", "tm_update"),
    *("caller_id_name", "caller_id_number", "queue_enter_time", "availability_state", "estimated_wait", "event_name"),
)
"""Of both vendors' payloads."""


@pytest.mark.parametrize("path", [*PAGES, *FILES], ids=lambda path: path.name)
def test_no_file_names_a_field_of_a_vendors_payload(path):
    text = path.read_text()
    assert [word for word in WORDS if word in text] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_reads_a_vendors_payload(path):
    names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert bool(names & PAYLOAD) == (path.name in OF_A_VENDOR)


@pytest.mark.parametrize("path", [*PAGES, *FILES], ids=lambda path: path.name)
def test_no_file_names_a_vendors_field(path):
    assert not FIELDS.search(path.read_text())
