"""`jackfield.reports.feed_states`: the table of transitions."""

import pytest

from jackfield.reports.feed_states import TRANSITIONS, FeedState


def reachable(start):
    found, waiting = set(), [start]
    while waiting:
        state = waiting.pop()
        if state not in found:
            found.add(state)
            waiting += TRANSITIONS[state]
    return found


@pytest.mark.parametrize("state", FeedState)
def test_from_each_state_a_feed_can_get_to_every_other(state):
    assert reachable(state) == set(FeedState)


@pytest.mark.parametrize("state", FeedState)
def test_a_transition_leads_to_another_state(state):
    assert state not in TRANSITIONS[state]


def test_a_feed_is_subscribed_only_after_it_was_connected():
    before = {state for state, following in TRANSITIONS.items() if FeedState.SUBSCRIBED in following}
    assert before == {FeedState.CONNECTED}
