"""Asterisk for Jackfield: the events of one Stasis application, by the ARI's websocket.

An application subscribes in the URL or by REST (``POST /ari/applications/{app}/subscription``), never by a frame. So
there is one topic, which is active as soon as the connection is open.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import attrs
import msgspec

from jackfield.addresses import AddressPattern, Source
from jackfield.errors import FrameError
from jackfield.events import Event, content_id
from jackfield.kinds import unmapped_kind
from jackfield.plugin.frames import decode_frame, iso_moment
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help, is_url
from jackfield.plugin.protocol import Action, Disconnect, Emit, FeedProtocol, Ignore
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.secrets import Secret
from jackfield.plugin.single_topic import ReadOnly, SingleTopic
from jackfield.plugin.transport import Endpoint

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


def dialect(app: str) -> SingleTopic:
    """One topic for all events; one is published under its resource, such as ``channel:1700000000.1``."""
    return SingleTopic(Source(PROVIDER, "app", app), _kinds_of, TOPIC, (*RESOURCES, TOPIC))


def _kinds_of(pattern: AddressPattern) -> frozenset[str]:
    resources = [pattern.resource] if pattern.resource else [*RESOURCES, TOPIC]
    names = {each: [pattern.event] if pattern.event else [*KINDS.get(each, ()), "any other"] for each in resources}
    return frozenset(kind for each in resources for name in names[each] for kind in _kinds(each, name))


@attrs.frozen
class Reader:
    """Reads events, until another websocket takes over the application."""

    feed: str
    app: str

    def read(self, frame: bytes, at: datetime) -> Iterable[Action]:
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
            address=dialect(self.app).address_of(f"{resource}:{identity}", name),
            time=iso_moment(document.get("timestamp")),
            received=at,
            feed=self.feed,
            correlation=dict(_subjects(document)).get("channel"),
            native_type=name,
            data=document,
            data_json=frame,
        )


def _subjects(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The resources that an event is about, the main one first, with their ids."""
    for resource, keys in RESOURCES.items():
        subject = document.get(resource)
        names = [subject.get(key) for key in keys] if isinstance(subject, dict) else [None]
        if all(isinstance(each, str) and each for each in names):
            yield resource, "/".join(map(str, names))


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
    def dialect(self) -> SingleTopic:
        return dialect(self.app)

    def endpoint(self) -> Endpoint:
        key = f"{self.username}:{self.password.reveal()}"
        return Endpoint(f"{self.url}?{urlencode({'app': self.app, 'api_key': key, 'subscribeAll': 'true'})}")

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> ReadOnly:
        return ReadOnly(Reader(feed, self.app).read)


@hookimpl
def jackfield_providers() -> list[ProviderSpec]:
    """Offer the provider ``asterisk``."""
    summary = "Asterisk: the events of a Stasis application, by the ARI"
    dialects, decoder = lambda app: {"ari": dialect(app)}, lambda feed: ReadOnly(Reader(feed, "unknown").read)
    return [ProviderSpec(PROVIDER, summary, Asterisk, dialects, decoder)]
