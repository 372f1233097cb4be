"""A feed that several gateways share: what the next holder has to know of a session, and what one takes over."""

# ruff: noqa: SLF001 - the part of a session that is for sharing its feed; the rest of it fills its own module

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from jackfield._feed.gap import AnnouncedGap
from jackfield._feed.session import Session
from jackfield._journal.downtime import Account
from jackfield.reports import FeedState

__all__ = ["account_of", "announce", "miss_since"]


def account_of(session: Session) -> Account | None:
    """Where the next holder would go on if this process ended now; ``None`` where it is not known."""
    return session.continuity.account(session._time._last_heard())


def miss_since(session: Session, since: datetime, reason: str) -> None:
    """The last holder wrote up to that moment; what is missed until the session is subscribed is a gap."""
    session.continuity.suspect(since, reason)


def announce(session: Session, gaps: Sequence[AnnouncedGap]) -> None:
    """Say that this gateway holds the feed now, announce what nobody has, and have it backfilled."""
    recorder = session.recorder
    if session.stats.topics:
        recorder.emit_fact("subscribed", topics=sorted(session.stats.topics))
    for gap in gaps:
        recorder.announce_gap(gap.since, gap.until, gap.reason)
        session.continuity.gap.leave_unfilled(gap.since)
    current = session._current
    if gaps and current is not None and session.stats.state is FeedState.SUBSCRIBED:
        session._time.resume(current.driver)
