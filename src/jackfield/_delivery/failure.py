"""What a sink says of a write that failed, checked: nothing that a plugin says is used as it stands; pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import get_args

import attrs

from jackfield._net.exception_groups import leaves
from jackfield.errors import DeliveryError, OnError

__all__ = ["MOST_RETRY_AFTER", "Failure", "checked_failure", "delivery_error"]

# A receiver that says "in a year" is mistaken or malicious: it is asked again each hour.
MOST_RETRY_AFTER = 3600.0


@attrs.frozen
class Failure:
    """One attempt that did not deliver everything; indexes are those of the batch's events."""

    reason: str
    on_error: OnError
    arrived: tuple[int, ...] = ()
    """Events that arrived nevertheless, beyond what the batch reported."""
    rejected: tuple[int, ...] | None = None
    """With ``dead_letter``, the events that it is about; ``None`` where that is not known."""
    endpoint_suspected: bool = False
    retry_after: float | None = None
    breaches: tuple[str, ...] = ()
    """Where the plugin breaks its contract; what it said there is not used."""


def delivery_error(error: BaseException) -> DeliveryError | None:
    """The `DeliveryError` that an exception is, or that a group holds alone."""
    if isinstance(error, BaseExceptionGroup):
        causes = list(leaves(error))
        error = causes[0] if len(causes) == 1 else error
    return error if isinstance(error, DeliveryError) else None


def checked_failure(error: DeliveryError, missing: Collection[int], count: int) -> Failure:
    """What a `DeliveryError` says about a batch of `count` events, of which those at `missing` are unreported.

    A number that cannot be true counts for nothing: too little that counts as delivered is a copy, too much a loss.
    """
    breaches: list[str] = []
    on_error = error.on_error
    if on_error not in get_args(OnError):  # a plugin need not be type-checked
        breaches.append(f"on_error={on_error!r}")
        on_error = "retry"
    arrived, rejected = _indexes(error, missing, count, breaches)
    return Failure(
        reason=str(error.reason),
        on_error=on_error,
        arrived=arrived,
        rejected=rejected if on_error == "dead_letter" else None,
        endpoint_suspected=error.endpoint_suspected is True,
        retry_after=_seconds(error.retry_after, breaches),
        breaches=tuple(breaches),
    )


def _indexes(
    error: DeliveryError, missing: Collection[int], count: int, breaches: list[str]
) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Which events arrived, and which were rejected."""
    if error.failed is not None:
        failed = _set(error.failed)
        if failed and failed <= set(range(count)):
            arrived = tuple(index for index in missing if index not in failed)
            return arrived, tuple(index for index in missing if index in failed)
        breaches.append(f"failed={error.failed!r} of a batch of {count}")
        return (), None
    delivered = error.delivered
    if not _is_count(delivered, count):
        breaches.append(f"delivered={delivered!r} of {count} events")
        delivered = 0
    arrived = tuple(index for index in missing if index < delivered)
    left = [index for index in missing if index >= delivered]
    most = error.rejected_count
    if most is not None and not _is_count(most, count):
        breaches.append(f"rejected_count={most!r} of {count} events")
        most = None
    if not most:
        return arrived, tuple(left) if len(left) == 1 else None
    return arrived, tuple(left[:most])


def _set(indexes: object) -> set[int]:
    return {index for index in indexes if isinstance(index, int)} if isinstance(indexes, Iterable) else set()


def _is_count(number: object, most: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= most


def _seconds(retry_after: object, breaches: list[str]) -> float | None:
    if retry_after is None:
        return None
    if not isinstance(retry_after, int | float) or math.isnan(retry_after) or retry_after < 0:
        breaches.append(f"retry_after={retry_after!r}")
        return None
    if math.isinf(retry_after):
        breaches.append(f"retry_after={retry_after!r}")
    return min(float(retry_after), MOST_RETRY_AFTER)
