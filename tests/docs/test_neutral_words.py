"""The examples and the dashboard know no vendor: they read neutral attributes and the state, and no payload."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("docs/examples/*.py"), *ROOT.glob("src/jackfield/_dashboard/*.py")])
OF_A_VENDOR = {"voipbin_messages.py"}
"""Named after the vendor whose interface it is."""
PAYLOAD = {"data", "data_json", "raw", "native_type", "native_topic"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_reads_a_vendors_payload(path):
    names = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
    assert bool(names & PAYLOAD) == (path.name in OF_A_VENDOR)
