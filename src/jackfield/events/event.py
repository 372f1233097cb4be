"""The event itself; see `jackfield.events`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, unquote

import attrs
import msgspec

from jackfield.addresses import Address, escape_segment
from jackfield.errors import EventError
from jackfield.events.json_text import decode_data, decode_struct, encode_data, without_surrogates
from jackfield.events.parties import NO_PARTIES, Cause, Direction, Media, Parties
from jackfield.events.payload_objects import payload_objects
from jackfield.events.trace import TraceContext

__all__ = ["Event", "Origin", "content_id", "without_half_pairs"]

Origin = Literal["live", "webhook", "backfill", "replay", "simulated"]
"""How an event reached us."""


@attrs.frozen(weakref_slot=False)  # of exactly these slots, so that an `EventDraft` can become one
class Event:
    """Something that happened at a vendor, in neutral terms, with the vendor's own words kept.

    Code that makes thousands in a second fills an `EventDraft` instead.
    """

    id: str
    """The vendor's message id where there is one, else `content_id`: all copies of an event share it."""
    kind: str
    """The neutral kind (`jackfield.kinds`), ``unmapped.<resource>`` where there is none."""
    address: Address
    """Where it belongs."""
    time: datetime | None
    """When it happened, aware, in UTC; ``None`` where the vendor does not say."""
    received: datetime
    """When this process got it, aware, in UTC."""
    feed: str
    """The name of the configured feed that it came through."""
    correlation: str | None = None
    """What joins one customer contact across resources; order is kept for each value."""
    native_type: str = ""
    """The vendor's own name of the event, unchanged."""
    native_topic: str = ""
    """The vendor's own address of the event, unchanged."""
    origin: Origin = "live"
    inferred: bool = False
    """Whether the vendor did not name the event and we deduced its kind."""
    late: bool = False
    """Whether a gateway wrote it after another one had taken over its feed: it is outside the order of the others."""
    parties: Parties = NO_PARTIES
    """Who takes part, in neutral words."""
    trace: TraceContext | None = None
    """The trace that it belongs to, where the vendor's webhook named one."""
    data: Any = attrs.field(default=None, hash=False)
    """The vendor's payload as JSON objects, nothing dropped or renamed; made of `data_json` at their first use."""
    data_json: bytes | None = attrs.field(default=None, repr=False, eq=False)
    """The payload's JSON text as the vendor wrote it; ``None`` where it is to be made from `data`."""
    raw: bytes = attrs.field(default=b"", repr=False, eq=False)
    """The whole frame as it came; never sent on."""
    _json: bytes | None = attrs.field(default=None, init=False, repr=False, eq=False)

    def to_json(self) -> bytes:
        """The event as one JSON object in CloudEvents' structured form, without a line break."""
        if self._json is not None:
            return self._json
        try:
            text = _encoded(self)
        except UnicodeEncodeError:  # half of a surrogate pair outside the payload
            text = _encoded(without_half_pairs(self))
        # The journal and every sink want the same; nothing that it is made of can change.
        object.__setattr__(self, "_json", text)
        return text

    def to_cloudevent(self) -> dict[str, Any]:
        """The event as a CloudEvents object, ready for any CloudEvents library."""
        cloudevent: dict[str, Any] = decode_data(self.to_json())
        return cloudevent

    @classmethod
    def from_cloudevent(cls, cloudevent: Mapping[str, Any] | str | bytes) -> Event:
        """Read what `to_cloudevent` or `to_json` wrote; `EventError` says what is wrong with it."""
        try:
            text = cloudevent
            if isinstance(text, Mapping):
                text = encode_data(text)
            elif isinstance(text, str):
                text = text.encode()
            return _from_wire(decode_struct(_decode, text))
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError) as error:
            raise EventError(f"not a CloudEvent of Jackfield's: {error}") from None


_data, _let_go = payload_objects(Event.data)
let_go_of_objects: Callable[[Event], bool] = _let_go
"""Lets an event's payload objects go where they can be made again of its text, as they are when somebody reads `data`.

The next event's objects then take their place in the processor's cache.
"""
if not TYPE_CHECKING:  # for whom it is a field as the others are
    Event.data = _data


# A copy of an empty digest is made in less time than a new one.
_new_digest = sha256(usedforsecurity=False).copy


def content_id(*parts: bytes) -> str:
    """An event's id for vendors that give none: 128 bits of SHA-256 over the parts, in hexadecimal.

    The parts must be what all copies of an event share and no two events do; each part's length
    counts, so moving a byte from one part to the next gives another id.
    """
    digest = _new_digest()
    for part in parts:
        digest.update(b"%d:%b" % (len(part), part))
    return digest.hexdigest()[:32]


