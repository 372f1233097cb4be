"""Where a feed's connection stands, and what may follow."""

from __future__ import annotations

from enum import Enum

__all__ = ["TRANSITIONS", "FeedState"]


class FeedState(Enum):
    """Where a feed's connection stands; the lifecycle that VoIPBIN documents, used for every vendor.

    ``connected`` until every topic of the plan is answered and one is confirmed; ``reconnecting`` while it waits.
    ``listening`` is ours: a feed that has no connection, since its vendor posts all events to us.
    """

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    SUBSCRIBED = "subscribed"
    RECONNECTING = "reconnecting"
    LISTENING = "listening"


TRANSITIONS: dict[FeedState, frozenset[FeedState]] = {
    FeedState.DISCONNECTED: frozenset({FeedState.CONNECTING, FeedState.RECONNECTING, FeedState.LISTENING}),
    FeedState.CONNECTING: frozenset({FeedState.CONNECTED, FeedState.DISCONNECTED}),
    FeedState.CONNECTED: frozenset({FeedState.SUBSCRIBED, FeedState.DISCONNECTED}),
    FeedState.SUBSCRIBED: frozenset({FeedState.CONNECTED, FeedState.DISCONNECTED}),
    FeedState.RECONNECTING: frozenset({FeedState.CONNECTING, FeedState.DISCONNECTED}),
    FeedState.LISTENING: frozenset({FeedState.DISCONNECTED}),
}
"""Which state may follow which; the lifecycle that VoIPBIN documents, and that of a feed by webhook alone."""
