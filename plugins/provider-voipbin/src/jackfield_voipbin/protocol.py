"""One connection to VoIPBIN, without I/O: topics asked for, messages read in every format, what is missing backfilled.

The documentation promises an acknowledgement of each subscription and the platform has never sent
one, so a topic counts as confirmed as soon as it is asked for, and an ``error`` undoes that. What it means that
the connection is cut instead says `jackfield_voipbin.subscribing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

import attrs
import msgspec

from jackfield.addresses import AddressPattern
from jackfield.errors import RestError
from jackfield.events import Event
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.protocol import Action, Backfill, Emit, GapSuspected, Ignore, SubscriptionRefused
from jackfield.plugin.provider import Dialect
from jackfield_voipbin.backfill import Reconciliation
from jackfield_voipbin.derived import RESOURCES as DERIVING
from jackfield_voipbin.derived import Deriver
from jackfield_voipbin.dialects import AutoDialect, PrefixDialect
from jackfield_voipbin.frame_format import FrameFormat, Message, format_of, message_of
from jackfield_voipbin.kinds import native_name
from jackfield_voipbin.listing import AGENTS_LISTS, LISTS, topic_resources
from jackfield_voipbin.memory import Memory
from jackfield_voipbin.naming import Namer
from jackfield_voipbin.owners import resolve_address
from jackfield_voipbin.plans import UNKNOWN_ID
from jackfield_voipbin.queues import QueueLookup
from jackfield_voipbin.rest import Rest
from jackfield_voipbin.shapes import nearest, resource_of
from jackfield_voipbin.spellings import deployed_spellings, spellings
from jackfield_voipbin.subscribing import Subscribing
from jackfield_voipbin.times import last_change
from jackfield_voipbin.translate import translate
from jackfield_voipbin.wire import ERROR_CODES, Frame, read_frame

__all__ = ["VoipbinProtocol"]


MOST_SHAPES = 100


@attrs.define
class VoipbinProtocol:
    """A `jackfield.plugin.protocol.FeedProtocol` that can query REST for what it has missed.

    With a feed and a customer alone it can read, and subscribe in documented topics.
    """

    # Lists show last states and a few histories: what changed twice between two comparisons is not seen, nor what is in
    # no list.
    backfill_verifies: ClassVar[bool] = False

    feed: str
    customer_id: str = UNKNOWN_ID
    _dialect: Dialect = attrs.field(default=attrs.Factory(lambda self: AutoDialect(self.customer_id), takes_self=True))
    _rest: Rest | None = None
    _reconcile_seconds: float = 0.0
    _resubscribe_seconds: float = 0.0
    _unsubscribes: bool = True
    _memory: Memory = attrs.field(factory=Memory)
    _namer: Namer = attrs.field(factory=Namer)
    _explained: tuple[FrameFormat, str] | None = None
    """The last frame's format, and why it is what it is, or its name where the vendor said that."""
    _deriver: Deriver = attrs.field(factory=Deriver)
    _queues: QueueLookup = attrs.field(factory=QueueLookup)
    _shapes: set[frozenset[str]] = attrs.field(factory=set)
    """The unknown shapes that were reported."""
    _reports: list[Action] = attrs.field(factory=list)
    _subscribing: Subscribing = attrs.field(init=False)
    _patterns: dict[str, AddressPattern] = attrs.field(factory=dict)
    """What each topic that is asked for means."""
    _since_query: float = 0.0
    """Seconds since the last query by REST."""
    _may_query: bool = True

    def __attrs_post_init__(self) -> None:
        self._memory.reach_seconds = max(600.0, self._reconcile_seconds + 300.0)
        self._subscribing = Subscribing(
            self._spellings,
            self._refusal,
            unsubscribes=self._unsubscribes,
            resubscribe_seconds=self._resubscribe_seconds,
        )

    def take_over(self, before: VoipbinProtocol) -> None:
        """Go on with what the feed's last connection has learned."""
        before._memory.reach_seconds = self._memory.reach_seconds
        self._memory = before._memory
        self._memory.came = set()
        self._namer = before._namer
        self._deriver = before._deriver
        self._shapes = before._shapes
        self._subscribing.suspicion = before._subscribing.suspicion

    def _spellings(self, topic: str) -> tuple[str, ...]:
        if isinstance(self._dialect, AutoDialect):
            return spellings(topic)
        return deployed_spellings(topic) if isinstance(self._dialect, PrefixDialect) else (topic,)

    def _refusal(self, text: str) -> str:
        return self._rest.credential.refusal(text) if self._rest is not None else ""

    def opened(self) -> Iterable[Action]:
        """Nothing: the token is in the URL."""
        return ()

    def subscribe(self, topic: str) -> Iterable[Action]:
        """Ask, and count it as granted; not at all for what the platform would cut the connection for."""
        self._patterns[topic] = self._dialect.describe(topic)[0]
        return self._followed(self._subscribing.subscribe(topic))

    def _followed(self, actions: Iterable[Action]) -> list[Action]:
        followed = list(actions)
        for action in followed:
            if isinstance(action, SubscriptionRefused):
                self._patterns.pop(action.topic, None)
        return followed

    def unsubscribe(self, topic: str) -> Iterable[Action]:
        """Unsubscribe from exactly what was subscribed to, or leave it out when the connection is renewed."""
        self._patterns.pop(topic, None)
        return tuple(self._subscribing.unsubscribe(topic))

    def received(self, frame: bytes, at: datetime) -> Iterable[Action]:
        """An event for every JSON object but an answer; `FrameError` for anything else."""
        read = read_frame(frame)
        # What the documentation has, which is the first of the formats, without a call.
        format_ = FrameFormat.DOCUMENTED if read.event_type is not None else format_of(read, frame)
        if format_ is FrameFormat.ANSWER:
            return self._followed(self._answered(read))
        message = message_of(read, format_, frame)
        if format_ is FrameFormat.BARE and self._is_named_by_topic(message.data):
            message = msgspec.structs.replace(message, name=self._subscribing.event)
        if message.name or format_ is not FrameFormat.BARE:
            self._explained = format_, message.name
            return self._emit(message, frame, at)
        names = self._namer.names(message.data)
        self._explained = format_, self._namer.reason
        if not names:
            self._explained = format_, f"{self._namer.reason}; {nearest(message.data)}"
            self._unknown(message.data)
            return self._emit(message, frame, at, "")
        return [action for name in names for action in self._emit(message, frame, at, name)]

    def _is_named_by_topic(self, data: Any) -> bool:
        """Whether the connection is subscribed to one event alone, by its name, and this is of its resource."""
        name = self._subscribing.event
        return bool(name) and isinstance(data, dict) and native_name(resource_of(data))[0] == native_name(name)[0]

    def _unknown(self, data: Any) -> None:
        """Report a shape at its first sight; the next tick does, since the frame itself is an event."""
        shape = frozenset(data)
        if shape not in self._shapes and len(self._shapes) < MOST_SHAPES:
            self._shapes.add(shape)
            self._reports.append(Ignore(f"delivered as unmapped.unknown, not a known resource: {nearest(data)}"))

    def explain(self) -> str:
        """Why the last frame became what it became."""
        if self._explained is None:
            return ""
        format_, reason = self._explained
        if format_ is not FrameFormat.BARE:
            reason = f"named {reason} by the vendor" if reason else "no name"
        return f"{format_.value}: {reason}"

    def _emit(self, message: Message, frame: bytes, at: datetime, inferred: str | None = None) -> Sequence[Emit]:
        event, changed, name = translate(message, frame, self.feed, self.customer_id, at, inferred)
        if inferred is None and name.tells_status:
            self._namer.named(name, message.data)
        if not event.native_topic and (address := resolve_address(event, self._patterns.values())) is not event.address:
            event = attrs.evolve(event, address=address)
        memory, resource = self._memory, event.address.resource
        memory.note(event, changed)
        if resource not in memory.came:
            memory.heard(resource)
        if resource == "call":
            event = self._deriver.call(event)
        elif resource in DERIVING:
            events = list(self._deriver.derive(event, changed))
            if resource == "queuecall":
                self._queues.note(events[0])
            return [Emit(each) for each in events]
        return (Emit(event),)

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
        """Ask for the next suspect, and compare from time to time what came with what REST knows."""
        actions, self._reports = [*self._reports, *self._subscribing.tick(at, passed)], []
        self._memory.tick(at, passed)
        actions += self._queues.tick(passed, self._rest)
        self._since_query += passed
        if 0 < self._reconcile_seconds <= self._since_query and self._may_query and self._has_lists():
            self._since_query = 0.0
            actions.append(Backfill("a regular comparison with REST"))
        return actions

    def _held(self) -> dict[str, AddressPattern]:
        """The active topics that REST can be compared with, and what they mean: the customer's, else our agent's."""
        active = {topic: each for topic, each in self._patterns.items() if topic in self._subscribing.since}
        customers = {topic: each for topic, each in active.items() if each.scope == "customer"}
        agent_id = self._rest.credential.agent_id if self._rest is not None else ""
        own = {topic: each for topic, each in active.items() if each.scope == "agent" and each.scope_id == agent_id}
        return customers or own

    def _has_lists(self) -> bool:
        return any(
            pattern.resource is None
            or any(pattern.resource in topic_resources(each) for each in _listed(pattern.scope))
            for pattern in self._held().values()
        )

    def backfill(self, since: datetime | None, at: datetime) -> HTTPFlow[Iterable[Action]]:
        """Lists and histories since then; without a moment, since the last query or the subscription."""
        self._since_query = 0.0
        self._subscribing.date(at)  # a query may come before the first tick
        if self._rest is None:
            raise RestError("there is no REST interface to ask")
        # The first backfill may come before the first tick has given the time.
        moments = {topic: moment or at for topic, moment in self._subscribing.since.items()}
        began = since or self._memory.reconciled or min(moments.values(), default=at)
        query = Reconciliation(
            self.feed,
            self.customer_id,
            self._memory,
            self._namer,
            self._held(),
            moments,
            began,
            at,
            regular=since is None,
        )
        try:
            actions = list((yield from query.perform(self._rest)))
        except RestError as error:
            # Where REST is forbidden or missing it is not asked again; the next connection may have another token.
            self._may_query = self._may_query and error.status not in (401, 403, 404)
            raise
        if self._resubscribe_seconds and any(isinstance(each, GapSuspected) for each in actions):
            actions += self._subscribing.again()
        return actions

    def came_by_webhook(self, events: Sequence[Event]) -> None:
        """Remember what came by the other way, so that it is not taken for lost."""
        for event in events:
            self._memory.note(event, last_change(event.data)[0] or event.time)

    def closed(self, code: int | None, at: datetime) -> None:
        """Remember who is to blame."""
        self._subscribing.closed(code, at)

    @property
    def sent(self) -> tuple[str, ...]:
        """The texts by which this connection has subscribed."""
        return self._subscribing.sent

    @property
    def left_out(self) -> tuple[str, ...]:
        """The texts that are not asked for, since the platform cut the connection for them."""
        return tuple(self._subscribing.suspicion.guilty)


def _listed(scope: str | None) -> Iterable[str]:
    """The resources that REST lists for a customer, or for one agent."""
    return AGENTS_LISTS if scope == "agent" else LISTS
