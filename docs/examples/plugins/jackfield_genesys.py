"""Genesys Cloud for Jackfield: the notification service, whose topics are subscribed to by REST.

A channel is made by REST (``POST /api/v2/notifications/channels``); its answer names the websocket, on which only
events come. Topics are added by REST too. They have no wildcards: each user and each queue has topics of its own, so
the feed follows the roster of users by REST, and has its topics planned anew when that changes. A channel lives for 24
hours: before that a new connection with a channel of its own takes over.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import attrs
import msgspec

from jackfield.addresses import Address, AddressPattern, Source
from jackfield.errors import FrameError, NoTopicError, RestError
from jackfield.events import Event, content_id
from jackfield.kinds import unmapped_kind
from jackfield.plugin.frames import decode_frame, iso_moment
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.http import HTTPFlow, Response
from jackfield.plugin.http import Request as HTTPRequest
from jackfield.plugin.options import field_help, ge, is_url
from jackfield.plugin.protocol import (
    Action,
    Emit,
    FeedProtocol,
    Ignore,
    Renew,
    Replan,
    Request,
    Subscribed,
    SubscriptionRefused,
)
from jackfield.plugin.provider import Provider, ProviderSpec
from jackfield.plugin.secrets import Secret
from jackfield.plugin.transport import Endpoint
from jackfield.selectors import Selector

jackfield_api = 1
PROVIDER = "genesys"
MOST_TOPICS = 1000  # of a channel

# The last words of a topic, after v2.users.ID or v2.routing.queues.ID; the resource that events under it are about.
WORDS = {"user": ("presence", "routingStatus", "conversations.calls"), "queue": ("conversations.calls",)}
PREFIX = {"user": "v2.users.", "queue": "v2.routing.queues."}
PRESENCES = {"AVAILABLE": "agent.logged_on", "OFFLINE": "agent.logged_off"}
STATUSES = {"IDLE": "agent.ready", "NOT_RESPONDING": "agent.not_ready", "OFF_QUEUE": "agent.not_ready"}
STATUSES |= {"INTERACTING": "agent.busy", "COMMUNICATING": "agent.busy"}
KINDS = {
    "presence": frozenset({*PRESENCES.values(), "agent.updated"}),
    "routingStatus": frozenset({*STATUSES.values(), "agent.updated"}),
    "conversations.calls": frozenset({"call.updated"}),
}


class Named(NamedTuple):
    """What a topic's text says."""

    resource: str
    identity: str
    word: str


def _read_topic(topic: str) -> Named:
    for resource, prefix in PREFIX.items():
        if topic.startswith(prefix):
            identity, _, word = topic.removeprefix(prefix).partition(".")
            if identity and word:
                return Named(resource, identity, word)
    raise ValueError(f"{topic!r} is not a topic of users or queues, such as 'v2.users.ID.presence'")


@attrs.define(eq=False)
class Roster:
    """Who there is; it changes while the gateway runs, and all connections of a feed share it."""

    users: frozenset[str] = frozenset()
    queues: frozenset[str] = frozenset()

    def ids(self, resource: str) -> frozenset[str]:
        return self.users if resource == "user" else self.queues


@attrs.frozen
class GenesysDialect:
    """A topic is one user's or one queue's; `topics_of` names those of the roster."""

    organization: str
    roster: Roster = attrs.field(factory=Roster, eq=False)

    def topics_of(self, selector: Selector) -> tuple[str, ...]:
        mine = AddressPattern(PROVIDER, "organization", self.organization).intersection(selector.address)
        return tuple(self._topics(mine, selector)) if mine is not None else ()

    def _topics(self, mine: AddressPattern, selector: Selector) -> Iterator[str]:
        for resource, words in WORDS.items():
            if mine.resource not in (None, resource):
                continue
            known = self.roster.ids(resource)
            ids = known if mine.resource_id is None else {mine.resource_id}
            for word in words:
                if mine.event not in (None, word) or not any(map(selector.kind.matches, KINDS[word])):
                    continue
                yield from (f"{PREFIX[resource]}{each}.{word}" for each in sorted(ids) if _is_id(each))

    def pattern_of(self, topic: str) -> AddressPattern:
        return AddressPattern(PROVIDER, "organization", self.organization, *_read_topic(topic))

    def covers(self, topic: str, other: str) -> bool:
        return topic == other

    def matches(self, topic: str, published: str) -> bool:
        return topic == published

    def describe(self, topic: str) -> tuple[AddressPattern, str]:
        return self.pattern_of(topic), ""

    def address_of(self, topic: str, event: str) -> Address:
        return Address.of(PROVIDER, "organization", self.organization, *_read_topic(topic)[:2], event)

    def native_of(self, address: Address) -> tuple[str, str]:
        known = address.event in WORDS.get(address.resource, ()) and _is_id(address.resource_id)
        if address.source != (PROVIDER, "organization", self.organization) or not known:
            raise NoTopicError(f"the organization {self.organization!r} has no notifications for {address}")
        return f"{PREFIX[address.resource]}{address.resource_id}.{address.event}", address.event

    def kinds_of(self, pattern: AddressPattern) -> frozenset[str]:
        found: set[str] = set()
        for resource in [pattern.resource] if pattern.resource else list(WORDS):
            for word in [pattern.event] if pattern.event else WORDS.get(resource, ()):
                found |= KINDS[word] if word in WORDS.get(resource, ()) else {unmapped_kind(resource)}
        return frozenset(found)


