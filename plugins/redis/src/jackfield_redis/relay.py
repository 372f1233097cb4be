"""What comes out of the streams: other gateways' events, as they were written; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import ClassVar

import attrs
import msgspec

from jackfield.addresses import Address, AddressPattern, Source
from jackfield.errors import EventError, FrameError
from jackfield.events import Event
from jackfield.kinds import KIND_NAMES, unmapped_kind
from jackfield.plugin.protocol import Action, Emit, GapSuspected, Send
from jackfield.plugin.single_topic import ReadOnly
from jackfield.selectors import Selector

__all__ = ["PROVIDER", "Entry", "Gap", "Relay", "frame_of", "gap_frame", "protocol_of", "read_frame", "source_of"]

PROVIDER = "redis"
TOPIC = "everything"
_HEAD = re.compile(rb"(\d{1,4}) (\d{1,20}-\d{1,20}) ")


def source_of(stream: str) -> Source:
    """Whose facts a feed's own facts are; what it brings keeps its own address."""
    return Source(PROVIDER, "stream", stream)


@attrs.frozen
class Relay:
    """A `Dialect` of one topic, which brings every provider's events."""

    relays: ClassVar[bool] = True

    def topics_of(self, selector: Selector) -> tuple[str, ...]:
        """The one topic: whatever is selected may be in the streams."""
        return (TOPIC,)

    def pattern_of(self, topic: str) -> AddressPattern:
        """Everything; `ValueError` for any other topic."""
        if topic != TOPIC:
            raise ValueError(f"{topic!r} is not a topic here; the only one is {TOPIC!r}")
        return AddressPattern()

    def covers(self, topic: str, other: str) -> bool:
        """Whether both are the topic."""
        return topic == other == TOPIC

    def matches(self, topic: str, published: str) -> bool:
        """Whether it is the topic, which brings all that is published."""
        return topic == TOPIC

    def describe(self, topic: str) -> tuple[AddressPattern, str]:
        """Everything."""
        return self.pattern_of(topic), ""

    def address_of(self, topic: str, event: str) -> Address:
        """The address that is published as its own text."""
        return Address.parse(topic)

    def native_of(self, address: Address) -> tuple[str, str]:
        """The address's text and the event's word."""
        return str(address), address.event

    def kinds_of(self, pattern: AddressPattern) -> frozenset[str]:
        """All kinds of Jackfield's, those of the stream itself too, and the unmapped one of the resource."""
        return KIND_NAMES | {unmapped_kind(pattern.resource or "unknown")}


@attrs.frozen
class Entry:
    """One entry of a partition's stream."""

    partition: int
    id: str

    @property
    def token(self) -> str:
        """What comes back once its event is committed."""
        return f"{self.partition}:{self.id}"

    @classmethod
    def of_token(cls, token: str) -> Entry:
        """The same from its token."""
        partition, _, name = token.partition(":")
        return cls(int(partition), name)


class Gap(msgspec.Struct):
    """What the reader has noticed of a partition: entries that it never got."""

    partition: int
    since_ms: int
    """Milliseconds since 1970; 0 where it is not known."""
    reason: str


_decode_gap = msgspec.json.Decoder(Gap).decode


def frame_of(entry: Entry, event: bytes) -> bytes:
    """An entry as a frame."""
    return b"%d %b %b" % (entry.partition, entry.id.encode(), event)


def gap_frame(gap: Gap) -> bytes:
    """A gap as a frame."""
    return b"gap " + msgspec.json.encode(gap)


def read_frame(frame: bytes, at: datetime) -> Iterable[Action]:
    """The event of an entry, as it was written; or a gap. `FrameError` for anything else."""
    if frame.startswith(b"gap "):
        try:
            gap = _decode_gap(frame[4:])
            since = datetime.fromtimestamp(gap.since_ms / 1000, UTC) if gap.since_ms else at
        except (msgspec.MsgspecError, ValueError, OverflowError, OSError) as error:
            raise FrameError(f"not a gap: {error}", frame) from None
        return (GapSuspected(min(since, at), f"partition {gap.partition}: {gap.reason}"),)
    head = _HEAD.match(frame)
    if head is None:
        raise FrameError("not an entry: it begins with no partition and no id", frame)
    entry = Entry(int(head[1]), head[2].decode())
    try:
        event = Event.from_cloudevent(frame[head.end() :])
    except EventError as error:
        raise FrameError(f"entry {entry.id} of partition {entry.partition}: {error}", frame) from None
    return (Emit(event, token=entry.token),)


def protocol_of() -> ReadOnly:
    """A protocol that reads entries, and acknowledges what is stored."""
    return ReadOnly(read_frame, lambda token: (Send(token),))
