"""Backfill: the state that REST reports, compared with what events have said, as the events that must be missing.

A change is emitted as the event that would have announced it, marked as inferred; when it happened is not known. What a
live event has said since the backfill began, less the server's own delay, is newer than the backfill and stays. Vinix'
REST writes ids with dashes and its events without: what REST names first has an event's id all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
import msgspec

from jackfield.addresses import Address
from jackfield.events import Event, content_id, encode_data
from jackfield_vinix.kinds import kind_of
from jackfield_vinix.presence import Presence, Status
from jackfield_vinix.snapshot import Seen, Snapshot
from jackfield_vinix.state import AccountState, Stage
from jackfield_vinix.topics import PROVIDER
from jackfield_vinix.wire import plain_id, text_of

__all__ = ["missed_by", "states_of"]

# An event reaches us within this time of its happening.
SERVER_DELAY = timedelta(seconds=2)

_WORDS: Mapping[Presence, str] = {
    "logged_out": "delete",
    "away": "away",
    "ready": "ready",
    "offered": "offer",
    "handling": "delivered",
    "wrapup": "wrapup_start",
}


def states_of(snapshot: Snapshot, state: AccountState, account_id: str, feed: str, at: datetime) -> list[Event]:
    """How each thing stands, as events."""
    comparing = _Comparing(state, account_id, feed, at, snapshot.at or at)
    queues = [comparing.state("queue", each) for each in snapshot.queues]
    return queues + [comparing.state("recipient", each) for each in snapshot.recipients]


def missed_by(
    snapshot: Snapshot,
    state: AccountState,
    account_id: str,
    feed: str,
    at: datetime,
    families: Collection[str] = ("queue", "recipient"),
) -> list[Event]:
    """Bring the state of these families to what REST reported; the changes that no event had announced."""
    comparing = _Comparing(state, account_id, feed, at, snapshot.at or at)
    if "recipient" in families:
        for recipient in snapshot.recipients:
            comparing.recipient(recipient)
    if "queue" in families:
        comparing.sessions(snapshot.queues)
    return comparing.missed


@attrs.define
class _Comparing:
    """One comparison, and what turns out to have been missed."""

    _state: AccountState
    _account_id: str
    _feed: str
    _at: datetime
    _began: datetime
    missed: list[Event] = attrs.field(factory=list)

    def state(self, family: str, seen: Seen) -> Event:
        """A thing's state as REST reports it, under the word that the server itself uses for that."""
        id_ = plain_id(seen.id)
        known = self._state.recipient(id_).id if family == "recipient" else self._state.queue(id_)
        return self._event(family, known, "sync", seen.status, "", self._began)

    def recipient(self, seen: Seen) -> None:
        """Compare one recipient."""
        recipient = self._state.recipient(plain_id(seen.id))
        if self._is_newer(recipient.at):
            return
        before, now = recipient.status, recipient.status.updated(seen.fields, whole=True)
        now = msgspec.structs.replace(now, offered=self._spelled(now.offered), handled=self._spelled(now.handled))
        recipient.status, recipient.at = now, self._began - SERVER_DELAY
        if before.presence != "unknown":
            for word, session_id, more in _changes(before, now):
                ids = {"recipient_id": recipient.id, **({"session_id": session_id} if session_id else {})}
                self._miss("recipient", recipient.id, word, {**seen.status, **ids, **more}, session_id)
        if now.presence == "handling" and now.handled:
            self._settle(now.handled, "handled")

    def sessions(self, queues: tuple[Seen, ...]) -> None:
        """Compare who waits where; nothing is said of sessions whose queue does not list them."""
        waiting = [(entry, queue) for queue in queues for entry in queue.waiting or ()]
        for entry, queue in waiting:
            session = self._state.session(plain_id(text_of(entry, "session_id")))
            queue_id = self._state.queue(plain_id(queue.id))
            known = session.stage == "waiting" and session.queue_id == queue_id
            if not known and not self._is_newer(session.at):
                session.stage, session.queue_id, session.at = "waiting", queue_id, self._began - SERVER_DELAY
                ids = {"queue_id": queue_id, "session_id": session.id}
                self._miss("queue", queue_id, "join", {**entry, **ids}, session.id)
        there = {plain_id(text_of(entry, "session_id")) for entry, _ in waiting}
        listing = {self._state.queue(plain_id(queue.id)) for queue in queues if queue.waiting is not None}
        for queue_id in listing:
            self._state.listed(queue_id, self._began - SERVER_DELAY)
        for key, session in self._state.sessions.items():
            gone = session.stage == "waiting" and key not in there and session.queue_id in listing
            if gone and not self._is_newer(session.at):
                session.stage, session.at = "left", self._began - SERVER_DELAY
                ids = {"session_id": session.id, "queue_id": session.queue_id}
                self._miss("queue", session.queue_id, "leave", ids, session.id)

    def _spelled(self, session_id: str) -> str:
        """A session's id as events have spelled it."""
        return self._state.session(plain_id(session_id)).id if session_id else ""

    def _settle(self, session_id: str, stage: Stage) -> None:
        session = self._state.session(session_id)
        if not self._is_newer(session.at):
            session.stage, session.at = stage, self._began - SERVER_DELAY

    def _is_newer(self, known_at: datetime | None) -> bool:
        return known_at is not None and known_at > self._began - SERVER_DELAY

    def _miss(self, family: str, id_: str, word: str, data: Mapping[str, Any], session_id: str) -> None:
        self.missed.append(self._event(family, id_, word, data, session_id, None))

    def _event(
        self, family: str, id_: str, word: str, data: Mapping[str, Any], session_id: str, time: datetime | None
    ) -> Event:
        address = Address(PROVIDER, "account", self._account_id, family, id_, word)
        content = encode_data([session_id, self._began.isoformat(), data], ordered=True)
        return Event(
            id=content_id(b"backfill", *(part.encode() for part in address), content),
            kind=kind_of(family, word, data),
            address=address,
            time=time,
            received=self._at,
            feed=self._feed,
            correlation=session_id or None,
            native_type=word,
            origin="backfill",
            inferred=time is None,
            data=dict(data),
        )


def _changes(before: Status, now: Status) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The events that would have led from one status to the other: word, session, and what else they say."""
    if before.session and before.session != now.session:
        if before.presence == "handling":
            yield "hangup", before.session, {}
        elif now.presence != "handling":
            yield "rescind", before.session, {}
    if before.presence == "logged_out" != now.presence:
        yield "create", "", {}
    if (before.presence, before.session) != (now.presence, now.session):
        session_id = now.handled if now.presence == "wrapup" else now.session
        yield _WORDS[now.presence], session_id, {}
    if before.external != now.external:
        yield "external_call_start" if now.external else "external_call_end", "", {}
    for queue_id in sorted(now.paused - before.paused):
        yield "pause", "", {"queue_id": queue_id}
    for queue_id in sorted(before.paused - now.paused):
        yield "resume", "", {"queue_id": queue_id}
