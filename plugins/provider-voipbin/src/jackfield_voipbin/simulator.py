"""VoIPBIN's websocket as its documentation describes it, with a small contact centre behind it.

Token in the URL, subscribe and unsubscribe with wildcards, an acknowledgement or an error for each,
envelopes with dotted names, and transcripts as the quick start shows them. What the server says of
a day is in `jackfield_voipbin.story`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import msgspec

from jackfield.options import about
from jackfield.simulators import HangUp, Refusal
from jackfield_voipbin.story import Published, tell
from jackfield_voipbin.topics import matches_documented

__all__ = ["VoipbinSimulator"]

PATH = "/v1.0/ws"
# The documentation's own example of a customer.
CUSTOMER = "550e8400-e29b-41d4-a716-446655440000"
PING_SECONDS = 10.0


@attrs.frozen
class VoipbinSimulator:
    """The server; its fields are the flags of ``jackfield simulate voipbin``."""

    token: str = attrs.field(repr=False, metadata=about("the token that clients must give"))
    rate: float = attrs.field(default=10.0, validator=attrs.validators.gt(0), metadata=about("events in a second"))
    seed: int = attrs.field(default=1, metadata=about("which day it is: the same seed gives the same events"))
    customer_id: str = attrs.field(default=CUSTOMER, metadata=about("the customer whose events these are"))

    @property
    def ping_every(self) -> float:
        """As the platform does."""
        return PING_SECONDS

    def url(self, authority: str) -> str:
        """Where clients connect."""
        return f"ws://{authority}{PATH}"

    def feed(self, url: str) -> dict[str, Any]:
        """A feed that connects to this server."""
        return {"provider": "voipbin", "url": url, "token": self.token, "customer_id": self.customer_id}

    def admit(self, target: str, headers: Mapping[str, str]) -> Refusal | None:
        """404 off the path, 401 without the token, both in the platform's envelope."""
        parts = urlsplit(target)
        if parts.path != PATH:
            return _refusal(404, "NOT_FOUND", "ROUTE_NOT_FOUND", "The requested route does not exist.")
        given = parse_qs(parts.query).get("token", [""])[0] or headers.get("authorization", "").removeprefix("Bearer ")
        if not given:
            return _refusal(401, "UNAUTHENTICATED", "AUTHENTICATION_REQUIRED", "Authentication is required.")
        if given != self.token:
            return _refusal(401, "UNAUTHENTICATED", "INVALID_CREDENTIALS", "The provided credentials are invalid.")
        return None

    def client(self) -> _Client:
        """A connection without subscriptions."""
        return _Client(self.customer_id)

    def events(self, now: Callable[[], datetime]) -> Iterator[Published]:
        """The day in VoIPBIN's words."""
        return tell(self.seed, self.customer_id, now)


@attrs.define
class _Client:
    _customer_id: str
    _patterns: dict[str, None] = attrs.field(factory=dict)

    def received(self, frame: str | bytes) -> Iterable[str | HangUp]:
        if isinstance(frame, bytes):
            return (HangUp(),)  # the platform cuts the line at a binary frame
        try:
            asked = msgspec.json.decode(frame)
        except msgspec.DecodeError:
            asked = None
        if not isinstance(asked, dict) or asked.get("type") not in ("subscribe", "unsubscribe"):
            return (_error("", [], "INVALID_MESSAGE", "The message is no subscribe or unsubscribe"),)
        action, topics = asked["type"], asked.get("topics")
        if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics):
            return (_error(action, [], "INVALID_MESSAGE", "topics is no list of texts"),)
        if bad := [topic for topic in topics if not _well_formed(topic)]:
            return (_error(action, bad, "INVALID_TOPIC", "The topic is not <scope>:<scope_id>:<resource>:<id>"),)
        if denied := [topic for topic in topics if not self._permitted(topic)]:
            message = "You do not have permission to subscribe to this topic"
            return (_error(action, denied, "PERMISSION_DENIED", message),)
        for topic in topics:
            if action == "subscribe":
                self._patterns[topic] = None
            else:
                self._patterns.pop(topic, None)
        answer = {"type": "ack", "action": action, "topics": topics, "status": "success"}
        return (msgspec.json.encode(answer).decode(),)

    def frames_for(self, event: Published) -> Iterable[str]:
        for topic in event.topics:
            if any(_matches(pattern, topic) for pattern in self._patterns):
                envelope = {
                    "event_type": event.event_type,
                    "timestamp": event.timestamp,
                    "topic": topic,
                    "data": event.data,
                }
                yield msgspec.json.encode(envelope).decode()
                return

    def _permitted(self, topic: str) -> bool:
        scope, scope_id, *_ = topic.split(":")
        return scope == "agent_id" or scope_id == self._customer_id


def _well_formed(topic: str) -> bool:
    scope, *rest = topic.split(":")
    return scope in ("customer_id", "agent_id") and len(rest) in (1, 2, 3) and all((rest[0], *rest[:-1]))


def _matches(pattern: str, topic: str) -> bool:
    """The documented rule, and the forms of fewer segments that the platform takes as prefixes."""
    short = pattern.removesuffix(":")
    if short.count(":") < topic.count(":") and topic.startswith(f"{short}:"):
        return True
    return matches_documented(pattern, topic)


def _error(action: str, topics: list[str], code: str, message: str) -> str:
    answer = {"type": "error", "action": action, "topics": topics, "code": code, "message": message}
    return msgspec.json.encode(answer).decode()


def _refusal(status: int, name: str, reason: str, message: str) -> Refusal:
    # Keys in alphabetical order, as Go's encoder writes a map.
    error = {"message": message, "reason": reason, "request_id": "req_simulated", "status": name}
    return Refusal(status, msgspec.json.encode({"error": error}))
