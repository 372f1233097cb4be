"""One connection to VoIPBIN, without I/O: topics asked for, messages read in every format, what is missing looked for.

The documentation promises an acknowledgement of each subscription and the platform has never sent
one, so a topic counts as confirmed as soon as it is asked for, and an ``error`` takes that back. What it means that
the line is cut instead says `jackfield_voipbin.subscribing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import attrs

from jackfield.addresses import AddressPattern
from jackfield.errors import RestError
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.protocol import Action, Backfill, Emit, Ignore, SubscriptionRefused
from jackfield.plugin.provider import Dialect
from jackfield_voipbin.backfill import Look
from jackfield_voipbin.bare import nearest, resource_of
from jackfield_voipbin.dialects import AutoDialect, spellings
from jackfield_voipbin.event_names import event_name
from jackfield_voipbin.frame_format import FrameFormat, Message, format_of, message_of
from jackfield_voipbin.listing import LISTS
from jackfield_voipbin.memory import Memory
from jackfield_voipbin.naming import Namer
from jackfield_voipbin.owners import resolve_address
from jackfield_voipbin.rest import Rest
from jackfield_voipbin.subscribing import Subscribing
from jackfield_voipbin.translate import UNKNOWN_ID, translate
from jackfield_voipbin.wire import ERROR_CODES, Frame, read_frame

__all__ = ["VoipbinProtocol"]


MOST_SHAPES = 100


@attrs.define
class VoipbinProtocol:
    """A `jackfield.plugin.protocol.FeedProtocol` that can look by REST for what it has missed.

    With a feed and a customer alone it can read, and subscribe in documented topics.
    """

    feed: str
    customer_id: str = UNKNOWN_ID
    _dialect: Dialect = attrs.field(default=attrs.Factory(lambda self: AutoDialect(self.customer_id), takes_self=True))
    _rest: Rest | None = None
    _reconcile_seconds: float = 0.0
    _memory: Memory = attrs.field(factory=Memory)
    _namer: Namer = attrs.field(factory=Namer)
    _last_read: tuple[FrameFormat, str, Any] | None = None
    """The last frame's format, the vendor's name of its event, and its payload."""
    _shapes: set[frozenset[str]] = attrs.field(factory=set)
    """The unknown shapes that were reported."""
    _reports: list[Action] = attrs.field(factory=list)
    _subscribing: Subscribing = attrs.field(init=False)
    _patterns: dict[str, AddressPattern] = attrs.field(factory=dict)
    """What each topic that is asked for means."""
    _since_look: float = 0.0
    """Since the last look."""
    _may_look: bool = True

    def __attrs_post_init__(self) -> None:
        self._subscribing = Subscribing(self._spellings, self._refusal)

    def take_over(self, before: VoipbinProtocol) -> None:
        """Go on with what the feed's last connection has learned."""
        self._memory = before._memory
        self._memory.came = set()
        self._namer = before._namer
        self._shapes = before._shapes
        self._subscribing.suspicion = before._subscribing.suspicion

    def _spellings(self, topic: str) -> tuple[str, ...]:
        return spellings(topic) if isinstance(self._dialect, AutoDialect) else (topic,)

    def _refusal(self, text: str) -> str:
        return self._rest.credential.refusal(text) if self._rest is not None else ""

    def opened(self) -> Iterable[Action]:
        """Nothing: the token is in the URL."""
        return ()

    def subscribe(self, topic: str) -> Iterable[Action]:
        """Ask, and count it as granted; not at all for what the platform would cut the line for."""
        self._patterns[topic] = self._dialect.describe(topic)[0]
        return self._followed(self._subscribing.subscribe(topic))

    def _followed(self, actions: Iterable[Action]) -> list[Action]:
        followed = list(actions)
        for action in followed:
            if isinstance(action, SubscriptionRefused):
                self._patterns.pop(action.topic, None)
        return followed

    def unsubscribe(self, topic: str) -> Iterable[Action]:
        """Give back exactly what was subscribed to."""
        self._patterns.pop(topic, None)
        return tuple(self._subscribing.unsubscribe(topic))

    def received(self, frame: bytes, at: datetime) -> Iterable[Action]:
        """An event for every JSON object but an answer; `FrameError` for anything else."""
        read = read_frame(frame)
        format_ = format_of(read, frame)
        if format_ is FrameFormat.ANSWER:
            return self._followed(self._answered(read))
        message = message_of(read, format_, frame)
        self._last_read = (format_, message.name, message.data)
        if format_ is not FrameFormat.BARE:
            self._namer.named(event_name(message.name), message.data)
            return (self._emit(message, frame, at),)
        names = self._namer.names(message.data)
        if not names:
            self._unknown(message.data)
            return (self._emit(message, frame, at, ""),)
        return tuple([self._emit(message, frame, at, name) for name in names])

    def _unknown(self, data: Any) -> None:
        """Report a shape at its first sight; the next tick does, since the frame itself is an event."""
        shape = frozenset(data)
        if shape not in self._shapes and len(self._shapes) < MOST_SHAPES:
            self._shapes.add(shape)
            self._reports.append(Ignore(f"delivered as unmapped.unknown, not a known resource: {nearest(data)}"))

    def explain(self) -> str:
        """Why the last frame became what it became."""
        if self._last_read is None:
            return ""
        format_, name, data = self._last_read
        if format_ is not FrameFormat.BARE:
            return f"{format_.value}: {f'named {name} by the vendor' if name else 'no name'}"
        known = isinstance(data, dict) and resource_of(data)
        return f"bare: {self._namer.reason}" + ("" if known else f"; {nearest(data)}")

    def _emit(self, message: Message, frame: bytes, at: datetime, inferred: str | None = None) -> Emit:
        event, changed = translate(message, frame, self.feed, self.customer_id, at, inferred)
        if not event.native_topic and (address := resolve_address(event, self._patterns.values())) is not event.address:
            event = attrs.evolve(event, address=address)
        self._memory.note(event, changed)
        self._memory.heard(event.address.resource)
        return Emit(event)

    def _answered(self, answer: Frame) -> Iterator[Action]:
        # Reasons are counted, so only what the documentation has is quoted in one.
        action = answer.action if answer.action in ("subscribe", "unsubscribe") else "something"
        if answer.type == "ack" and answer.status in (None, "success", "ok"):
            yield Ignore(f"acknowledgement of {action}")
            return
        said = (answer.code, answer.message) if answer.type == "error" else (answer.status, answer.message)
        if answer.action in (None, "subscribe"):
            reason = ": ".join(str(part) for part in said if part) or "refused without a reason"
            for text in answer.topics if isinstance(answer.topics, list) else ():
                if isinstance(text, str):
                    yield from self._subscribing.refused(text, reason)
        code = f": {answer.code}" if answer.code in ERROR_CODES else ""
        yield Ignore(f"refusal of {action}{code}")

    def tick(self, at: datetime, passed: float) -> Iterable[Action]:
        """Ask for the next suspect, and have it looked from time to time whether what comes is all."""
        actions, self._reports = [*self._reports, *self._subscribing.tick(at)], []
        self._since_look += passed
        if 0 < self._reconcile_seconds <= self._since_look and self._may_look and self._has_lists():
            self._since_look = 0.0
            actions.append(Backfill("a regular look"))
        return actions

    def _held(self) -> dict[str, AddressPattern]:
        """The customer's active topics, and what they mean."""
        since = self._subscribing.since
        return {
            topic: pattern
            for topic, pattern in self._patterns.items()
            if pattern.scope == "customer" and topic in since
        }

    def _has_lists(self) -> bool:
        return any(pattern.resource is None or pattern.resource in LISTS for pattern in self._held().values())

    def backfill(self, since: datetime | None, at: datetime) -> HTTPFlow[Iterable[Action]]:
        """Lists and histories since then; without a moment, since the last look or the subscription."""
        self._since_look = 0.0
        self._subscribing.date(at)  # a look may come before the first tick
        if self._rest is None:
            raise RestError("there is no REST interface to look at")
        # The first backfill may come before the first tick has given the time.
        moments = {topic: moment or at for topic, moment in self._subscribing.since.items()}
        began = since or self._memory.looked or min(moments.values(), default=at)
        look = Look(self.feed, self.customer_id, self._memory, self._held(), moments, began, at)
        try:
            return (yield from look.take(self._rest))
        except RestError as error:
            # Whoever may not look need not try again and again; the next connection may have another token.
            self._may_look = self._may_look and error.status not in (401, 403, 404)
            raise

    def closed(self, code: int | None, at: datetime) -> None:
        """Remember who is to blame."""
        self._subscribing.closed(code, at)