def _is_id(text: str) -> bool:
    """Whether a topic can hold it; mostly it is a UUID."""
    return bool(text) and "." not in text


@attrs.frozen
class Rest:
    """Requests to the platform's API, with a token."""

    api: str
    token: str = attrs.field(repr=False)
    ca_file: str | None = None

    def request(self, method: str, path: str, body: Any = None) -> HTTPRequest:
        headers = (("Authorization", f"Bearer {self.token}"), ("Content-Type", "application/json"))
        data = b"" if body is None else json.dumps(body).encode()
        return HTTPRequest(method, f"{self.api}{path}", headers, data, self.ca_file)

    def users(self) -> HTTPFlow[frozenset[str]]:
        found: set[str] = set()
        for page in range(1, 100):
            answer = _checked((yield self.request("GET", f"/api/v2/users?pageSize=100&pageNumber={page}")), "users")
            entities = answer.get("entities", [])
            found |= {each["id"] for each in entities if isinstance(each, dict) and isinstance(each.get("id"), str)}
            if len(entities) < 100:
                break
        return frozenset(found)


def _checked(answer: Response, what: str) -> dict[str, Any]:
    """The JSON object of an answer; `RestError` says what was not to be had."""
    if not 200 <= answer.status < 300:
        failed = answer.status in (401, 403)
        reason = f"Genesys Cloud answered HTTP {answer.status} for {what}"
        raise RestError(reason, status=answer.status, auth_failed=failed, retry_after=answer.retry_after)
    document = answer.json()
    if not isinstance(document, dict):
        raise RestError(f"Genesys Cloud's answer for {what} is not a JSON object", status=answer.status)
    return document


