"""Another configuration for a feed that runs: its next connection is up before the last one is closed."""

# ruff: noqa: SLF001 - the part of a session that is for its changes; the rest of it fills its own module

from __future__ import annotations

from jackfield._feed.connection import Timing, WantedTopics
from jackfield._feed.dialling import dialler
from jackfield._feed.idle_check import IdleCheck
from jackfield._feed.renewal import RECONFIGURED
from jackfield._feed.session import Session
from jackfield._net.dial import Network
from jackfield._net.http_client import performer
from jackfield.config import Feed
from jackfield.plugin.protocol import Renew
from jackfield.plugin.provider import Provider, SupportsAuthentication
from jackfield.reports import FeedState

__all__ = ["configure", "renew", "revert"]

UP = (FeedState.CONNECTED, FeedState.SUBSCRIBED)


def configure(session: Session, feed: Feed) -> None:
    """Let a session have another configuration of the same account from its next connection on; then `renew` it.

    A connection that is up goes on as it is, also with what it is subscribed to.
    """
    if (network := Network.of(feed.connection)) != Network.of(session.feed.connection):
        session._opener, session._rest = dialler(network), performer(network)
    session._renewal.give_up()
    session._successor, session._login, session._changed = None, None, True
    session.feed = session.recorder.feed = feed
    session._timing = Timing.of(feed.connection)
    session.backoff = session._pauses()  # what was wrong may be mended, and is not to be paid for by a long pause
    session._idle = IdleCheck(feed.connection.idle_check_seconds)
    session._idle.restart(session._clock.elapsed())
    session.wanted = WantedTopics(session.wanted.topics)
    if not isinstance(feed.provider, SupportsAuthentication):
        session.recorder.provider = feed.provider


async def renew(session: Session, seconds: float) -> str:
    """Connect by the new configuration at once; why that fails, empty where it does not, or nothing was connected."""
    session._wake.set()
    if session.stats.state is FeedState.CONNECTING:
        session._attempt.cancel()
    if session._current is None or session.stats.state not in UP:
        return ""
    session.handle(Renew(RECONFIGURED), session._current)
    return await session._renewal.outcome(seconds)


def revert(session: Session, feed: Feed, provider: Provider) -> None:
    """Let it have the configuration again by which the connection that is up was made, and what had logged in then."""
    configure(session, feed)
    session.recorder.provider = provider  # by which the vendor's lists and histories are asked for, too
    if session._current is not None and session.stats.state in UP:
        session.wanted = session._current.wanted
