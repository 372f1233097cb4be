"""`jackfield._feed.cut_ages`: three cuts at one age name the option that helps, and others name nothing."""

import pytest

from jackfield._feed.cut_ages import CutAges


def explained(ages, ping_seconds=20.0):
    cuts = CutAges()
    return [cuts.explain(age, ping_seconds) for age in ages]


def test_the_third_cut_at_one_age_names_the_option_for_pings():
    first, second, third = explained([15.2, 15.0, 15.4])
    assert (first, second) == ("", "")
    assert third == (
        "; the last 3 connections were cut at an age of about 15 s: "
        "if a proxy cuts idle connections, set ping_seconds below that (now 20)"
    )


def test_an_age_far_above_that_of_a_ping_is_a_limit_that_no_option_changes():
    assert explained([3600, 3601, 3600.5])[2].endswith("which no option of the feed changes")


@pytest.mark.parametrize("ages", [[15, 30, 15], [1, 1, 1], [15, 15], [15, 15, 40]])
def test_other_cuts_name_nothing(ages):
    assert explained(ages)[-1] == ""
