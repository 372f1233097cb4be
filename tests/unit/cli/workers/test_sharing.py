"""Feeds are shared out evenly, and alike each time."""

from hypothesis import given
from hypothesis import strategies as st

from jackfield._cli.workers.sharing import place_for, share_out

NAMES = st.sets(st.text(max_size=5), max_size=20)


@given(NAMES, st.integers(1, 8))
def test_each_feed_is_held_by_one_worker_and_no_worker_has_two_more_than_another(names, workers):
    shares = share_out(names, workers)
    assert sorted(name for share in shares for name in share) == sorted(names)
    assert len(shares) == workers
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(NAMES, st.integers(1, 8), st.text(max_size=5))
def test_one_more_feed_goes_where_the_fewest_are_and_a_held_one_stays(names, workers, more):
    held = dict(enumerate(share_out(names, workers), 1))
    place = place_for(more, held)
    if more in names:
        assert more in held[place]
    else:
        assert len(held[place]) == min(map(len, held.values()))
