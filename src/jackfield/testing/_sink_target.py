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
from jackfield.testing._rules import Suite

__all__ = ["SinkDeclaration", "SinkTarget", "sample_events"]


@attrs.frozen
class SinkTarget:
    """One target to deliver to, that was empty when it was made."""

    sink: Sink
    """A sink that delivers there; its secrets as text, so that the suite can look for them."""
    arrived: Callable[[], Sequence[Event]]
    """What has arrived, in order, copies included."""
    fail: Callable[[int], None] | None = None
    """From now on accepts so many further events, and then rejects everything until it recovers."""
    stall: Callable[[], None] | None = None
    """From now on takes nothing and says nothing, until it recovers."""
    recover: Callable[[], None] = lambda: None
    """From now on takes everything again."""


class SinkDeclaration(Suite):
    """A sink, the targets that it can deliver to, and what these can do to it."""

    fails: ClassVar[bool] = True
    """Whether a target can be made to reject events: it has `SinkTarget.fail`."""
    fails_midway: ClassVar[bool] = False
    """Whether it can accept some events of a batch and reject the rest."""
    stalls: ClassVar[bool] = False
    """Whether it can be made to hang without an answer: it has `SinkTarget.stall`."""
    separate: ClassVar[bool] = True
    """Whether there can be two targets at a time; there is one standard output only."""

    def target(self) -> AbstractContextManager[SinkTarget]:
        """A new target, gone at the end; may be called again while another is there."""
        raise NotImplementedError

    def secrets(self, target: SinkTarget) -> list[str]:
        """The texts that must not show; else the rule does not apply."""
        found = [secret.reveal() for _, secret in iter_secrets(target.sink)]
        return found or self.not_applicable("the sink has no secret")

    def failing(self, target: SinkTarget, after: int = 0) -> None:
        """Make a target fail, or end the rule where it cannot be made to."""
        if not self.fails:
            self.not_applicable("its target cannot be made to fail")
        assert target.fail is not None, "fails = True needs SinkTarget.fail"
        target.fail(after)


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
