"""`jackfield._cli.reloading`: the process that is to reload is found by its lock, or what is wrong is said."""

import os

import pytest

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
