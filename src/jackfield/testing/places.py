"""What the author of a sink declares: where it delivers to, as seen from the other side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import attrs

from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.plugin.secrets import iter_secrets
from jackfield.plugin.sink import Sink
from jackfield.testing.rules import Suite

__all__ = ["DeclaredSink", "Place", "sample_events"]


@attrs.frozen
class Place:
    """One place to deliver to, that was empty when it was made."""

    sink: Sink
    """A sink that delivers there; its secrets as text, so that the suite can look for them."""
    arrived: Callable[[], Sequence[Event]]
    """What has arrived, in order, copies included."""
    fail: Callable[[int], None] | None = None
    """From now on takes so many events more, and then turns down everything, until it is mended."""
    stall: Callable[[], None] | None = None
    """From now on takes nothing and says nothing, until it is mended."""
    mend: Callable[[], None] = lambda: None
    """From now on takes everything again."""


class DeclaredSink(Suite):
    """A sink, the places that it can deliver to, and what these can do to it."""

    fails: ClassVar[bool] = True
    """Whether a place can be made to turn down events: it has `Place.fail`."""
    fails_midway: ClassVar[bool] = False
    """Whether it can take some events of a batch and turn down the rest."""
    stalls: ClassVar[bool] = False
    """Whether it can be made to hang without an answer: it has `Place.stall`."""
    separate: ClassVar[bool] = True
    """Whether there can be two places at a time; there is one standard output only."""

    def place(self) -> AbstractContextManager[Place]:
        """A new place, gone at the end; may be called again while another is there."""
        raise NotImplementedError

    def secrets(self, place: Place) -> list[str]:
        """The texts that must not show; else the rule does not apply."""
        found = [secret.reveal() for _, secret in iter_secrets(place.sink)]
        return found or self.not_applicable("the sink has no secret")

    def failing(self, place: Place, after: int = 0) -> None:
        """Make a place fail, or end the rule where it cannot be made to."""
        if not self.fails:
            self.not_applicable("its place cannot be made to fail")
        assert place.fail is not None, "fails = True needs Place.fail"
        place.fail(after)


def sample_events(count: int, prefix: str = "sample") -> list[Event]:
    """Events as they come: of several correlations, with and without a time or a payload, in hard characters."""
    payloads = [
        None,
        {"text": 'line\nbreak, "quotes", \\ and ☎ 電話'},
        {"big": "x" * 20_000},
        [1, 2.5, None, True],
        "text",
    ]
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    return [
        Event(
            id=f"{prefix}-{number}",
            kind="call.connected" if number % 2 else "unmapped.fax",
            address=Address("acme", "account", "A/1 %", "call", f"c {number}", "answered"),
            time=None if number % 5 == 4 else at + timedelta(milliseconds=number),
            received=at + timedelta(seconds=1, microseconds=number),
            feed="office",
            correlation=f"contact-{number % 3}" if number % 4 else None,
            native_type="call.answered",
            native_topic="account:A:call",
            data=payloads[number % len(payloads)],
        )
        for number in range(count)
    ]
