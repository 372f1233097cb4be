"""The simulated platform's side of a connection: its answers to subscriptions, and the format of events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal
from uuid import UUID
from weakref import finalize

import attrs
import msgspec

from jackfield.plugin.simulator import CloseConnection
from jackfield_voipbin.published import Published
from jackfield_voipbin.topics import matches_documented, matches_prefix

__all__ = ["Client", "Profile", "ScopeCounts"]

Profile = Literal["documented", "wrapped", "head", "2026-10"]


@attrs.define
class ScopeCounts:
    """How often each scope is subscribed to, over all connections of a process: at zero it brings nothing to anybody.

    The platform counts each subscription up, and each unsubscribe down, also from a topic that nobody holds.
    """

    _counts: Counter[str] = attrs.field(factory=Counter)

    def subscribed(self, topic: str) -> None:
        """Count up, which binds the scope where it was not bound."""
        self._counts[_scope(topic)] += 1

    def released(self, topic: str) -> None:
        """Count down, which unbinds the scope at zero."""
        if self._counts[_scope(topic)] > 0:
            self._counts[_scope(topic)] -= 1

    def closed(self, topics: Iterable[str]) -> None:
        """A connection is gone, and its subscriptions with it."""
        for topic in topics:
            self.released(topic)

    def bound(self, topics: Iterable[str]) -> set[str]:
        """The scopes of these topics that are bound."""
        return {scope for topic in topics if self._counts[scope := _scope(topic)] > 0}


@attrs.define(eq=False)
class Client:
    """One connection's subscriptions."""

    profile: Profile
    refusal: Callable[[str], str]
    """Why this client may not subscribe to a topic; empty where it may."""
    ignored: Callable[[str], bool]
    """Whether a topic is taken and brings nothing."""
    scopes: ScopeCounts
    """Of every connection: whose event is worth publishing is decided for all together."""
    patterns: dict[str, None] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        # The host drops a client whose connection is closed.
        finalize(self, self.scopes.closed, self.patterns)

    def received(self, frame: str | bytes) -> Iterable[str | CloseConnection]:
        """An answer as documented; as deployed nothing, or the end of the connection where a topic is not granted."""
        if isinstance(frame, bytes):
            return (CloseConnection(),)  # the platform cuts the connection at a binary frame
        try:
            asked = msgspec.json.decode(frame)
        except msgspec.DecodeError:
            asked = None
        return self._documented(asked) if self.profile == "documented" else self._deployed(asked)

    def _documented(self, asked: Any) -> Iterator[str]:
        if not isinstance(asked, dict) or asked.get("type") not in ("subscribe", "unsubscribe"):
            yield _error("", [], "INVALID_MESSAGE", "The message is neither subscribe nor unsubscribe")
            return
        action, topics = asked["type"], asked.get("topics")
        if not isinstance(topics, list) or not all(isinstance(topic, str) for topic in topics):
            yield _error(action, [], "INVALID_MESSAGE", "topics is not a list of texts")
        elif bad := [topic for topic in topics if not _well_formed(topic)]:
            yield _error(action, bad, "INVALID_TOPIC", "The topic is not <scope>:<scope_id>:<resource>:<id>")
        elif denied := [topic for topic in topics if self.refusal(topic)]:
            yield _error(action, denied, "PERMISSION_DENIED", "You do not have permission to subscribe to this topic")
        else:
            self._apply(action, topics)
            answer = {"type": "ack", "action": action, "topics": topics, "status": "success"}
            yield msgspec.json.encode(answer).decode()

    def _deployed(self, asked: Any) -> Iterator[CloseConnection]:
        topics = asked.get("topics") if isinstance(asked, dict) else None
        if not isinstance(asked, dict) or not isinstance(topics, list):
            return
        if not all(isinstance(topic, str) for topic in topics):
            return
        if any(not _has_uuid(topic) or self.refusal(topic) for topic in topics):
            yield CloseConnection()
        else:
            self._apply(asked.get("type"), topics)

    def _apply(self, action: Any, topics: list[str]) -> None:
        for topic in topics:
            if action == "subscribe":
                self.patterns[topic] = None
                self.scopes.subscribed(topic)
            elif action == "unsubscribe":
                self.patterns.pop(topic, None)
                self.scopes.released(topic)

    def frames_for(self, event: Published) -> Iterable[str]:
        """The event, once as documented; as deployed once for each topic that matches, and each scope that is bound."""
        if not self.patterns:
            return
        heard = [pattern for pattern in self.patterns if not self.ignored(pattern)]
        matches = _matches if self.profile == "documented" else matches_prefix
        topics = [topic for topic in event.topics if any(matches(pattern, topic) for pattern in heard)]
        if not topics:
            return
        if self.profile == "documented":
            yield _encode(
                {"event_type": event.event_type, "timestamp": event.timestamp, "topic": topics[0], "data": event.data}
            )
        elif self.profile == "wrapped":
            for _ in topics:
                yield _encode({"data": event.data, "type": event.event_type})
        else:
            # An event goes out once for each of its scopes that is bound, to whatever it matches.
            frame = _encode(event.data)
            for _ in range(len(self.scopes.bound(event.topics)) * len(topics)):
                yield frame


def _scope(topic: str) -> str:
    return ":".join(topic.split(":", 2)[:2])


def _well_formed(topic: str) -> bool:
    scope, *rest = topic.split(":")
    return scope in ("customer_id", "agent_id") and len(rest) in (1, 2, 3) and all((rest[0], *rest[:-1]))


def _has_uuid(topic: str) -> bool:
    scope, *rest = topic.split(":")
    try:
        return scope in ("customer_id", "agent_id") and bool(rest) and UUID(rest[0]).int != 0
    except ValueError:
        return False


def _matches(pattern: str, topic: str) -> bool:
    """The documented rule, and the forms of fewer segments that the platform reads as prefixes."""
    short = pattern.removesuffix(":")
    if short.count(":") < topic.count(":") and topic.startswith(f"{short}:"):
        return True
    return matches_documented(pattern, topic)


def _encode(frame: dict[str, Any]) -> str:
    return msgspec.json.encode(frame).decode()


def _error(action: str, topics: list[str], code: str, message: str) -> str:
    return _encode({"type": "error", "action": action, "topics": topics, "code": code, "message": message})
