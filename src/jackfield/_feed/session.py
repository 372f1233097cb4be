"""One feed through the states of its connection: connect, serve, lose it, wait, connect again.

A session owns time and chance: when to try, how long to wait, what to call a gap. It has one connection, and for a
while two where one is renewed: the new one is subscribed before the old one is closed. It ends only by `stop`;
whatever the vendor, the network or the provider's code does meanwhile is reported and survived.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from functools import partial

import attrs
import trio

from jackfield._feed import effects
from jackfield._feed.clock import Clock, Stall
from jackfield._feed.connection import FeedConnection, Timing, WantedTopics
from jackfield._feed.continuity import Continuity
from jackfield._feed.cut_ages import CutAges
from jackfield._feed.dialling import Opener, dialler
from jackfield._feed.driver import FeedDriver
from jackfield._feed.handshake_backoff import with_handshake_backoff
from jackfield._feed.idle_check import IdleCheck
from jackfield._feed.intake import Intake, Unlimited
from jackfield._feed.login import connect_as, log_in
from jackfield._feed.pauses import Pauses
from jackfield._feed.recorder import Deliver, FeedRecorder
from jackfield._feed.renewal import Renewal
from jackfield._feed.subscriptions import Subscriptions
from jackfield._feed.timekeeper import Timekeeper
from jackfield._feed.transport import connect
from jackfield._journal.downtime import Account
from jackfield._net.dial import Network
from jackfield._net.http_client import Perform, performer
from jackfield.config import Feed
from jackfield.errors import ConnectionLost, HandshakeRefused
from jackfield.plugin.protocol import FeedProtocol, GapSuspected, NotVerified, Renew, Replan
from jackfield.plugin.provider import Provider, resumes, stall_limit
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.transport import AnyEndpoint
from jackfield.reports import FeedState, Report
from jackfield.reports._counters import FeedCounters

__all__ = ["Session"]


@attrs.define
class Session:
    """Runs one feed; also the `FeedEvents` of its connections."""

    feed: Feed
    _deliver: Deliver
    _report: Callable[[Report], None]
    _rng: random.Random
    _timing: Timing = attrs.Factory(lambda self: Timing.of(self.feed.connection), takes_self=True)
    _opener: Opener = attrs.Factory(lambda self: dialler(Network.of(self.feed.connection)), takes_self=True)
    _rest: Perform = attrs.Factory(lambda self: performer(Network.of(self.feed.connection)), takes_self=True)
    _replan: Callable[[], None] = lambda: None
    """Called when topics are to be planned anew: the source or the dialect's answers have changed."""
    _intake: Intake = attrs.field(factory=Unlimited)
    """What the journal says: the feed's newest stored token, and whether there is room."""
    _keep_account: Callable[[Account], object] = lambda _: None
    """Keeps what the next run has to know of this one."""
    _clock: Clock = attrs.field(factory=Clock)
    _redact: Redactor = attrs.field(factory=Redactor)
    wanted: WantedTopics = attrs.field(factory=WantedTopics)
    continuity: Continuity = attrs.field(factory=Continuity)
    recorder: FeedRecorder = attrs.field(init=False)
    _time: Timekeeper = attrs.field(init=False)
    _idle: IdleCheck = attrs.field(init=False)
    _stopping: trio.Event = attrs.field(factory=trio.Event)
    _wake: trio.Event = attrs.field(factory=trio.Event)
    """Ends the wait before the next attempt."""
    _changed: bool = False  # whether the configuration is another than at the last login
    _attempt: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _nursery: trio.Nursery = attrs.field(init=False)  # of the connections of this attempt
    _current: FeedConnection | None = None  # the connection of this attempt, once it has come up
    backoff: Pauses = attrs.field(init=False)
    _successor: FeedConnection | None = None  # what is to take over from it, once that has come up
    _renewal: Renewal = attrs.field(init=False)
    _current_since: float = 0.0
    _cut_ages: CutAges = attrs.field(factory=CutAges)
    loss: ConnectionLost | None = None  # why the current connection ended
    protocol: FeedProtocol | None = None
    """Protocol of the previous connection, passed to the next as `before`."""
    _login: Provider | None = None  # what the previous login returned, passed to the next as `before`

    def __attrs_post_init__(self) -> None:
        feed, clock = self.feed, self._clock
        self.recorder = FeedRecorder(feed, feed.provider, self._deliver, self._report, clock.now, self._redact)
        self._renewal = Renewal(self.recorder, self._stopping, partial(self._run_connection, renewal=True), self.handle)
        self._idle, self.backoff = IdleCheck(feed.connection.idle_check_seconds), self._pauses()
        limit, resuming = stall_limit(feed.provider), lambda: resumes(feed.provider, self._intake.token())
        accounting = self._heard, self._keep_account
        self._time = Timekeeper(clock, self.recorder, self.continuity, limit, resuming, *accounting)

    @property
    def provider(self) -> Provider:
        """The configured one, or what its last login has made of it."""
        return self.recorder.provider

    @property
    def stats(self) -> FeedCounters:
        """What the feed has done so far; it goes on changing."""
        return self.recorder.stats

    def stop(self) -> None:
        """Close the connection gracefully and let `run` return."""
        self._stopping.set()
        self._wake.set()
        for connection in (self._current, self._successor):
            if connection is not None:
                connection.stopping.set()
        if self.stats.state is FeedState.CONNECTING:  # no connection is up that could be closed gracefully
            self._attempt.cancel()

    async def run(self) -> None:
        """Keep the feed connected until `stop`; one whose vendor sends everything by webhook only waits for that."""
        if self.feed.webhook_only:
            self.recorder.enter(FeedState.LISTENING)
            self.recorder.emit_fact("connected", by="webhook")
            await self._time.listen(self._stopping)
        while not self._stopping.is_set():
            self.recorder.enter(FeedState.CONNECTING)
            began = self._clock.elapsed()
            try:
                with trio.CancelScope() as self._attempt:
                    await self._serve()
            except ConnectionLost as loss:
                if self._clock.elapsed() - began >= self._timing.stable and self._current is not None:
                    self.backoff.restart()
                delay = self.backoff.after(loss)
                self._lose(self.recorder.redacted(loss.reason), loss.missed_since)
                self.recorder.enter(FeedState.RECONNECTING, retry_in=delay)
                self._wake = self._stopping if self._stopping.is_set() else trio.Event()
                await self._time.wait(delay, self._wake)
        self._time.unsubscribed()
        self.recorder.enter(FeedState.DISCONNECTED)

    # -- connections -------------------------------------------------------------------------------

    async def _serve(self) -> None:
        """Serve by one connection, and by those that renew it, until the current one ends."""
        self._current = self._successor = self.loss = None
        self._renewal.end()
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(partial(self._run_connection, renewal=False))
        self.stats.topics = frozenset()
        if self.loss is not None:
            raise self.loss

    async def _run_connection(self, *, renewal: bool) -> ConnectionLost | None:
        """Open a connection and serve it to its end; why it ended, unless that was our will."""
        connection: FeedConnection | None = None
        loss: ConnectionLost | None = None
        try:
            endpoint, protocol = await self._prepare()
            wait, opener, now = self._timing.handshake_timeout, self._opener, self._clock.now
            most, intake = self.feed.connection.max_message_bytes, self._intake
            async with connect(endpoint, timeout=wait, most_bytes=most, opener=opener, intake=intake, now=now) as made:
                topics, read = Subscriptions(self.provider.dialect), intake.payloads_read
                driver = FeedDriver(protocol, topics, self._timing.answer_within, read)
                connection = FeedConnection(made, driver, self.wanted, self, self._timing, self._clock, self._rest)
                self._came_up(connection, endpoint, renewal=renewal)
                await connection.run()
        except ConnectionLost as error:
            loss = error
        if isinstance(loss, HandshakeRefused):
            loss = with_handshake_backoff(loss, self.provider)
        if connection is not None:
            loss = self._closed(connection, loss)
        if self._successor is connection:
            self._successor = None
        if self._current is connection if connection is not None else not renewal:
            self.loss = loss
            self._nursery.cancel_scope.cancel()
        return loss

    def _came_up(self, connection: FeedConnection, endpoint: AnyEndpoint, *, renewal: bool) -> None:
        self.stats.connections += 1
        if renewal:
            self._successor = connection
            return
        self._time.connected()
        self._idle.restart(self._clock.elapsed())
        self._current, self._current_since = connection, self._clock.elapsed()
        self.stats.refused_topics.clear()
        self.recorder.enter(FeedState.CONNECTED)
        self.recorder.emit_fact("connected", url=endpoint.display)

    def _take_over(self, successor: FeedConnection, topics: frozenset[str]) -> None:
        """The successor is subscribed: close the connection that it renews."""
        assert self._current is not None
        self._time.renewed(self._current.driver)
        self._nursery.start_soon(self._renewal.retire, self._current)
        self._current, self._successor = successor, None
        self._current_since = self._clock.elapsed()
        self._renewal.done()
        if topics != self.stats.topics:
            self.recorder.settled(topics)

    async def _prepare(self) -> tuple[AnyEndpoint, FeedProtocol]:
        before = self.provider.source
        self._login = self.recorder.provider = await log_in(self.feed, self._login, self._rest)
        if self.provider.source != before or self._changed:
            self._changed = False
            self._replan()
        endpoint, self.protocol = connect_as(self.feed, self.provider, self.protocol, self._intake.token())
        return endpoint, self.protocol

    def _closed(self, connection: FeedConnection, loss: ConnectionLost | None) -> ConnectionLost | None:
        """Give the driver its last input; why the connection ended, after that."""
        for effect in connection.driver.closed(loss.code if loss is not None else None, self._clock.now()):
            if isinstance(effect, effects.Lost):
                loss = effect.loss
            else:
                self.handle(effect, connection)
        return loss

    # -- gaps --------------------------------------------------------------------------------------

    def _lose(self, reason: str, missed_since: datetime | None) -> None:
        """An attempt has ended; if it had come up, events may be missing since its last activity."""
        if self._current is not None:
            reason += self._cut_ages.explain(self._clock.elapsed() - self._current_since, self._timing.ping_seconds)
            last = self._current.connection.activity
            since = self._time.lost(reason, last.last_received_at, last.silence(), missed_since)
            self.recorder.emit_fact("disconnected", reason=reason, since=since)
        self.recorder.enter(FeedState.DISCONNECTED, reason)

    def ticked(self, stall: Stall | None) -> None:
        """A stall is a gap, where it is longer than the vendor buffers for."""
        current = self._current if self.stats.state is FeedState.SUBSCRIBED else None
        if self._time.heed_clock(stall) is not None and current is not None:
            self._time.resume(current.driver)
        self._time.report()
        self._time.keep_account()
        if current is not None and (renewal := self._idle.check(current.driver, self._clock.elapsed())):
            self.handle(renewal, current)

    def _heard(self) -> tuple[datetime, float] | None:
        if self.feed.webhook_only:
            return self._clock.now(), 0.0
        if self._current is None:
            return None
        return self._current.connection.activity.last_received_at, self._current.connection.activity.silence()

    # -- what the connections call -----------------------------------------------------------------

    def handle(self, effect: effects.Effect, connection: FeedConnection) -> None:
        """Record a fact, or act upon it."""
        match effect:
            case effects.Settled(topics):
                self._settled(topics, connection)
            case effects.BackfillEnded(since, began, _, failure):
                if not failure:
                    self._time.filled(connection.driver, began, since)
                self.recorder.handle(effect)
            case GapSuspected(since, reason):
                self._time.suspect(since, self.recorder.redacted(reason))
                if self._current is not None:
                    self._time.resume(self._current.driver)
            case NotVerified(since, until, reason):
                self._time.not_verified(since, until, reason)
            case effects.RequestFailed(reason, since, brings_events):
                self.recorder.handle(effect)
                if brings_events:
                    self._time.not_verified(since or connection.opened_at, None, reason)
            case effects.TopicServed():
                self._time.subscribed()
                self.recorder.handle(effect)
            case Replan():
                self._replan()
            case Renew(reason):
                if connection is self._current and self._renewal.reason is None:
                    self._renewal.begin(reason)
                    self._nursery.start_soon(self._renewal.run, self._pauses())
            case _:
                self.recorder.handle(effect, connection.committed)
                if isinstance(effect, effects.EventsReceived) and effect.events:
                    self._idle.heard(self._clock.elapsed())
                    if effect.tokens:
                        self._time.received(connection.driver)

    def _settled(self, topics: frozenset[str], connection: FeedConnection) -> None:
        if connection is self._successor:
            if not self._renewal.refuses(topics, self.stats.topics):
                self._take_over(connection, topics)
        elif connection is self._current:
            self.recorder.settled(topics)
            if topics:
                self._time.resume(connection.driver)
            else:
                self._time.unsubscribed()

    def _pauses(self) -> Pauses:
        return Pauses(self._rng, self._timing.backoff_first, self._timing.backoff_most)
