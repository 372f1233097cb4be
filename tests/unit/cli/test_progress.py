"""`jackfield._cli.progress`: silent at first, rare in a file, one line at a terminal."""

import time

import pytest

from jackfield._cli import progress
from jackfield._cli.progress import ERASE, Progress, distance


def test_lines_in_a_file_become_rare_and_those_at_a_terminal_do_not():
    assert [distance(lines, on_terminal=False) for lines in range(7)] == [2, 4, 8, 16, 32, 60, 60]
    assert [distance(lines, on_terminal=True) for lines in range(3)] == [2, 2, 2]


def test_what_is_short_says_nothing(capsys):
    with Progress("reading", on_terminal=True) as shown:
        shown.at("half of it")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("on_terminal", [True, False])
def test_what_is_long_says_how_far_it_is(on_terminal, monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS", 0.01)
    with Progress("reading", on_terminal=on_terminal) as shown:
        shown.at("half of it")
        said = ""
        while "reading: half of it (0 s)" not in said:
            time.sleep(0.005)
            said += capsys.readouterr().err
    end = capsys.readouterr().err
    assert end.endswith(ERASE) == on_terminal
    assert (ERASE in said) == on_terminal