@attrs.define
class Notifications:
    """One connection: events by websocket, topics by REST, the roster by REST."""

    feed: str
    organization: str
    channel: str
    rest: Rest
    roster: Roster = attrs.field(factory=Roster)
    roster_seconds: float = 60.0
    channel_seconds: float = 86_000.0
    _asked: list[str] = attrs.field(factory=list)
    """Topics to be added by the next request: one request carries many."""
    _wanted: set[str] = attrs.field(factory=set)
    """Topics that the channel is to have: those that are asked for too, and none that was refused."""
    _adding: bool = False
    _age: float = 0.0
    _since_roster: float = 0.0
    _reading: bool = False
    _renewing: bool = False

    def opened(self) -> Iterable[Action]:
        return (Replan("the login has read the users"),)

    def subscribe(self, topic: str) -> Iterator[Action]:
        if len(self._wanted) >= MOST_TOPICS:
            yield SubscriptionRefused(topic, f"a channel has at most {MOST_TOPICS} topics")
            return
        self._wanted.add(topic)
        self._asked.append(topic)
        if not self._adding:  # topics that are wanted meanwhile go with the next request
            self._adding = True
            yield Request(self._add, "to add topics to the channel", brings_events=False)

    def unsubscribe(self, topic: str) -> Iterator[Action]:
        self._wanted.discard(topic)
        yield Request(self._replace, "to remove topics from the channel", brings_events=False)

    def received(self, frame: bytes, at: datetime) -> Iterable[Action]:
        document = decode_frame(msgspec.json.decode, frame)
        topic = document.get("topicName") if isinstance(document, dict) else None
        if not isinstance(topic, str):
            raise FrameError("not a notification: there is no topicName", frame)
        if topic in ("channel.metadata", "v2.system.socket_closing"):
            closing = topic == "v2.system.socket_closing"
            return (Ignore(topic), *self._renew("the server closes this connection soon", when=closing))
        try:
            return (Emit(self._event(topic, document, frame, at)),)
        except ValueError as error:
            raise FrameError(str(error), frame) from None

    def tick(self, at: datetime, passed: float) -> Iterator[Action]:
        self._age += passed
        self._since_roster += passed
        yield from self._renew("the channel expires soon", when=self._age >= self.channel_seconds)
        if self._since_roster >= self.roster_seconds and not self._reading:
            self._since_roster, self._reading = 0.0, True
            yield Request(self._read_roster, "to read the users", brings_events=False)

    def closed(self, code: int | None, at: datetime) -> None:
        """Nothing to keep: the roster is shared, and a channel is made for each connection."""

    def _renew(self, reason: str, *, when: bool) -> Iterator[Action]:
        if when and not self._renewing:
            self._renewing = True
            yield Renew(reason)

    # -- by REST -----------------------------------------------------------------------------------

    def _add(self) -> HTTPFlow[Iterable[Action]]:
        done: list[Action] = []
        while self._asked:
            asked = self._asked.copy()
            topics = sorted(self._wanted.intersection(asked))
            answer = (yield self._change("POST", topics)) if topics else Response(200)
            del self._asked[: len(asked)]
            given_up = not self._wanted.issuperset(topics)  # while the request was on its way
            if answer.status in (400, 403, 404) and len(topics) > 1:
                for each in topics:  # one of them is to blame
                    one = yield self._change("POST", [each])
                    done.append(self._outcome(each, one))
            else:
                done += [self._outcome(each, answer) for each in topics]
            if given_up:
                yield from self._replace()
        self._adding = False
        return done

    def _outcome(self, topic: str, answer: Response) -> Action:
        if 200 <= answer.status < 300:
            return Subscribed(topic)
        self._wanted.discard(topic)
        return SubscriptionRefused(topic, f"Genesys Cloud answered HTTP {answer.status}")

    def _replace(self) -> HTTPFlow[Iterable[Action]]:
        """Leave the channel with what is wanted; not with what it has, for more may be on its way."""
        _checked((yield self._change("PUT", sorted(self._wanted))), "topics")
        return ()

    def _change(self, method: str, topics: list[str]) -> HTTPRequest:
        path = f"/api/v2/notifications/channels/{quote(self.channel)}/subscriptions"
        return self.rest.request(method, path, [{"id": each} for each in topics])

    def _read_roster(self) -> HTTPFlow[Iterable[Action]]:
        try:
            users = yield from self.rest.users()
        finally:
            self._reading = False
        if users == self.roster.users:
            return ()
        self.roster.users = users
        return (Replan("the users have changed"),)

    # -- events ------------------------------------------------------------------------------------

    def _event(self, topic: str, document: dict[str, Any], frame: bytes, at: datetime) -> Event:
        named = _read_topic(topic)
        body = document.get("eventBody")
        body = body if isinstance(body, dict) else {}
        routing = body.get("routingStatus")
        metadata = document.get("metadata")
        correlation = metadata.get("CorrelationId") if isinstance(metadata, dict) else None
        return Event(
            id=content_id(topic.encode(), str(correlation).encode(), json.dumps(body, sort_keys=True).encode()),
            kind=_kind(named, body),
            address=GenesysDialect(self.organization).address_of(topic, named.word),
            time=iso_moment(body.get("modifiedDate") or (isinstance(routing, dict) and routing.get("startTime"))),
            received=at,
            feed=self.feed,
            correlation=str(body["id"]) if "calls" in named.word and body.get("id") else named.identity,
            native_type=named.word,
            native_topic=topic,
            data=document,
            data_json=frame,
        )


def _kind(named: Named, body: dict[str, Any]) -> str:
    match named.word:
        case "presence":
            definition = body.get("presenceDefinition")
            presence = definition.get("systemPresence") if isinstance(definition, dict) else None
            return PRESENCES.get(str(presence).upper(), "agent.updated")
        case "routingStatus":
            routing = body.get("routingStatus")
            status = routing.get("status") if isinstance(routing, dict) else None
            return STATUSES.get(str(status).upper(), "agent.updated")
        case "conversations.calls":
            return "call.updated"
    return unmapped_kind(named.resource)


