"""Drives one protocol over one connection: inputs in, effects out; no I/O, no clock, no task.

Whoever owns the connection calls one input at a time and performs the effects that it returns, in their order:
`opened` once, `received` for each read, `tick` each second, `want` when other topics are wanted, `performed` or
`failed` for each `Perform`, `backfill` to have a gap looked up, `committed` for tokens of stored events, `closed` at
the end. Durations are summed up from the ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import assert_never

import attrs

from jackfield._feed.effects import (
    Effect,
    EventsReceived,
    FrameIgnored,
    FrameUnreadable,
    Lost,
    Settled,
    TopicRefused,
    TopicServed,
)
from jackfield._feed.flows import Flows
from jackfield._feed.subscriptions import Subscriptions
from jackfield._loading.guard import failure, provider_code
from jackfield.errors import ConnectionLost, FrameError, JackfieldError
from jackfield.events import Event
from jackfield.events.event import let_go_of_objects
from jackfield.plugin.protocol import (
    Action,
    Backfill,
    Disconnect,
    Emit,
    FeedProtocol,
    GapSuspected,
    Ignore,
    NotVerified,
    Renew,
    Replan,
    Request,
    Send,
    Subscribed,
    SubscriptionRefused,
    SupportsCommit,
)

__all__ = ["FeedDriver"]


@attrs.define(eq=False)
class FeedDriver:
    """The state of one connection between its handshake and its end."""

    protocol: FeedProtocol
    _subscriptions: Subscriptions
    _answer_seconds: float
    """For a subscription, unless the protocol itself gives up sooner: it may have to ask several times, at a pace."""
    _payloads_read: Callable[[], bool] = lambda: True
    """Whether anything in this process reads the events' payloads as objects."""
    _elapsed: float = 0.0
    """Seconds, by the ticks."""
    _overdue_at: dict[str, float] = attrs.field(factory=dict)
    """When the answer to each pending subscription is overdue."""
    _advancing: bool = False
    _settled: frozenset[str] | None = None
    _lost: bool = False
    _flows: Flows = attrs.field(init=False)
    _at: datetime | None = None
    """The moment of the last frame or tick."""
    _events: list[Event] = attrs.field(factory=list)
    """Events that are not among the effects yet."""
    _tokens: dict[str, str] = attrs.field(factory=dict)
    """Of these."""
    _effects: list[Effect] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self._flows = Flows(self.protocol)

    # -- inputs ------------------------------------------------------------------------------------

    def opened(self) -> list[Effect]:
        """The connection is up."""
        self._ask(self.protocol.opened)
        return self._taken()

    def received(self, frames: Sequence[bytes], at: datetime) -> list[Effect]:
        """One read has brought these frames, at that moment."""
        self._at = at
        read, keep = self.protocol.received, self._payloads_read()
        for frame in frames:
            try:
                actions = tuple(read(frame, at))
            except FrameError as error:
                self._hand_over()
                self._effects.append(FrameUnreadable(error))
            except Exception as error:  # noqa: BLE001  # a provider's bug costs one frame, not the feed
                self._hand_over()
                self._effects.append(FrameUnreadable(FrameError(failure(error), frame)))
            else:
                if len(actions) == 1 and type(action := actions[0]) is Emit and action.token is None:
                    event = action.event  # as nearly every frame is, so without a call
                    if not keep:
                        let_go_of_objects(event)
                    self._events.append(event)
                else:
                    self._perform(actions)
        self._effects.append(EventsReceived(self._events, len(frames), self._tokens))
        self._events, self._tokens = [], {}
        return self._taken()

    def tick(self, at: datetime, passed: float) -> list[Effect]:
        """So many seconds have passed since the last tick."""
        self._at = at
        self._elapsed += passed
        self._ask(self.protocol.tick, at, passed)
        for topic in sorted(self._subscriptions.pending):
            if self._overdue_at[topic] <= self._elapsed:
                # It may still be served: an answer that comes later confirms it after all.
                self._refuse(topic, f"no answer within {self._answer_seconds:g} s")
        self._effects += self._flows.begin(self._elapsed, at)
        return self._taken()

    def want(self, topics: Iterable[str]) -> list[Effect]:
        """From now on exactly these topics are wanted."""
        self._subscriptions.want(topics)
        self._advance()
        return self._taken()

    def backfill(self, since: datetime | None) -> None:
        """Have it looked up what was missed, a moment later; several wishes make one backfill."""
        self._flows.backfill(since, self._elapsed)

    def performed(self, number: int, actions: Sequence[Action]) -> list[Effect]:
        """A flow has ended with these actions."""
        self._perform(actions)
        self._hand_over()
        found = sum(isinstance(action, Emit) for action in actions)
        self._effects += self._flows.performed(number, found, self._elapsed)
        return self._taken()

    def failed(self, number: int, error: JackfieldError) -> list[Effect]:
        """A flow got no answer, or the provider's code failed in it."""
        self._effects += self._flows.failed(number, error, self._elapsed)
        return self._taken()

    def committed(self, tokens: Sequence[str]) -> list[Effect]:
        """The journal has committed the events that came with these tokens."""
        if isinstance(self.protocol, SupportsCommit):
            for token in tokens:
                self._ask(self.protocol.committed, token)
        return self._taken()

    def closed(self, code: int | None, at: datetime) -> list[Effect]:
        """The connection is down; what is still under way with it has failed."""
        self._lost = True
        self._effects += self._flows.abandon()
        try:
            with provider_code():
                self.protocol.closed(code, at)
        except JackfieldError as error:
            self._effects.append(Lost(ConnectionLost(str(error))))
        return self._taken()

    # -- what the protocol wants -------------------------------------------------------------------

    def _ask(self, method: Callable[..., Iterable[Action]], *arguments: str | float | datetime) -> None:
        """Call one of the protocol's inputs that is no frame, and perform what it answers."""
        if self._lost:
            return
        try:
            with provider_code():
                actions = tuple(method(*arguments))
        except JackfieldError as error:  # a provider's bug ends the connection, not the host
            self._lose(ConnectionLost(str(error)))
        else:
            self._perform(actions)
            self._hand_over()

    def _perform(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if type(action) is Emit or isinstance(action, Emit):  # nearly every one; a pattern would take longer
                if action.token is not None:
                    if action.event.id in self._tokens:  # a copy, whose own token is wanted back too
                        self._hand_over()
                    self._tokens[action.event.id] = action.token
                self._events.append(action.event)
                continue
            self._hand_over()
            match action:
                case Send() | GapSuspected() | NotVerified() | Replan() | Renew():
                    self._effects.append(action)
                case Subscribed(topic):
                    self._confirm(topic)
                case SubscriptionRefused(topic, reason):
                    self._refuse(topic, reason)
                case Ignore(reason):
                    self._effects.append(FrameIgnored(reason))
                case Disconnect(reason, auth_failed, since):
                    self._lose(ConnectionLost(reason, auth_failed=auth_failed, missed_since=since))
                case Backfill():
                    self.backfill(None)
                case Request():
                    self._effects += self._flows.request(action, self._elapsed, self._at)
                case _:
                    assert_never(action)

    def _hand_over(self) -> None:
        """Put facts about the connection behind the events that came before them."""
        if self._events:
            self._effects.append(EventsReceived(self._events, 0, self._tokens))
            self._events, self._tokens = [], {}

    def _lose(self, loss: ConnectionLost) -> None:
        """End; the first reason is the true one, what follows comes from it."""
        if not self._lost:
            self._lost = True
            self._effects.append(Lost(loss))

    def _taken(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects

    # -- subscriptions -----------------------------------------------------------------------------

    def _confirm(self, topic: str) -> None:
        if self._subscriptions.confirm(topic):
            self._effects.append(TopicServed(topic))
            self._advance()

    def _refuse(self, topic: str, reason: str) -> None:
        if self._subscriptions.refuse(topic):
            self._effects.append(TopicRefused(topic, reason))
            self._advance()

    def _advance(self) -> None:
        """Take every step that can be taken now; a vendor may answer one before the next is taken."""
        if self._advancing:
            return
        self._advancing = True
        while not self._lost and (step := self._subscriptions.next_step()) is not None:
            verb, topic = step
            if verb == "subscribe":
                self._overdue_at[topic] = self._elapsed + self._answer_seconds
                self._ask(self.protocol.subscribe, topic)
            else:
                self._ask(self.protocol.unsubscribe, topic)
        self._advancing = False
        held = frozenset(self._subscriptions.held)
        if self._subscriptions.settled and held != self._settled:
            self._settled = held
            self._effects.append(Settled(held))