class _Wire(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The JSON object; extension attributes are named as CloudEvents demands: letters and digits."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str
    recordedtime: datetime
    feed: str
    event: str
    origin: Origin
    inferred: bool
    time: datetime | msgspec.UnsetType = msgspec.UNSET
    datacontenttype: Literal["application/json"] | msgspec.UnsetType = msgspec.UNSET
    correlationid: str = ""
    partitionkey: str = ""
    nativetype: str = ""
    nativetopic: str = ""
    direction: Direction = ""
    caller: str = ""
    callername: str = ""
    callee: str = ""
    calleename: str = ""
    agentid: str = ""
    agentname: str = ""
    agentreason: str = ""
    queueid: str = ""
    queuename: str = ""
    cause: Cause = ""
    media: Media = ""
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    late: bool = False
    traceparent: str = ""
    tracestate: str = ""


# Each field of the parties and its extension attribute.
_PARTIES = tuple((name, name.replace("_", "")) for name in Parties.__struct_fields__)


_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(_Wire).decode

# What may stand in a segment of CloudEvents' ``source``, a URI reference, without an escape.
_URI_PLAIN = re.compile(r"[A-Za-z0-9._~:+=,;!$'()-]*")


_LINE_FEED, _CARRIAGE_RETURN = b"\n\r"


@lru_cache(1024)
def _place(provider: str, scope: str, scope_id: str, resource: str, word: str) -> tuple[str, str, str]:
    """CloudEvents' ``source``, ``subject`` up to the resource's id, and ``event``: there are few, and ids are many."""
    segments = (provider, scope, scope_id)
    source = "/" + "/".join(each if _URI_PLAIN.fullmatch(each) else quote(each, safe="") for each in segments)
    return source, f"{escape_segment(resource)}/", escape_segment(word)


def without_half_pairs(event: Event) -> Event:
    """The event with U+FFFD for each half of a surrogate pair, but for its payload: as it is written."""
    texts: dict[str, Any] = {
        field.name: without_surrogates(value)
        for field in attrs.fields(Event)
        if field.init and isinstance(value := getattr(event, field.name), str)
    }
    named: dict[str, Any] = {name: without_surrogates(value) for name, value in _named(event.parties)}
    return attrs.evolve(
        event, address=Address(*map(without_surrogates, event.address)), parties=Parties(**named), **texts
    )


def _named(parties: Parties) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, _ in _PARTIES if (value := getattr(parties, name)))


def _encoded(event: Event) -> bytes:
    provider, scope, scope_id, resource, resource_id, word = event.address
    if not resource_id.replace("-", "").isalnum():
        resource_id = escape_segment(resource_id).replace("%40", "@")  # which ends nothing here, unlike in a selector
    source, subject, word = _place(provider, scope, scope_id, resource, word)
    correlation, parties = event.correlation or "", event.parties
    # By position and in one call: an event is encoded for each that comes, and this is most of its price.
    wire = _Wire(
        "1.0",
        event.id,
        source,
        event.kind,
        subject + resource_id,
        event.received,
        event.feed,
        word,
        event.origin,
        event.inferred,
        event.time or msgspec.UNSET,
        "application/json",
        correlation,
        correlation,
        event.native_type,
        event.native_topic,
        parties.direction,
        parties.caller,
        parties.caller_name,
        parties.callee,
        parties.callee_name,
        parties.agent_id,
        parties.agent_name,
        parties.agent_reason,
        parties.queue_id,
        parties.queue_name,
        parties.cause,
        parties.media,
        _raw_data(event),
        event.late,
    )
    if event.trace is not None:
        wire = msgspec.structs.replace(wire, traceparent=event.trace.parent, tracestate=event.trace.state)
    return _encode(wire)


def _raw_data(event: Event) -> msgspec.Raw | msgspec.UnsetType:
    text = event.data_json
    if text is None:
        return msgspec.UNSET if event.data is None else msgspec.Raw(encode_data(event.data))
    # A line break between tokens would break the line; inside a string JSON does not allow one.
    # (Looking for a number goes straight to the C library, and takes an eighth of looking for bytes.)
    if _LINE_FEED in text or _CARRIAGE_RETURN in text:
        text = text.replace(b"\n", b" ").replace(b"\r", b" ")
    return msgspec.Raw(text)


def _from_wire(wire: _Wire) -> Event:
    source = wire.source.split("/")
    subject = wire.subject.split("/")
    if len(source) != 4 or source[0] or len(subject) != 2:
        raise EventError(f"source {wire.source!r} and subject {wire.subject!r} make no address")
    address = Address.of(*(unquote(part, errors="strict") for part in (*source[1:], *subject, wire.event)))
    text = None if isinstance(wire.data, msgspec.UnsetType) else bytes(wire.data)
    return Event(
        id=wire.id,
        kind=wire.type,
        address=address,
        time=wire.time or None,
        received=wire.recordedtime,
        feed=wire.feed,
        correlation=wire.correlationid or None,
        native_type=wire.nativetype,
        native_topic=wire.nativetopic,
        origin=wire.origin,
        inferred=wire.inferred,
        late=wire.late,
        parties=_parties(wire),
        trace=TraceContext.parse([wire.traceparent], [wire.tracestate]) if wire.traceparent else None,
        data=None if text is None else decode_data(text),
        data_json=text,
    )


def _parties(wire: _Wire) -> Parties:
    named: dict[str, Any] = {name: value for name, extension in _PARTIES if (value := getattr(wire, extension))}
    return Parties(**named) if named else NO_PARTIES
