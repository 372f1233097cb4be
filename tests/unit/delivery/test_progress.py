"""`jackfield._delivery.progress`: the position is the first event that is not done with, in whatever order they end."""

from hypothesis import given
from hypothesis import strategies as st

from jackfield._delivery.progress import Progress


@given(st.data())
def test_the_position_is_before_everything_that_is_in_hand_and_behind_everything_else(data):
    routed = data.draw(st.lists(st.booleans(), max_size=30))
    taken = [number for number, here in enumerate(routed, 100) if here]
    progress = Progress(100)
    progress.take(taken)
    progress.read_to(100 + len(routed))
    waiting = set(taken)
    assert (progress.position, progress.in_hand) == (min(waiting, default=100 + len(routed)), len(waiting))
    left = data.draw(st.permutations(taken))
    while left:
        size = data.draw(st.integers(1, len(left)))
        done, left = left[:size], left[size:]
        progress.finish(done)
        waiting.difference_update(done)
        assert (progress.position, progress.in_hand) == (min(waiting, default=100 + len(routed)), len(waiting))
        assert progress.span == sum(each >= progress.position for each in taken)


def test_what_is_read_and_routed_elsewhere_moves_it_on():
    progress = Progress(5)
    progress.read_to(9)
    assert progress.position == 9
