"""`jackfield._cli.reloading`: the process that is to reload is found by its lock, or what is wrong is said."""

import json
import os

import pytest

from jackfield._cli import main
from jackfield._cli.reloading import running_process
from jackfield._journal.store import SegmentStore
from jackfield.errors import ConfigError


def test_the_process_that_writes_to_a_journal_is_found(tmp_path):
    store = SegmentStore.open(tmp_path / "journal")
    try:
        assert running_process(tmp_path / "journal") == os.getpid()
    finally:
        store.close()


def test_where_none_does_it_says_so_and_what_else_may_be(tmp_path):
    store = SegmentStore.open(tmp_path / "journal")
    try:
        (tmp_path / "journal").rename(tmp_path / "away")
        with pytest.raises(ConfigError, match=r"no gateway writes to .*; if one runs whose folder was moved away, its"):
            running_process(tmp_path / "journal")
    finally:
        (tmp_path / "away").rename(tmp_path / "journal")
        store.close()
    with pytest.raises(ConfigError, match=r"gateway\.journal: no gateway writes to .*/journal"):
        running_process(tmp_path / "journal")


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ({"problems": [], "failure": "worker 2 has ended meanwhile"}, 1),
        ({"problems": [["sinks.x", "cannot be started"]], "failure": ""}, 2),
        ({"problems": []}, 0),
    ],
)
def test_what_kept_a_reload_from_being_done_says_whose_fault_it_is(tmp_path, monkeypatch, capsys, outcome, status):
    path = tmp_path / "gateway.toml"
    path.write_text('[gateway]\njournal = "journal"\n[feeds.a]\nprovider = "voipbin"\ntoken = "t"\n')
    store = SegmentStore.open(tmp_path / "journal")
    written = {"changes": ["a change"], "process": os.getpid(), **outcome}
    monkeypatch.setattr(os, "kill", lambda *_: (tmp_path / "journal" / "reload.json").write_text(json.dumps(written)))
    try:
        assert main(["reload", str(path)]) == status
    finally:
        store.close()
    said = capsys.readouterr()
    assert said.out == ("" if status else "a change\n")
    assert ("in the configuration" in said.err) is (status == 2)
    assert ("not reloaded, the old configuration goes on: worker 2 has ended meanwhile" in said.err) is (status == 1)
