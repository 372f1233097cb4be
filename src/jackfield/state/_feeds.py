"""The feeds, by the facts about their streams; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from jackfield.events import Event
from jackfield.state._tracks import FeedTrack, later
from jackfield.state.sync import read_sync
from jackfield.state.values import Feed, Ref

__all__ = ["FeedTracks"]


@attrs.define(eq=False)
class FeedTracks:
    """The feeds by their names."""

    tracks: dict[str, FeedTrack] = attrs.field(factory=dict)

    def __iter__(self) -> Iterator[FeedTrack]:
        return iter(self.tracks.values())

    def hear(self, name: str, received: datetime) -> None:
        """An event of the feed's came."""
        feed = self.tracks.get(name)
        if feed is not None and received > feed.heard:
            feed.heard = received

    def apply(self, event: Event) -> list[Ref]:
        """Take in a fact about a stream."""
        at = event.time or event.received
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        word = event.kind.partition(".")[2]
        feed = self._track(event.feed, event.address.provider, at)
        data: Mapping[str, Any] = event.data if isinstance(event.data, dict) else {}
        match word:
            case "connected" if data.get("by") == "webhook":
                self._turn(feed, at, live=True)
            case "subscribed":
                self._turn(feed, at, live=bool(data.get("topics")))
            case "disconnected":
                self._turn(feed, at, live=False, since=_moment(data.get("since")))
            case "gap_suspected":
                since, until = _moment(data.get("since")) or at, _moment(data.get("until")) or at
                feed.gap = later(feed.gap, (until, since))
            case "synced":
                if (found := read_sync(event)) is not None and found[1].complete:
                    feed.synced = later(feed.synced, (found[0], tuple(sorted(found[1].complete))))
        feed.value = None
        return [("feed", feed.name)]

    def note(self, name: str, provider: str, at: datetime, *, live: bool) -> None:
        """What the gateway itself knows of a feed, where no event in the journal says it."""
        feed = self._track(name, provider, at)
        if feed.up[1] != live:
            feed.up, feed.stale_since = (max(at, feed.up[0]), live), None if live else feed.heard
            feed.value = None

    def miss(self, name: str, since: datetime, until: datetime) -> None:
        """Events of the feed's were not seen."""
        feed = self.tracks[name]
        feed.gap = later(feed.gap, (until, since))
        feed.value = None

    def value(self, name: str) -> Feed | None:
        """One as it stands."""
        feed = self.tracks.get(name)
        if feed is None:
            return None
        if feed.value is None:
            until, since = feed.gap or (None, None)
            synced_at, complete = feed.synced or (None, ())
            if until is not None and (synced_at is None or synced_at < until):
                complete = ()
            at, live = feed.up
            stale = None if live else feed.stale_since or at
            feed.value = Feed(feed.name, feed.provider, live, at, stale, since, until, synced_at, tuple(complete))
        value: Feed = feed.value
        return value

    def _track(self, name: str, provider: str, at: datetime) -> FeedTrack:
        feed = self.tracks.get(name)
        if feed is None:
            feed = self.tracks[name] = FeedTrack(name, provider, (at, False), at)
        return feed

    @staticmethod
    def _turn(feed: FeedTrack, at: datetime, *, live: bool, since: datetime | None = None) -> None:
        if (at, live) >= feed.up:
            before = feed.up
            feed.up = (at, live)
            if live:
                feed.stale_since = None
            elif before[1] or feed.stale_since is None:
                feed.stale_since = since or at
            feed.value = None


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)
