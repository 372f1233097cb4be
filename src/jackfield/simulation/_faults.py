"""What can go wrong between a vendor and its clients, each thing switchable, and what becomes of one frame.

Nothing here has I/O or a clock, and chance is the caller's, so the same seed makes the same mischief.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, TypeVar

import attrs

from jackfield.plugin.options import field_help, ge

__all__ = ["Counters", "Faults", "copies", "extras"]

T = TypeVar("T")

SHARE_HELP = "share of event frames, from 0 to 1,"
# A frame that no reader of JSON takes, each wrong in its own way.
GARBAGE = ('{"half": ', "not json", "<html><body>502 Bad Gateway</body></html>", "", "\x00\ufffd", '{"a": 1} {"b": 2}')


def _between(least: float, most: float) -> Callable[[Any, Any, float], None]:
    def validate(_instance: Any, _attribute: Any, value: float) -> None:
        if not least <= value <= most:
            raise ValueError(f"{value} is not between {least} and {most}")

    return validate


def _status(_instance: Any, _attribute: Any, value: int) -> None:
    if value and not 200 <= value <= 599:
        raise ValueError(f"{value} is no final HTTP status, 200 to 599; 0 is off")


def _close_code(_instance: Any, _attribute: Any, value: int) -> None:
    if value and not 1000 <= value <= 4999:
        raise ValueError(f"{value} is no code of a close frame, 1000 to 4999; 0 is without one")
    if value in (1004, 1005, 1006, 1015):
        raise ValueError(f"{value} must not be in a close frame; 0 is without one")


def _share(text: str) -> Any:
    return attrs.field(default=0.0, validator=_between(0, 1), metadata=field_help(text, live=True))


def _seconds(text: str) -> Any:
    return attrs.field(default=0.0, validator=ge(0), metadata=field_help(text, live=True))


def _switch(text: str) -> Any:
    return attrs.field(default=False, metadata=field_help(text, live=True))


@attrs.define
class Faults:
    """The faults of a simulated server, all of them off; each can be changed while it runs.

    An attribute that is set to what makes no sense raises `ValueError`, and stays as it was.
    """

    drop: float = _share(f"{SHARE_HELP} that is lost; webhooks too")
    duplicate: int = attrs.field(
        default=1, validator=_between(1, 100), metadata=field_help("copies of each event, webhooks too", live=True)
    )
    shuffle: float = _seconds("each event comes up to so many seconds late, which changes their order; webhooks too")
    garbage: float = _share(f"{SHARE_HELP} preceded by one that is not valid JSON")
    binary: float = _share(f"{SHARE_HELP} before which comes one of bytes")
    oversized: float = _share(f"{SHARE_HELP} before which comes a very large one, which is JSON and says nothing")
    oversized_bytes: int = attrs.field(
        default=100_000,
        validator=_between(100, 2**26),
        metadata=field_help("how large such a frame is", live=True),
    )
    lag_drop: int = attrs.field(
        default=0,
        validator=ge(0),
        metadata=field_help(
            "a client that is so many frames behind loses the next ones silently; 0 is as the vendor's server does",
            live=True,
        ),
    )
    stalled: bool = _switch("subscriptions are answered, and no event comes")
    mute: bool = _switch("requests on the websocket get no answer, and count all the same")
    late: float = _seconds("every answer comes so many seconds late, those of REST too")
    no_pong: bool = _switch("pings of clients are not answered")
    refuse: int = attrs.field(
        default=0,
        validator=_status,
        metadata=field_help("answer handshakes with this HTTP status, such as 401, 403, 426, 429 or 200", live=True),
    )
    refuse_rest: int = attrs.field(
        default=0,
        validator=_status,
        metadata=field_help("answer all requests by REST with this HTTP status", live=True),
    )
    retry_after: int = attrs.field(
        default=0,
        validator=ge(0),
        metadata=field_help("seconds in the Retry-After header of both; 0 is without one", live=True),
    )
    eof_after_upgrade: bool = _switch("a handshake is accepted, and then the connection ends at once")
    cut_after: float = _seconds("each connection is cut when it is so many seconds old")
    cut_every: float = _seconds("all connections are cut every so many seconds")
    cut_silent_after: float = _seconds(
        "a connection is cut when its client has sent nothing, not even a pong, for so long"
    )
    close_code: int = attrs.field(
        default=0,
        validator=_close_code,
        metadata=field_help("the code of the close frame with which connections are cut; 0 is without one", live=True),
    )

    @property
    def clear(self) -> bool:
        """Whether an event's frames go out as they are, which is worth knowing at high rates."""
        return not (
            self.stalled
            or self.drop
            or self.duplicate > 1
            or self.shuffle
            or self.garbage
            or self.binary
            or self.oversized
        )


@attrs.define
class Counters:
    """What a simulated server has done."""

    events: int = 0
    """Events that happened."""
    connections: int = 0
    """Handshakes that were accepted."""
    handshakes_refused: int = 0
    """Handshakes that were answered with another status."""
    requests: int = 0
    """Requests by HTTP that were no handshakes; those to the simulator itself do not count."""
    sent: int = 0
    """Frames of events that went out, copies among them."""
    dropped: int = 0
    """Frames, or webhooks, of events that were lost by `Faults.drop`."""
    duplicated: int = 0
    """Further copies that `Faults.duplicate` made."""
    withheld: int = 0
    """Frames of events that `Faults.stalled` held back."""
    muted: int = 0
    """Answers that `Faults.mute` held back."""
    lagged: int = 0
    """Frames that a client lost because it was too far behind."""
    garbage: int = 0
    binary: int = 0
    oversized: int = 0
    cut: int = 0
    """Connections that were cut or closed by a fault, or because somebody asked for it."""
    webhooks_delivered: int = 0
    """Webhooks that were delivered."""
    webhook_attempts: int = 0
    """Requests by which webhooks were tried."""
    webhooks_given_up: int = 0
    """Webhooks that were not delivered after all their attempts, or that too many others were waiting before."""


def copies(faults: Faults, item: T, chance: Random, done: Counters) -> Iterator[tuple[float, T]]:
    """What becomes of what one event is sent in: each copy, with the seconds by which it is late."""
    if faults.drop and chance.random() < faults.drop:
        done.dropped += 1
        return
    done.duplicated += faults.duplicate - 1
    for _ in range(faults.duplicate):
        yield (chance.uniform(0, faults.shuffle) if faults.shuffle else 0.0), item


def extras(faults: Faults, chance: Random, done: Counters) -> Iterator[str | bytes]:
    """The frames nobody asked for that come before an event's frame."""
    if faults.garbage and chance.random() < faults.garbage:
        done.garbage += 1
        yield chance.choice(GARBAGE)
    if faults.binary and chance.random() < faults.binary:
        done.binary += 1
        yield b"\x00\xff" + chance.randbytes(30)
    if faults.oversized and chance.random() < faults.oversized:
        done.oversized += 1
        frame = '{"filler":""}'
        yield frame[:-2] + "x" * (faults.oversized_bytes - len(frame)) + frame[-2:]
