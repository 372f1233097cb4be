"""What Vinix lists by REST of the state: recipients, their contacts, queues, and who waits where it says so.

Plain KAZOO does not list the sessions of a queue; there contacts are known as far as recipients have them, and not all.
Vinix' REST writes ids with dashes, its events without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from jackfield.events import Parties
from jackfield.plugin.http import HTTPFlow
from jackfield.state import Listed, Sync
from jackfield_vinix.parties import parties_of
from jackfield_vinix.presence import NOTHING_KNOWN, Presence, Status
from jackfield_vinix.rest import Rest
from jackfield_vinix.snapshot import Seen, Snapshot, query_snapshot
from jackfield_vinix.wire import fold, plain_id, text_of

__all__ = ["query_sync"]

_KINDS: Mapping[Presence, str] = {
    "logged_out": "agent.logged_off",
    "away": "agent.not_ready",
    "ready": "agent.ready",
    "offered": "agent.reserved",
    "handling": "agent.busy",
    "wrapup": "agent.wrapup_started",
}


def query_sync(rest: Rest, account_id: str) -> HTTPFlow[Sync]:
    """Ask for everything."""
    snapshot: Snapshot = yield from query_snapshot(rest, account_id)
    listed = [*_agents(snapshot), *_queues(snapshot), *_contacts(snapshot)]
    complete = {"agent", "queue"}
    if all(queue.waiting is not None for queue in snapshot.queues):
        complete.add("contact")
    return Sync(tuple(listed), frozenset(complete), snapshot.at)


def _agents(snapshot: Snapshot) -> Iterator[Listed]:
    for seen in snapshot.recipients:
        status = _status(seen)
        kind = "agent.external_call_started" if status.external else _KINDS.get(status.presence, "")
        if kind:
            id_ = plain_id(seen.id)
            parties = parties_of("recipient", "sync", {**seen.fields, "recipient_id": id_})
            parties = _with(parties, agent_name=seen.name)
            yield Listed(kind, id_, plain_id(status.session), parties=parties)


def _queues(snapshot: Snapshot) -> Iterator[Listed]:
    for seen in snapshot.queues:
        parties = _named(seen.fields, queue_id=seen.id)
        yield Listed("queue.updated", plain_id(seen.id), parties=_with(parties, queue_name=seen.name))


def _contacts(snapshot: Snapshot) -> Iterator[Listed]:
    for queue in snapshot.queues:
        for entry in queue.waiting or ():
            yield from _contact("contact.queued", entry, queue_id=queue.id)
    for recipient in snapshot.recipients:
        for field, kind in (("offered_call", "offer.created"), ("handling_call", "contact.connected")):
            yield from _contact(kind, recipient.fields.get(field), recipient_id=recipient.id)


def _contact(kind: str, call: Any, **ids: str) -> Iterator[Listed]:
    fields = fold(call)
    if session_id := plain_id(text_of(fields, "session_id")):
        since = _moment(fields) if kind == "contact.queued" else None
        yield Listed(kind, session_id, session_id, since, _named(fields, **ids))


def _named(fields: Mapping[str, Any], **ids: str) -> Parties:
    named = {name: plain_id(text_of(fields, name)) for name in ("queue_id", "recipient_id") if name in fields}
    return parties_of("session", "", {**fields, **named, **{name: plain_id(id_) for name, id_ in ids.items()}})


def _with(parties: Parties, **more: str) -> Parties:
    """These too, as far as they are known."""
    known = {name: text for name, text in more.items() if text}
    return msgspec.structs.replace(parties, **known) if known else parties


def _status(seen: Seen) -> Status:
    return NOTHING_KNOWN.updated(seen.fields, whole=True)


def _moment(fields: Mapping[str, Any]) -> datetime | None:
    """When a contact came into its queue: seconds since 1970, in 32 bits."""
    text = text_of(fields, "queue_enter_time")
    if not text.isdecimal() or len(text) > len("4294967295"):
        return None
    seconds = int(text)
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < 2**32 else None