@attrs.frozen
class Genesys:
    """A feed of one organization."""

    organization: str = attrs.field(
        validator=attrs.validators.min_len(1), metadata=field_help("the organization's id or short name")
    )
    client_id: str = attrs.field(metadata=field_help("an OAuth client with the grant client_credentials"))
    client_secret: Secret = attrs.field(metadata=field_help("that client's secret"))
    api: str = attrs.field(
        default="https://api.mypurecloud.com",
        validator=is_url("http", "https"),
        metadata=field_help("the region's API"),
    )
    login: str = attrs.field(
        default="https://login.mypurecloud.com",
        validator=is_url("http", "https"),
        metadata=field_help("the region's login"),
    )
    queues: tuple[str, ...] = attrs.field(
        default=(), converter=tuple, metadata=field_help("ids of the queues whose calls are wanted")
    )
    channel_seconds: float = attrs.field(
        default=86_000.0, validator=ge(1), metadata=field_help("age at which a channel, which lives a day, is renewed")
    )
    roster_seconds: float = attrs.field(
        default=60.0, validator=ge(1), metadata=field_help("seconds between two requests for the list of users")
    )
    ca_file: str | None = attrs.field(default=None, metadata=field_help("a PEM file of the authorities to trust"))

    @property
    def source(self) -> Source:
        return Source(PROVIDER, "organization", self.organization)

    @property
    def dialect(self) -> GenesysDialect:
        return GenesysDialect(self.organization, Roster(queues=frozenset(self.queues)))

    @property
    def display_url(self) -> str:
        return self.api

    def endpoint(self) -> Endpoint:
        # Where channels are served; which one is ours, only a login says.
        parts = urlsplit(self.api)
        return Endpoint(f"wss://streaming.{(parts.hostname or '').removeprefix('api.')}", ca_file=self.ca_file)

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> Notifications:
        return Notifications(feed, self.organization, "", Rest(self.api, ""))

    def authenticate(self, before: Provider | None = None) -> HTTPFlow[Provider]:
        """Make a channel, with the last login's token where that is still good."""
        kept = before if isinstance(before, LoggedIn) else None
        token = kept.token if kept is not None else None
        roster = kept.roster if kept is not None else Roster(queues=frozenset(self.queues))
        channels = "/api/v2/notifications/channels"
        answer = None
        if token is not None:
            answer = yield Rest(self.api, token.reveal(), self.ca_file).request("POST", channels, {})
        if token is None or answer is None or answer.status == 401:
            token = yield from self._new_token()
            answer = yield Rest(self.api, token.reveal(), self.ca_file).request("POST", channels, {})
        channel = _checked(answer, "a channel")
        identity, url = channel.get("id"), channel.get("connectUri")
        if not isinstance(identity, str) or not isinstance(url, str):
            raise RestError("Genesys Cloud's answer for a channel has no id and connectUri")
        roster.users = yield from Rest(self.api, token.reveal(), self.ca_file).users()
        return LoggedIn(self, token, identity, url, roster)

    def _new_token(self) -> HTTPFlow[Secret]:
        basic = b64encode(f"{self.client_id}:{self.client_secret.reveal()}".encode()).decode()
        headers = (("Authorization", f"Basic {basic}"), ("Content-Type", "application/x-www-form-urlencoded"))
        body = b"grant_type=client_credentials"
        answer = yield HTTPRequest("POST", f"{self.login}/oauth/token", headers, body, self.ca_file)
        token = _checked(answer, "a token").get("access_token")
        if not isinstance(token, str) or not token:
            raise RestError("Genesys Cloud's answer for a token has no access_token", auth_failed=True)
        return Secret("text", token)


@attrs.frozen
class LoggedIn:
    """The feed with what its login has brought; the next login keeps the token and the roster."""

    options: Genesys
    token: Secret
    channel: str
    url: str
    roster: Roster

    @property
    def source(self) -> Source:
        return self.options.source

    @property
    def dialect(self) -> GenesysDialect:
        return GenesysDialect(self.options.organization, self.roster)

    def endpoint(self) -> Endpoint:
        return Endpoint(self.url, ca_file=self.options.ca_file)

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> Notifications:
        options = self.options
        rest = Rest(options.api, self.token.reveal(), options.ca_file)
        seconds = options.roster_seconds, options.channel_seconds
        return Notifications(feed, options.organization, self.channel, rest, self.roster, *seconds)


@hookimpl
def jackfield_providers() -> list[ProviderSpec]:
    """Offer the provider ``genesys``."""
    return [
        ProviderSpec(
            PROVIDER,
            "Genesys Cloud: presence, routing status and calls, by the notification service",
            Genesys,
            dialects=lambda organization: {"notifications": GenesysDialect(organization)},
            decoder=lambda feed: Notifications(feed, "unknown", "", Rest("", "")),
        )
    ]
