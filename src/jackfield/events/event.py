"""The event itself; see `jackfield.events`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote, unquote

import attrs
import msgspec

from jackfield.addresses import Address, escape_segment
from jackfield.errors import EventError
from jackfield.events.json_text import decode_data, decode_struct, encode_data, without_surrogates
from jackfield.events.parties import NO_PARTIES, Cause, Direction, Media, Parties

__all__ = ["Event", "Origin", "content_id"]

Origin = Literal["live", "webhook", "backfill", "replay", "simulated"]
"""How an event reached us."""


@attrs.frozen(slots=False)  # a frozen object's slots are filled by a call each, its dict at half the price
class Event:
    """Something that happened at a vendor, in neutral terms, with the vendor's own words kept."""

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
    parties: Parties = NO_PARTIES
    """Who takes part, in neutral words."""
    data: Any = attrs.field(default=None, hash=False)
    """The vendor's payload as JSON objects, nothing dropped or renamed."""
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
            text = _encoded(_encodable(self))
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
        except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
            raise EventError(f"not a CloudEvent of Jackfield's: {error}") from None


def content_id(*parts: bytes) -> str:
    """An event's id for vendors that give none: 128 bits of SHA-256 over the parts, in hexadecimal.

    The parts must be what all copies of an event share and no two events do; each part's length
    counts, so moving a byte from one part to the next gives another id.
    """
    framed = b""
    for part in parts:
        framed += b"%d:%b" % (len(part), part)
    return hashlib.sha256(framed).hexdigest()[:32]


class _Wire(msgspec.Struct, frozen=True):
    """The JSON object, as it is read; extension attributes are named as CloudEvents demands: letters and digits."""

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
    correlationid: str | msgspec.UnsetType = msgspec.UNSET
    partitionkey: str | msgspec.UnsetType = msgspec.UNSET
    nativetype: str | msgspec.UnsetType = msgspec.UNSET
    nativetopic: str | msgspec.UnsetType = msgspec.UNSET
    direction: Direction = ""
    caller: str = ""
    callername: str = ""
    callee: str = ""
    calleename: str = ""
    agentid: str = ""
    agentname: str = ""
    queueid: str = ""
    queuename: str = ""
    cause: Cause = ""
    media: Media = ""
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


# Each field of the parties and its extension attribute.
_PARTIES = tuple((name, name.replace("_", "")) for name in Parties.__struct_fields__)


_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(_Wire).decode

# What may stand in a segment of CloudEvents' ``source``, a URI reference, without an escape.
_URI_PLAIN = re.compile(r"[A-Za-z0-9._~:+=,;!$'()-]*")


_LINE_FEED, _CARRIAGE_RETURN = b"\n\r"
QUOTES = 2
# What a vendor says may be of any length; no long texts are kept in a cache.
LONG = 500


@lru_cache(256)
def _source(provider: str, scope: str, scope_id: str) -> str:
    segments = (provider, scope, scope_id)
    return "/" + "/".join(each if _URI_PLAIN.fullmatch(each) else quote(each, safe="") for each in segments)


def _encodable(event: Event) -> Event:
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
    """The event's JSON, put together from pieces: what many events have in common is encoded once."""
    provider, scope, scope_id, resource, resource_id, word = event.address
    native_type = event.native_type
    common = _common if len(resource) + len(word) + len(native_type) < LONG else _common.__wrapped__
    names, head, native_type = common(
        (provider, scope, scope_id, resource, word, event.kind, event.feed, native_type, event.origin, event.inferred)
    )
    if not resource_id.replace("-", "").isalnum():
        resource_id = escape_segment(resource_id).replace("%40", "@")  # which ends nothing here, unlike in a selector
    event_id, correlation, topic = event.id, event.correlation or "", event.native_topic
    texts = f"{event_id}{resource_id}{correlation}{topic}"
    if len(_encode(texts)) != len(texts) + QUOTES:  # not plain ASCII throughout
        event_id, resource_id, correlation, topic = map(_escaped, (event_id, resource_id, correlation, topic))
    time = f',"time":{_encode(event.time).decode()}' if event.time else ""
    correlation = correlation and f',"correlationid":"{correlation}","partitionkey":"{correlation}"'
    topic = topic and f',"nativetopic":"{topic}"'
    parties = "" if event.parties == NO_PARTIES else f",{_encode(event.parties)[1:-1].decode()}"
    text = (
        f'{{"specversion":"1.0","id":"{event_id}"{names}{resource_id}","recordedtime":{_encode(event.received).decode()}'
        f'{head}{time},"datacontenttype":"application/json"{correlation}{native_type}{topic}{parties}'
    ).encode()
    data = event.data_json
    if data is None:
        return text + b"}" if event.data is None else b'%b,"data":%b}' % (text, encode_data(event.data))
    # A line break between tokens would break the line; inside a string JSON does not allow one.
    # (Looking for a number goes straight to the C library, and takes an eighth of looking for bytes.)
    if _LINE_FEED in data or _CARRIAGE_RETURN in data:
        data = data.replace(b"\n", b" ").replace(b"\r", b" ")
    return b'%b,"data":%b}' % (text, data)


@lru_cache(1024)
def _common(texts: tuple[str, str, str, str, str, str, str, str, Origin, bool]) -> tuple[str, str, str]:
    """Pieces of the JSON of all events that have these in common: behind the id, the moment and the correlation."""
    provider, scope, scope_id, resource, word, kind, feed, native_type, origin, inferred = texts
    names = f',"source":{_quoted(_source(provider, scope, scope_id))},"type":{_quoted(kind)}'
    subject = f',"subject":"{_escaped(escape_segment(resource))}/'
    event = f',"feed":{_quoted(feed)},"event":{_quoted(escape_segment(word))}'
    origins = f',"origin":{_quoted(origin)},"inferred":{_quoted(inferred)}'
    return names + subject, event + origins, native_type and f',"nativetype":{_quoted(native_type)}'


def _quoted(value: object) -> str:
    return _encode(value).decode()


def _escaped(text: str) -> str:
    return _quoted(text)[1:-1]


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
        native_type=wire.nativetype or "",
        native_topic=wire.nativetopic or "",
        origin=wire.origin,
        inferred=wire.inferred,
        parties=_parties(wire),
        data=None if text is None else decode_data(text),
        data_json=text,
    )


def _parties(wire: _Wire) -> Parties:
    named: dict[str, Any] = {name: value for name, extension in _PARTIES if (value := getattr(wire, extension))}
    return Parties(**named) if named else NO_PARTIES
