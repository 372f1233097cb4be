"""FreeSWITCH for Jackfield: the events of its calls, by the event socket (mod_event_socket), which is TCP.

The switch speaks first (``auth/request``) and answers commands in their order. Which events come is a matter of
filters, which hold for the whole connection: none of them brings the events of every call, and one for each call
brings those calls' events. An event comes as JSON or as plain headers, as the option `format` says.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import unquote

import attrs
import msgspec

from jackfield.addresses import Address, AddressPattern, Source
from jackfield.errors import FrameError, NoTopicError
from jackfield.events import Event, content_id
from jackfield.kinds import unmapped_kind
from jackfield.plugin.frames import decode_frame
from jackfield.plugin.framing import HeaderBlocks
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help, is_url
from jackfield.plugin.protocol import (
    Action,
    Disconnect,
    Emit,
    FeedProtocol,
    Ignore,
    Send,
    Subscribed,
    SubscriptionRefused,
)
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.secrets import Secret
from jackfield.plugin.transport import ByteStream
from jackfield.selectors import Selector

jackfield_api = 1
PROVIDER = "freeswitch"
ALL = "all"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What a filter's value and a command's argument may be: an id with a line's end in it would be a command of its own.
ID = re.compile(r"[!-~]{1,200}")

KINDS = {
    "CHANNEL_CREATE": "call.initiated",
    "CHANNEL_ORIGINATE": "call.originated",
    "CHANNEL_PROGRESS": "call.alerting",
    "CHANNEL_PROGRESS_MEDIA": "call.alerting",
    "CHANNEL_ANSWER": "call.connected",
    "CHANNEL_BRIDGE": "call.bridged",
    "CHANNEL_UNBRIDGE": "call.unbridged",
    "CHANNEL_HOLD": "call.held",
    "CHANNEL_UNHOLD": "call.retrieved",
    "CHANNEL_PARK": "call.parked",
    "CHANNEL_UNPARK": "call.unparked",
    "CHANNEL_HANGUP": "call.clearing",
    "CHANNEL_HANGUP_COMPLETE": "call.cleared",
    "DTMF": "call.digit_received",
}


def _kind_of(resource: str, name: str) -> str:
    return KINDS.get(name, unmapped_kind(resource)) if resource == "call" else unmapped_kind(resource)


@attrs.frozen
class EventSocketDialect:
    """A topic is ``all`` or ``call:ID``; an event is published under ``call:ID``, or ``core:ID`` if it has no call."""

    switch: str

    @property
    def everything(self) -> AddressPattern:
        return AddressPattern(PROVIDER, "switch", self.switch)

    def topics_of(self, selector: Selector) -> tuple[str, ...]:
        kind, address = selector
        mine = self.everything.intersection(address)
        if mine is None or not any(map(kind.matches, self.kinds_of(mine))):
            return ()
        if mine.resource == "call" and mine.resource_id is not None:
            return (f"call:{mine.resource_id}",) if ID.fullmatch(mine.resource_id) else ()
        return (ALL,)

    def pattern_of(self, topic: str) -> AddressPattern:
        if topic == ALL:
            return self.everything
        resource, _, identity = topic.partition(":")
        if resource != "call" or not ID.fullmatch(identity):
            raise ValueError(f"{topic!r} is not a topic of FreeSWITCH's; there are {ALL!r} and 'call:ID'")
        return AddressPattern(PROVIDER, "switch", self.switch, "call", identity)

    def covers(self, topic: str, other: str) -> bool:
        return topic in (ALL, other)

    def matches(self, topic: str, published: str) -> bool:
        return topic in (ALL, published)

    def describe(self, topic: str) -> tuple[AddressPattern, str]:
        return self.pattern_of(topic), ""

    def address_of(self, topic: str, event: str) -> Address:
        resource, _, identity = topic.partition(":")
        if resource not in ("call", "core"):
            raise ValueError(f"{topic!r} is not what FreeSWITCH publishes under")
        return Address.of(PROVIDER, "switch", self.switch, resource, identity, event)

    def native_of(self, address: Address) -> tuple[str, str]:
        known = address.resource in ("call", "core") and ID.fullmatch(address.resource_id)
        if address.source != (PROVIDER, "switch", self.switch) or not known:
            raise NoTopicError(f"the switch {self.switch!r} has no events at {address}")
        return f"{address.resource}:{address.resource_id}", address.event

    def kinds_of(self, pattern: AddressPattern) -> frozenset[str]:
        resources = [pattern.resource] if pattern.resource else ["call", "core"]
        names = [pattern.event] if pattern.event else [*KINDS, "any other"]
        return frozenset(_kind_of(resource, name) for resource in resources for name in names)


@attrs.frozen
class Command:
    """Something that we asked for, until the switch has answered."""

    text: str = attrs.field(repr=False)
    """May hold the password."""
    topic: str | None = None
    """Which topic is served once it is done."""


@attrs.define
class EventSocket:
    """One connection: authentication, filters, events."""

    feed: str
    switch: str
    password: str = attrs.field(repr=False)
    form: Literal["json", "plain"] = "json"
    _accepted: bool = False
    """Whether the switch has accepted the password."""
    _topics: list[str] = attrs.field(factory=list)
    """What is asked for, in this order."""
    _filters: set[str] = attrs.field(factory=set)
    _on: bool = False
    """Whether events are switched on."""
    _unanswered: deque[Command] = attrs.field(factory=deque)

    def opened(self) -> Iterable[Action]:
        return ()

    def subscribe(self, topic: str) -> Iterator[Action]:
        self._topics.append(topic)
        if self._accepted:
            yield from self._update(topic)

    def unsubscribe(self, topic: str) -> Iterator[Action]:
        self._topics.remove(topic)
        yield from self._update(None)

    def received(self, frame: bytes, at: datetime) -> Iterable[Action]:
        head, _, body = frame.replace(b"\r\n", b"\n").partition(b"\n\n")
        headers = _headers(head, frame)
        match headers.get("Content-Type"):
            case "text/event-json":
                return (Emit(self._event(_document(body, frame), frame, at)),)
            case "text/event-plain":
                fields = {name: unquote(value) for name, value in _headers(body.partition(b"\n\n")[0], frame).items()}
                return (Emit(self._event(fields, frame, at)),)
            case "command/reply":
                return (Ignore("command/reply"), *self._answered(headers.get("Reply-Text", "")))
            case "auth/request":
                return (Ignore("auth/request"), self._ask(Command(f"auth {self.password}")))
            case "api/response":
                return (Ignore("api/response"),)
            case "text/rude-rejection":
                reason = "the switch accepts no connection from this host (apply-inbound-acl)"
                return (Ignore("text/rude-rejection"), Disconnect(reason, auth_failed=True))
            case "text/disconnect-notice":
                return (Ignore("text/disconnect-notice"), Disconnect("the switch closes the connection"))
        raise FrameError(f"unknown content type {headers.get('Content-Type')!r}", frame)

    def tick(self, at: datetime, passed: float) -> Iterable[Action]:
        return ()

    def closed(self, code: int | None, at: datetime) -> None:
        """Nothing to keep for the next connection."""

    # -- commands ----------------------------------------------------------------------------------

    def _ask(self, command: Command) -> Send:
        self._unanswered.append(command)
        return Send(command.text)

    def _answered(self, reply: str) -> Iterator[Action]:
        if not self._unanswered:
            return
        command, done = self._unanswered.popleft(), reply.startswith("+OK")
        if command.text.startswith("auth "):
            if not done:
                yield Disconnect(f"the switch refused the password: {reply}", auth_failed=True)
                return
            self._accepted = True
            for topic in self._topics.copy():
                yield from self._update(topic)
        elif command.topic is not None:
            yield Subscribed(command.topic) if done else SubscriptionRefused(command.topic, f"the switch said {reply}")

    def _update(self, topic: str | None) -> Iterator[Action]:
        """Ask for what the topics need now; the new one is served when the last command is done."""
        wanted = set() if ALL in self._topics else {each.removeprefix("call:") for each in self._topics}
        texts = [] if self._topics or not self._on else ["noevents"]
        texts += [f"filter Unique-ID {each}" for each in sorted(wanted - self._filters)]
        texts += [f"filter delete Unique-ID {each}" for each in sorted(self._filters - wanted)]
        if self._topics and not self._on:
            texts.append(f"event {self.form} {' '.join(KINDS)}")
        self._filters, self._on = wanted, bool(self._topics)
        if topic is not None and not texts:
            yield Subscribed(topic)
        for number, text in enumerate(texts, 1):
            yield self._ask(Command(text, topic if number == len(texts) else None))

    # -- events ------------------------------------------------------------------------------------

    def _event(self, fields: Any, frame: bytes, at: datetime) -> Event:
        if not isinstance(fields, dict) or not isinstance(name := fields.get("Event-Name"), str) or not name:
            raise FrameError("an event without Event-Name", frame)
        call, core = fields.get("Unique-ID"), str(fields.get("Core-UUID") or self.switch)
        published = f"call:{call}" if isinstance(call, str) and call else f"core:{core}"
        address = EventSocketDialect(self.switch).address_of(published, name)
        sequence = fields.get("Event-Sequence")
        identity = f"{core} {sequence}".encode() if sequence else frame
        return Event(
            id=content_id(identity),
            kind=_kind_of(address.resource, name),
            address=address,
            time=_moment(fields.get("Event-Date-Timestamp")),
            received=at,
            feed=self.feed,
            correlation=str(fields.get("Channel-Call-UUID") or address.resource_id),
            native_type=name,
            native_topic=published,
            data=fields,
        )


def _document(body: bytes, frame: bytes) -> Any:
    try:
        return decode_frame(msgspec.json.decode, body)
    except FrameError as error:
        raise FrameError(error.problem, frame) from None


def _headers(text: bytes, frame: bytes) -> dict[str, str]:
    try:
        lines = text.decode().splitlines()
    except UnicodeDecodeError:
        raise FrameError("headers that are not UTF-8", frame) from None
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _moment(microseconds: Any) -> datetime | None:
    try:
        return EPOCH + timedelta(microseconds=int(microseconds))
    except (TypeError, ValueError, OverflowError):
        return None


@attrs.frozen
class Freeswitch:
    """A feed of one switch."""

    switch: str = attrs.field(validator=attrs.validators.min_len(1), metadata=field_help("the name of the switch"))
    password: Secret = attrs.field(metadata=field_help("password in event_socket.conf.xml"))
    url: str = attrs.field(
        default="tcp://127.0.0.1:8021",
        validator=is_url("tcp", "tls"),
        metadata=field_help("where its event socket listens"),
    )
    format: Literal["json", "plain"] = attrs.field(default="json", metadata=field_help("how events are sent"))

    @property
    def source(self) -> Source:
        return Source(PROVIDER, "switch", self.switch)

    @property
    def dialect(self) -> EventSocketDialect:
        return EventSocketDialect(self.switch)

    def endpoint(self) -> ByteStream:
        # "api" is answered apart from the other commands, so a ping disturbs no subscription.
        return ByteStream(self.url, HeaderBlocks, ping=b"api uptime")

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> EventSocket:
        return EventSocket(feed, self.switch, self.password.reveal(), self.format)


@hookimpl
def jackfield_providers() -> list[ProviderSpec]:
    """Offer the provider ``freeswitch``."""
    summary = "FreeSWITCH: the events of its calls, by the event socket"
    dialects, decoder = (
        lambda switch: {"esl": EventSocketDialect(switch)},
        lambda feed: EventSocket(feed, "unknown", ""),
    )
    return [ProviderSpec(PROVIDER, summary, Freeswitch, dialects, decoder)]
