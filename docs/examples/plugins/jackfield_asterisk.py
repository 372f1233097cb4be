"""Asterisk for Jackfield: the events of one Stasis application, by the ARI's websocket.

An application subscribes in the URL or by REST (``POST /ari/applications/{app}/subscription``), never by a frame. So
there is one topic, which is active as soon as the connection is open.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import attrs
import msgspec

from jackfield.addresses import Address, AddressPattern, Source
from jackfield.errors import FrameError, NoTopicError
from jackfield.events import Event, content_id
from jackfield.kinds import unmapped_kind
from jackfield.plugin.frames import decode_frame
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help, is_url
from jackfield.plugin.protocol import Action, Disconnect, Emit, FeedProtocol, Ignore, Subscribed
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.secrets import Secret
from jackfield.plugin.transport import Endpoint
from jackfield.selectors import Selector

jackfield_api = 1
PROVIDER = "asterisk"
TOPIC = "application"

# An event's resource: the key of its object in the document, and the fields that identify the object.
RESOURCES = {
    **dict.fromkeys(("bridge", "channel", "playback"), ("id",)),
    **dict.fromkeys(("recording", "device_state"), ("name",)),
    "endpoint": ("technology", "resource"),
}
STATES = {"Down": "call.initiated", "Ring": "call.alerting", "Ringing": "call.alerting", "Up": "call.connected"}
# By the ARI's event name; a set if the channel's state decides.
KINDS: dict[str, dict[str, str | frozenset[str]]] = {
    "channel": {
        "ChannelCreated": "call.initiated",
        "ChannelStateChange": frozenset({*STATES.values(), "call.updated"}),
        "ChannelHangupRequest": "call.clearing",
        "ChannelDestroyed": "call.cleared",
        **dict.fromkeys(("StasisStart", "StasisEnd", "ChannelDtmfReceived"), "call.updated"),
    },
    "bridge": {
        "BridgeCreated": "conference.started",
        "BridgeDestroyed": "conference.ended",
        "ChannelEnteredBridge": "conference.participant_joined",
        "ChannelLeftBridge": "conference.participant_left",
    },
}


def _kinds(resource: str, name: str) -> frozenset[str]:
    kinds = KINDS.get(resource, {}).get(name, unmapped_kind(resource))
    return frozenset({kinds}) if isinstance(kinds, str) else kinds


@attrs.frozen
class AriDialect:
    """One topic for all events; an event is published under its resource, such as ``channel:1700000000.1``."""

    app: str

    def topics_of(self, selector: Selector) -> tuple[str, ...]:
        kind, address = selector
        mine = AddressPattern(PROVIDER, "app", self.app).intersection(address)
        return (TOPIC,) if mine and any(map(kind.matches, self.kinds_of(mine))) else ()

    def pattern_of(self, topic: str) -> AddressPattern:
        if topic != TOPIC:
            raise ValueError(f"{topic!r} is not a topic of Asterisk's; the only one is {TOPIC!r}")
        return AddressPattern(PROVIDER, "app", self.app)

    def covers(self, topic: str, other: str) -> bool:
        return topic == other == TOPIC

    def matches(self, topic: str, published: str) -> bool:
        return topic == TOPIC

    def describe(self, topic: str) -> tuple[AddressPattern, str]:
        return self.pattern_of(topic), ""

    def address_of(self, topic: str, event: str) -> Address:
        resource, _, identity = topic.partition(":")
        return Address.of(PROVIDER, "app", self.app, resource, identity, event)

    def native_of(self, address: Address) -> tuple[str, str]:
        if address.source != (PROVIDER, "app", self.app) or address.resource not in (*RESOURCES, TOPIC):
            raise NoTopicError(f"the application {self.app!r} has no events at {address}")
        return f"{address.resource}:{address.resource_id}", address.event

    def kinds_of(self, pattern: AddressPattern) -> frozenset[str]:
        resources = [pattern.resource] if pattern.resource else [*RESOURCES, TOPIC]
        names = {each: [pattern.event] if pattern.event else [*KINDS.get(each, ()), "any other"] for each in resources}
        return frozenset(kind for each in resources for name in names[each] for kind in _kinds(each, name))


@attrs.frozen
class AriProtocol:
    """One connection: events only, until another websocket takes over the application."""

    feed: str
    app: str

    def opened(self) -> Iterable[Action]:
        return ()

    def subscribe(self, topic: str) -> Iterable[Action]:
        return (Subscribed(topic),)

    def unsubscribe(self, topic: str) -> Iterable[Action]:
        return ()

    def received(self, frame: bytes, at: datetime) -> Iterable[Action]:
        document = decode_frame(msgspec.json.decode, frame)
        if not isinstance(document, dict) or not isinstance(name := document.get("type"), str) or not name:
            raise FrameError("not a JSON object with a type", frame)
        if name == "ApplicationReplaced":
            return (Disconnect("another websocket has taken over the application", auth_failed=True), Ignore(name))
        return (Emit(self._event(document, name, frame, at)),)

    def _event(self, document: dict[str, Any], name: str, frame: bytes, at: datetime) -> Event:
        resource, identity = next(_subjects(document), (TOPIC, self.app))
        kinds = _kinds(resource, name)
        state = document["channel"].get("state") if len(kinds) > 1 else None
        kind = STATES.get(str(state), "call.updated") if len(kinds) > 1 else next(iter(kinds))
        return Event(
            id=content_id(frame),
            kind=kind,
            address=AriDialect(self.app).address_of(f"{resource}:{identity}", name),
            time=_moment(document.get("timestamp")),
            received=at,
            feed=self.feed,
            correlation=dict(_subjects(document)).get("channel"),
            native_type=name,
            data=document,
            data_json=frame,
        )

    def tick(self, at: datetime, passed: float) -> Iterable[Action]:
        return ()

    def closed(self, code: int | None, at: datetime) -> None:
        """Nothing to keep for the next connection."""


def _subjects(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The resources that an event is about, the main one first, with their ids."""
    for resource, keys in RESOURCES.items():
        subject = document.get(resource)
        names = [subject.get(key) for key in keys] if isinstance(subject, dict) else [None]
        if all(isinstance(each, str) and each for each in names):
            yield resource, "/".join(map(str, names))


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


@attrs.frozen
class Asterisk:
    """A feed of one Stasis application."""

    app: str = attrs.field(validator=attrs.validators.min_len(1), metadata=field_help("the Stasis application's name"))
    username: str = attrs.field(metadata=field_help("a user of ari.conf"))
    password: Secret = attrs.field(metadata=field_help("that user's password"))
    url: str = attrs.field(
        default="ws://localhost:8088/ari/events", validator=is_url("ws", "wss"), metadata=field_help("the events' URL")
    )

    @property
    def source(self) -> Source:
        return Source(PROVIDER, "app", self.app)

    @property
    def dialect(self) -> AriDialect:
        return AriDialect(self.app)

    def endpoint(self) -> Endpoint:
        key = f"{self.username}:{self.password.reveal()}"
        return Endpoint(f"{self.url}?{urlencode({'app': self.app, 'api_key': key, 'subscribeAll': 'true'})}")

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> AriProtocol:
        return AriProtocol(feed, self.app)


@hookimpl
def jackfield_providers() -> list[ProviderSpec]:
    """Offer the provider ``asterisk``."""
    summary = "Asterisk: the events of a Stasis application, by the ARI"
    dialects, decoder = lambda app: {"ari": AriDialect(app)}, lambda feed: AriProtocol(feed, "unknown")
    return [ProviderSpec(PROVIDER, summary, Asterisk, dialects, decoder)]
