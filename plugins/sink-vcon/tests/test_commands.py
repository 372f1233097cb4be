"""``jackfield vcon``: the vCons of events that are given."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from jackfield._cli import main

LIFE = ("contact.created", "contact.queued", "contact.connected", "contact.ended")


@pytest.fixture(name="lines")
def _lines(event):
    events = [event(kind, n, id, correlation=id, caller="+491") for id in ("c1", "c2") for n, kind in enumerate(LIFE)]
    return b"".join(each.to_json() + b"\n" for each in events)


def printed(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_one_vcon_a_line_for_each_conversation(lines, tmp_path, capsys, check):
    file = tmp_path / "events.jsonl"
    file.write_bytes(lines)
    assert main(["vcon", str(file), "--domain", "example.com"]) == 0
    vcons = printed(capsys)
    for vcon in vcons:
        check(vcon)
    assert [vcon["dialog"][0]["interaction_id"] for vcon in vcons] == ["c1", "c2"]


def test_from_standard_input_and_redacted(lines, monkeypatch, capsys, check):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert main(["vcon", "--redact", "numbers"]) == 0
    vcons = printed(capsys)
    check(vcons[0])
    assert "+491" not in json.dumps(vcons)


def test_one_bad_line_is_reported_and_costs_no_other_conversation_its_vcon(lines, tmp_path, capsys):
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n{}\n" + lines + b"{broken\n")
    assert main(["vcon", str(file)]) == 1
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert "line 2: " in err
    assert "line 11: " in err
    assert "configuration" not in err


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["vcon", str(tmp_path / "nothing")]) == 2
    assert main(["vcon", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"jackfield: {tmp_path}/nothing: cannot be read: No such file or directory\n"
        f"jackfield: {tmp_path}: cannot be read: Is a directory\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_standard_output_is_named_with_the_reason(lines, tmp_path):
    (tmp_path / "events.jsonl").write_bytes(lines)
    command = [sys.executable, "-m", "jackfield", "vcon", str(tmp_path / "events.jsonl")]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"jackfield: standard output: No space left on device\n")


@pytest.mark.parametrize("domain", ["", " ", "-x.example", "https://example.com"])
def test_what_is_no_domain_is_refused(lines, tmp_path, capsys, domain):
    (tmp_path / "events.jsonl").write_bytes(lines)
    with pytest.raises(SystemExit) as ended:
        main(["vcon", str(tmp_path / "events.jsonl"), f"--domain={domain}"])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"argument --domain: {domain!r} is not a domain; give one that is yours" in err


def test_events_of_no_conversation_are_said(event, tmp_path, capsys):
    file = tmp_path / "events.jsonl"
    file.write_bytes(event("agent.ready", 0, "a1", correlation=None).to_json() + b"\n")
    assert main(["vcon", str(file)]) == 1
    assert "no conversation" in capsys.readouterr().err
