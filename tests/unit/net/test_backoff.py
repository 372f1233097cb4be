"""`jackfield._net.backoff`: ceilings double to the most, and jitter is full."""

import random
from itertools import islice

from jackfield._net.backoff import backoff


class Highest(random.Random):
    def uniform(self, low, high):
        assert low == 0.0
        return high


def test_ceilings_double_from_one_second_to_thirty():
    assert list(islice(backoff(Highest()), 8)) == [1, 2, 4, 8, 16, 30, 30, 30]


def test_delays_are_spread_over_the_whole_span():
    delays = [next(backoff(random.Random(seed), first=1.0)) for seed in range(500)]
    assert min(delays) < 0.05 and max(delays) > 0.95


def test_the_same_chance_gives_the_same_delays():
    assert list(islice(backoff(random.Random(7)), 5)) == list(islice(backoff(random.Random(7)), 5))
