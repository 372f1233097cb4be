"""What VoIPBIN lists by REST of the state: agents, queues, and the calls and queuecalls of the last hours.

A list that a server does not have, or that the token may not read, leaves what it would tell unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from jackfield.errors import RestError
from jackfield.events import Parties
from jackfield.plugin.http import HTTPFlow
from jackfield.state import Listed, Sync
from jackfield_voipbin.correlation import correlation_fields, read_correlation
from jackfield_voipbin.kinds import kind_by, rule_of
from jackfield_voipbin.listing import Catch, pages, path_of
from jackfield_voipbin.parties import parties_reader
from jackfield_voipbin.rest import Rest
from jackfield_voipbin.times import parse_time

__all__ = ["query_sync"]

LONGEST = timedelta(hours=12)
"""A call that began longer ago is not looked for."""
# By resource: the entity that it tells of, and whether only the newest of its list matter.
_LISTS: Mapping[str, tuple[str, bool]] = {
    "agent": ("agent", False),
    "queue": ("queue", False),
    "call": ("call", True),
    "queuecall": ("contact", True),
}
_QUEUECALLS = {
    "initiating": "contact.created",
    "waiting": "contact.queued",
    "connecting": "offer.created",
    "service": "contact.connected",
}
_SINCE = {
    "call.connected": "tm_progressing",
    "call.alerting": "tm_ringing",
    "contact.connected": "tm_service",
    "contact.created": "tm_create",
}
_LEFT_OUT = frozenset({"call.cleared", "call.failed", "call.clearing", "call.updated"})


def query_sync(rest: Rest, now: datetime) -> HTTPFlow[Sync]:
    """Ask for everything; `RestError` where no list is given."""
    found: dict[str, list[dict[str, Any]]] = {}
    complete: set[str] = set()
    refused: list[RestError] = []
    for resource, (entity, comes_and_goes) in _LISTS.items():
        catch = Catch()
        try:
            yield from pages(rest, catch, resource, path_of(resource), now - LONGEST if comes_and_goes else None)
        except RestError as error:
            if error.status not in (403, 404):
                raise
            refused.append(error)
            continue
        found[resource] = [each.data for each in catch.found]
        if not catch.unread:
            complete.add(entity)
    if len(refused) == len(_LISTS):
        raise refused[0]
    queues = {call: queue["id"] for queue in found.get("queue", ()) for call in _calls(queue)}
    listed = [
        each
        for resource, items in found.items()
        for item in items
        if (each := _listed(resource, item, queues)) is not None
    ]
    return Sync(tuple(listed), frozenset(complete))


def _calls(queue: Mapping[str, Any]) -> Iterator[str]:
    for field in ("wait_queuecall_ids", "service_queuecall_ids"):
        ids = queue.get(field)
        yield from (each for each in (ids if isinstance(ids, list) else ()) if isinstance(each, str))


def _listed(resource: str, fields: Mapping[str, Any], queues: Mapping[str, str]) -> Listed | None:
    """One resource in a list; ``None`` for what is over or deleted, or in a state that nobody knows."""
    resource_id, kind = fields.get("id"), _kind(resource, fields)
    if not kind or kind in _LEFT_OUT or not isinstance(resource_id, str) or parse_time(fields.get("tm_delete")):
        return None
    parties = parties_reader(resource)(resource_id, fields)
    if (queue_id := queues.get(resource_id)) is not None:
        parties = Parties(agent_id=parties.agent_id, queue_id=queue_id, media=parties.media)
    moment = fields.get(_SINCE.get(kind, "tm_update")) or fields.get("tm_create")
    correlation = read_correlation(correlation_fields(resource, fields), fields)
    return Listed(kind, resource_id, correlation or "", parse_time(moment), parties)


def _kind(resource: str, fields: Mapping[str, Any]) -> str:
    status = fields.get("status")
    match resource:
        case "queue":
            return "queue.updated"
        case "queuecall":
            return _QUEUECALLS.get(status, "") if isinstance(status, str) else ""
        case "agent":
            return kind_by(rule_of("agent_status_updated"), fields)
    return kind_by(rule_of("call.status"), fields)
