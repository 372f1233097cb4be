"""One feed through the states of its connection: connect, converse, lose it, wait, connect again.

A session owns time and chance: when to try, how long to wait, what to call a gap. There is one task
for each feed, so there is never more than one attempt under way. It ends only by `stop`;
whatever the vendor, the network or the provider's code does meanwhile is reported and survived.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import attrs
import trio

from jackfield._feed.driver import Conversation, Timing, Wanted
from jackfield._feed.stream_events import stream_event
from jackfield._feed.subscriptions import Subscriptions
from jackfield._feed.websocket import Connection, Opener, connect
from jackfield._loading.guard import provider_code
from jackfield._net.backoff import backoff
from jackfield._net.http_client import Perform, perform
from jackfield.config import Feed
from jackfield.errors import ConnectionLost, FrameError, HandshakeRefused, JackfieldError, RestError
from jackfield.events import Event
from jackfield.plugin.protocol import FeedProtocol
from jackfield.plugin.provider import Endpoint, Provider, SupportsAuthentication, SupportsHandshakeBackoff
from jackfield.plugin.secrets import iter_secrets, redact
from jackfield.reports import (
    Backfilled,
    FeedState,
    FeedStateChanged,
    FrameInvalid,
    GapSuspected,
    Report,
    TopicConfirmed,
    TopicRefused,
    is_due,
)
from jackfield.reports.feed_states import TRANSITIONS
from jackfield.reports.feed_stats import FeedStats

__all__ = ["Session"]


@attrs.define
class Session:
    """Runs one feed; also the `Host` of its conversations."""

    feed: Feed
    _deliver: Callable[[list[Event]], None]
    """Takes events at once, without waiting."""
    _report: Callable[[Report], None]
    _rng: random.Random
    _timing: Timing = attrs.field(factory=Timing)
    _opener: Opener | None = None
    _rest: Perform = perform
    _source_changed: Callable[[], None] = lambda: None
    """Called when a login has shown whose feed it is, so that its topics are planned anew."""
    wanted: Wanted = attrs.field(factory=Wanted)
    stats: FeedStats = attrs.field(factory=FeedStats)
    _stopping: trio.Event = attrs.field(factory=trio.Event)
    _attempt: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _connection: Connection | None = None
    """The connection of this attempt, once it has come up."""
    _lost: tuple[datetime, str] | None = None
    """Since when events may be missing, and why; until the subscriptions are in force again."""
    _unfilled: datetime | None = None
    """Since when what was missed has not been looked for, in gaps that are announced."""
    _protocol: FeedProtocol | None = None
    """That of the last connection."""
    provider: Provider = attrs.field(init=False)
    """The configured one, or what its last login has made of it."""

    def __attrs_post_init__(self) -> None:
        self.provider = self.feed.provider

    def stop(self) -> None:
        """Close the connection in good manners and let `run` return."""
        self._stopping.set()
        if self.stats.state is FeedState.CONNECTING:  # nobody is there yet to be polite to
            self._attempt.cancel()

    def snapshot(self) -> FeedStats:
        """What the feed has done so far."""
        return self.stats.snapshot()

    async def run(self) -> None:
        """Keep the feed connected until `stop`; one whose vendor posts everything to us only waits for that."""
        timing = self._timing
        delays = self._delays()
        if self.feed.webhook_only:
            await self._listen()
        while not self._stopping.is_set():
            self._enter(FeedState.CONNECTING)
            began = trio.current_time()
            try:
                with trio.CancelScope() as self._attempt:
                    await self._connect_and_converse()
            except ConnectionLost as loss:
                if trio.current_time() - began >= timing.stable and self._connection is not None:
                    delays = self._delays()
                delay = max(self._delay(delays, loss), loss.retry_after or 0.0)
                self._lose(self._redacted(loss.reason), loss.missed_since)
                self._enter(FeedState.RECONNECTING, retry_in=delay)
                with trio.move_on_after(delay):
                    await self._stopping.wait()
        self._enter(FeedState.DISCONNECTED)

    async def _listen(self) -> None:
        self._enter(FeedState.LISTENING)
        self._tell("connected", by="webhook")
        self._close_gap()
        await self._stopping.wait()

    async def _connect_and_converse(self) -> None:
        self._connection = None
        try:
            with provider_code():
                await self._authenticate()
                endpoint = self.provider.endpoint()
                self._protocol = protocol = self.provider.protocol(self.feed.name, self._protocol)
        except RestError as error:
            raise ConnectionLost(error.reason, auth_failed=error.auth_failed, retry_after=error.retry_after) from None
        except JackfieldError as error:  # a secret that is not there may be again later; a provider's bug may pass
            raise ConnectionLost(str(error), auth_failed=True) from None
        code: int | None = None
        try:
            await self._converse(endpoint, protocol)
        except HandshakeRefused as refused:
            self._heed(refused)
            raise
        except ConnectionLost as loss:
            code = loss.code
            raise
        finally:
            self._tell_closed(protocol, code)

    def _heed(self, refused: HandshakeRefused) -> None:
        """Wait as long as the provider knows that its vendor wants, where the vendor itself asks for less."""
        if isinstance(self.provider, SupportsHandshakeBackoff):
            try:
                with provider_code():
                    seconds = self.provider.retry_after(refused.status)
            except JackfieldError as error:
                raise ConnectionLost(str(error)) from None
            refused.retry_after = max(seconds, refused.retry_after or 0.0)

    def _tell_closed(self, protocol: FeedProtocol, code: int | None) -> None:
        if self._connection is None:
            return
        try:
            with provider_code():
                protocol.closed(code, self.now())
        except JackfieldError as error:
            raise ConnectionLost(str(error)) from None

    async def _authenticate(self) -> None:
        """Have the provider renew its credentials, which is done for every connection."""
        before = self.provider.source
        configured = self.feed.provider
        self.provider = (
            await self._rest(configured.authenticate())
            if isinstance(configured, SupportsAuthentication)
            else configured
        )
        if self.provider.source != before:
            self._source_changed()

    async def _converse(self, endpoint: Endpoint, protocol: FeedProtocol) -> None:
        async with connect(endpoint, timeout=self._timing.connect, opener=self._opener) as connection:
            self._connection = connection
            self.stats.connections += 1
            self.stats.refused_topics.clear()
            self._enter(FeedState.CONNECTED)
            self._tell("connected", url=endpoint.display)
            try:
                subscriptions = Subscriptions(self.provider.dialect)
                conversation = Conversation(
                    connection, protocol, self.wanted, subscriptions, self, self._timing, self._rest
                )
                await conversation.run(self._stopping)
            finally:
                self.stats.topics = frozenset()

    def _lose(self, reason: str, missed_since: datetime | None) -> None:
        """An attempt has ended; if it had come up, events may be missing since it last gave a sign of life."""
        if self._connection is not None:
            since = missed_since or self.now() - timedelta(seconds=self._connection.silence())
            self._lost = self._lost or (since, reason)
            self._tell("disconnected", reason=reason, since=self._lost[0])
        self._enter(FeedState.DISCONNECTED, reason)

    def _delays(self) -> Callable[[], float]:
        timing = self._timing
        return backoff(self._rng, first=timing.backoff_first, most=timing.backoff_most).__next__

    def _delay(self, delays: Callable[[], float], loss: ConnectionLost) -> float:
        """Refused credentials are tried again, for they may be renewed in place, but never in a hurry."""
        most = self._timing.backoff_most
        return self._rng.uniform(most / 2, most) if loss.auth_failed else delays()

    def _enter(self, state: FeedState, reason: str = "", retry_in: float | None = None) -> None:
        if state is self.stats.state:
            return
        assert state in TRANSITIONS[self.stats.state], f"{self.stats.state} -> {state}"
        self.stats.state, self.stats.since = state, self.now()
        self._report(FeedStateChanged(self.feed.name, state, reason, retry_in))

    def _redacted(self, text: str) -> str:
        """Whatever a vendor wrote, without our secrets: some quote the token that they refuse."""
        secrets = [*iter_secrets(self.feed.provider), *iter_secrets(self.provider)]
        return redact(text, (secret for _, secret in secrets))

    def _tell(self, word: str, **data: object) -> None:
        self._deliver([stream_event(self.provider.source, self.feed.name, word, self.now(), **data)])

    # -- what the conversation tells ---------------------------------------------------------------

    def now(self) -> datetime:
        """The wall clock."""
        return datetime.now(UTC)

    def emitted(self, events: list[Event], frames: int) -> None:
        """Hand events on, the whole read at once."""
        self.stats.frames += frames
        self.stats.events += len(events)
        if events:
            self._deliver(events)

    def unreadable(self, error: FrameError) -> None:
        """Count and keep a frame that could not be read; reported at each doubling, so as not to flood."""
        stats = self.stats
        stats.unreadable += 1
        stats.last_unreadable.append(error)
        if is_due(stats.unreadable):
            problem = self._redacted(error.problem)
            self._report(FrameInvalid(self.feed.name, problem, error.raw, stats.unreadable))

    def ignored(self, reason: str) -> None:
        """Count a frame that was no event."""
        self.stats.ignored[reason] += 1

    def confirmed(self, topic: str) -> None:
        """The vendor serves a topic, perhaps after all."""
        self.stats.refused_topics.pop(topic, None)
        self._report(TopicConfirmed(self.feed.name, topic))

    def refused(self, topic: str, reason: str) -> None:
        """The vendor does not serve a topic."""
        reason = self._redacted(reason)
        self.stats.refused_topics[topic] = reason
        self._report(TopicRefused(self.feed.name, topic, reason))
        self._tell("subscription_refused", topic=topic, reason=reason)

    def settled(self, topics: frozenset[str]) -> datetime | None:
        """The subscriptions are in force: say so, close the gap if there was one, and say from when to look."""
        self.stats.topics = topics
        if not topics:
            if self.stats.state is FeedState.SUBSCRIBED:
                self._tell("subscribed", topics=[])
            self._enter(FeedState.CONNECTED)
            return None
        self._enter(FeedState.SUBSCRIBED, f"{len(topics)} topics" if len(topics) > 1 else "1 topic")
        self._tell("subscribed", topics=sorted(topics))
        self._close_gap()
        return self._unfilled

    def suspected(self, since: datetime, reason: str) -> None:
        """Announce a gap that the protocol has found."""
        self._announce_gap(since, self._redacted(reason))

    def _close_gap(self) -> None:
        if self._lost is not None:
            since, cause = self._lost
            self._lost = None
            self._unfilled = self._unfilled or since  # an earlier look may have been cut off by this very loss
            self._announce_gap(since, cause)

    def _announce_gap(self, since: datetime, cause: str) -> None:
        until = self.now()
        self.stats.gaps += 1
        self._report(GapSuspected(self.feed.name, since, until, cause))
        self._tell("gap_suspected", since=since, until=until, cause=cause)

    def backfilled(self, since: datetime | None, events: int) -> None:
        """What was missed was looked for."""
        if since is not None:
            self._unfilled = None
        self.stats.backfilled += events
        self._report(Backfilled(self.feed.name, events, regular=since is None))
        self._tell("backfilled", since=since, events=events)

    def backfill_failed(self, since: datetime | None, reason: str) -> None:
        """It could not be looked for: the gap that was announced stays."""
        self.stats.backfills_failed += 1
        self._report(Backfilled(self.feed.name, 0, self._redacted(reason)))
