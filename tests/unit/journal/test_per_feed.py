"""A folder with a journal for each feed, and one that is a journal itself, are not taken for each other."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield._journal.per_feed import claim, feed_journals, folder_of, refuse_feed_journals
from jackfield._journal.store import SegmentStore
from jackfield.errors import JournalError


@given(st.text(max_size=8), st.text(max_size=8))
def test_each_feed_has_a_folder_of_its_own_within_the_journals(one, other):
    journal = Path("var/journal")
    assert folder_of(journal, one).parent == journal
    assert folder_of(journal, one).name not in (".", "..")
    assert (folder_of(journal, one) == folder_of(journal, other)) == (one == other)


def test_the_journals_of_feeds_are_found_by_name_and_one_process_does_not_pass_them_by(tmp_path):
    assert feed_journals(tmp_path / "none") == {}
    for feed in ("office", ".a/b", ""):
        SegmentStore.open(folder_of(tmp_path, feed)).close()
    (tmp_path / "notes").mkdir()
    assert feed_journals(tmp_path).keys() == {"office", ".a/b", ""}
    with pytest.raises(JournalError, match=r"holds a journal for each feed \(, \.a/b, office\)"):
        refuse_feed_journals(tmp_path)
    refuse_feed_journals(tmp_path / "office")


def test_the_folder_belongs_to_one_parent_and_is_no_journal_of_one_process(tmp_path):
    held = claim(tmp_path / "journal")
    with pytest.raises(JournalError, match=f"process {os.getpid()}"):
        claim(tmp_path / "journal")
    os.close(held)
    os.close(claim(tmp_path / "journal"))
    SegmentStore.open(tmp_path / "alone").close()
    with pytest.raises(JournalError, match="is the journal of a gateway in one process"):
        claim(tmp_path / "alone")
