"""`jackfield.reports._thinning`: a flood is reported at its first and at each doubling."""

from hypothesis import given
from hypothesis import strategies as st

from jackfield.reports._thinning import is_due


def test_a_count_is_reported_at_the_first_and_at_each_doubling():
    assert [total for total in range(1, 100) if is_due(total)] == [1, 2, 4, 8, 16, 32, 64]


@given(st.lists(st.integers(1, 1000), min_size=1))
def test_however_it_grows_at_most_half_of_it_is_not_reported_yet(steps):
    total = reported = 0
    for more in steps:
        total += more
        if is_due(total, more):
            reported = total
        assert reported > total / 2 - 1e-9
