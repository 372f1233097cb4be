"""`jackfield._delivery.failure`: whatever a plugin says, indexes are of the batch and numbers are bounded."""

import math

from hypothesis import given
from hypothesis import strategies as st

from jackfield._delivery.failure import MOST_RETRY_AFTER, checked_failure
from jackfield.errors import DeliveryError

NUMBERS = st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=2), st.booleans(), st.just([1]))


@given(
    st.integers(1, 8),
    st.sets(st.integers(0, 7)),
    NUMBERS,
    NUMBERS,
    st.one_of(NUMBERS, st.sets(st.integers(-2, 9))),
    NUMBERS,
    st.sampled_from(["retry", "dead_letter", "pause", "disable", None, "x"]),
)
def test_what_is_read_is_always_possible(count, reported, delivered, rejected_count, failed, retry_after, on_error):
    missing = [index for index in range(count) if index not in reported]
    error = DeliveryError("x")
    error.delivered, error.rejected_count, error.failed = delivered, rejected_count, failed
    error.retry_after, error.on_error = retry_after, on_error
    failure = checked_failure(error, missing, count)
    assert set(failure.arrived) <= set(missing)
    assert failure.rejected is None or set(failure.rejected) <= set(missing) - set(failure.arrived)
    assert failure.on_error in {"retry", "dead_letter", "pause", "disable"}
    wait = failure.retry_after
    assert wait is None or (math.isfinite(wait) and 0 <= wait <= MOST_RETRY_AFTER)
    if not failure.breaches and failed is None:
        assert failure.arrived == tuple(index for index in missing if index < delivered)
