"""`jackfield._journal.coverage`: how long an outage a journal holds what comes meanwhile."""

from contextlib import closing
from datetime import UTC, datetime

import pytest

from jackfield._journal.coverage import Coverage, measure_coverage
from jackfield._journal.store import SegmentStore
from jackfield.addresses import Address
from jackfield.events import Event

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_it_is_the_size_by_the_rate_of_the_newest_events(tmp_path):
    address = Address("v", "s", "i", "call", "7", "status")
    event = Event(id="1", kind="call.updated", address=address, time=AT, received=AT, feed="f")
    with closing(SegmentStore.open(tmp_path / "journal")) as store:
        assert measure_coverage(store, 1000) is None
        for second in range(101):
            store.append([event.to_json()], [second * 500_000], second * 500_000)
        coverage = measure_coverage(store, store.size * 10)
    assert coverage.events_per_second == pytest.approx(2)
    assert coverage.seconds == pytest.approx(101 / 2 * 10)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (2520, "1 GB is about 42 minutes at 400 events/s"),
        (90, "1 GB is about 90 seconds at 400 events/s"),
        (864_000, "1 GB is about 10 days at 400 events/s"),
    ],
)
def test_it_is_shown_in_the_unit_that_fits(seconds, shown):
    assert str(Coverage(seconds, 400.0, 1_000_000_000)) == shown
