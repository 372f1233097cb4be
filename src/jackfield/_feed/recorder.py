"""What a feed does, as its stats, its reports and the in-band facts of its stream; every vendor's text is redacted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from jackfield._feed import effects
from jackfield._feed.effects import Effect
from jackfield._feed.stream_events import stream_event
from jackfield._feed.unverified import UnverifiedSpan
from jackfield.config import Feed
from jackfield.errors import FrameError
from jackfield.events import Event
from jackfield.plugin.provider import Provider
from jackfield.plugin.redaction import Redactor
from jackfield.reports import (
    Backfilled,
    FeedState,
    FeedStateChanged,
    FrameInvalid,
    GapSuspected,
    NotVerified,
    Report,
    RequestFailed,
    StepSlow,
    TopicConfirmed,
    TopicRefused,
)
from jackfield.reports._counters import FeedCounters, count_reason
from jackfield.reports._thinning import is_due
from jackfield.reports.feed_states import TRANSITIONS

__all__ = ["Committed", "Deliver", "FeedRecorder"]


Committed = Callable[[Sequence[str]], None]


class Deliver(Protocol):
    """Accepts events at once, without waiting."""

    def __call__(
        self, events: list[Event], tokens: Mapping[str, str] = {}, committed: Committed | None = None, /
    ) -> None:
        """Accept them; once they are stored, `committed` is called with the `tokens`, which are by event id."""
        ...


def _never(_since: datetime, _until: datetime, _cause: str) -> bool:
    return False


@attrs.define
class FeedRecorder:
    """Counts and reports for one feed."""

    feed: Feed
    provider: Provider
    """The configured one, or what the last login has made of it."""
    _deliver: Deliver
    report: Callable[[Report], None]
    _now: Callable[[], datetime]
    _redact: Redactor = attrs.field(factory=Redactor)
    withhold: Callable[[datetime, datetime, str], bool] = _never
    """Whether a gap of this connection is none of the feed's, since another gateway is connected to it too."""
    stats: FeedCounters = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.stats = FeedCounters(self._now())
        for options in (self.feed.connection, self.feed.provider):
            self._redact.learn(options, owner=self.feed.name)

    def handle(self, effect: Effect, committed: Committed | None = None) -> None:
        """Record a fact that changes nothing else; tokens of events come back by `committed`."""
        match effect:
            case effects.EventsReceived(events, frames, tokens):
                self.stats.frames += frames
                self.stats.events += len(events)
                if events:
                    self.stats.last_event_at = events[-1].received
                if tokens:
                    self._deliver(events, tokens, committed)
                elif events:
                    self._deliver(events)
            case effects.FrameUnreadable(error):
                self.unreadable(error)
            case effects.FrameIgnored(reason):
                count_reason(self.stats.ignored, self.redacted(reason))
            case effects.TopicServed(topic):
                self.stats.refused_topics.pop(topic, None)
                self.report(TopicConfirmed(self.feed.name, topic))
            case effects.TopicRefused(topic, reason):
                self._refused(topic, self.redacted(reason))
            case effects.RequestFailed(reason):
                self.stats.requests_failed += 1
                self.report(RequestFailed(self.feed.name, self.redacted(reason)))
            case effects.SlowStep(step, seconds):
                self.stats.slow_steps += 1
                if is_due(self.stats.slow_steps):
                    name, vendor = self.feed.name, self.feed.provider_name
                    self.report(StepSlow(name, vendor, step, seconds, self.stats.slow_steps))
            case effects.BackfillEnded():
                self._backfilled(effect)

    def enter(self, state: FeedState, reason: str = "", retry_in: float | None = None) -> None:
        """Come into another state of the connection."""
        if state is self.stats.state:
            return
        assert state in TRANSITIONS[self.stats.state], f"{self.stats.state} -> {state}"
        self.stats.state, self.stats.since = state, self._now()
        self.report(FeedStateChanged(self.feed.name, state, reason, retry_in))

    def settled(self, topics: frozenset[str]) -> None:
        """These topics are active, and every other one that was asked for is refused."""
        self.stats.topics = topics
        if topics:
            self.enter(FeedState.SUBSCRIBED, f"{len(topics)} topics" if len(topics) > 1 else "1 topic")
            self.emit_fact("subscribed", topics=sorted(topics))
            return
        if self.stats.state is FeedState.SUBSCRIBED:
            self.emit_fact("subscribed", topics=[])
        self.enter(FeedState.CONNECTED, "no active topics")

    def unreadable(self, error: FrameError) -> None:
        """Count and keep a frame that could not be read; reported at each doubling, so as not to flood."""
        stats = self.stats
        stats.unreadable += 1
        problem = self.redacted(error.problem)
        stats.last_unreadable.append(FrameError(problem, error.raw))
        if is_due(stats.unreadable):
            self.report(FrameInvalid(self.feed.name, problem, error.raw, stats.unreadable))

    def announce_gap(self, since: datetime, until: datetime, cause: str) -> None:
        """Events may be missing between two moments."""
        if self.withhold(since, until, cause):
            return
        self.stats.gaps += 1
        self.stats.gap_seconds += (until - since).total_seconds()
        self.report(GapSuspected(self.feed.name, since, until, cause))
        self.emit_fact("gap_suspected", since=since, until=until, cause=cause)

    def not_verified(self, span: UnverifiedSpan) -> None:
        """Nobody could know whether events were missed in this span."""
        self.stats.not_verified_count += 1
        self.stats.not_verified_seconds += (span.until - span.since).total_seconds()
        self.report(NotVerified(self.feed.name, span.since, span.until, span.reason))
        self.emit_fact("not_verified", **attrs.asdict(span))

    def emit_fact(self, word: str, **data: object) -> None:
        """Put an event about the stream itself among the vendor's."""
        shown = {name: self.redacted(value) if isinstance(value, str) else value for name, value in data.items()}
        self._deliver([stream_event(self.provider.source, self.feed.name, word, self._now(), **shown)])

    def redacted(self, text: str) -> str:
        """Whatever a vendor wrote, without our secrets: some quote the token that they refuse."""
        self._redact.learn(self.provider, owner=self.feed.name)
        return self._redact(text)

    def _refused(self, topic: str, reason: str) -> None:
        self.stats.refused_topics[topic] = reason
        self.report(TopicRefused(self.feed.name, topic, reason))
        self.emit_fact("subscription_refused", topic=topic, reason=reason)

    def _backfilled(self, ended: effects.BackfillEnded) -> None:
        name, failure = self.feed.name, self.redacted(ended.failure)
        self.report(Backfilled(name, ended.events, failure=failure, regular=ended.since is None))
        if failure:
            self.stats.backfills_failed += 1
            return
        self.stats.backfills += 1
        self.stats.backfilled += ended.events
        if ended.since is not None or ended.events:
            self.emit_fact("backfilled", since=ended.since, events=ended.events)
