"""A query of everything by REST: queues, who waits in them, recipients, in both spellings of the interface."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from jackfield.errors import RestError
from jackfield.plugin.http import HTTPFlow
from jackfield_vinix.rest import Rest
from jackfield_vinix.wire import fold, plain_id, text_of

__all__ = ["Seen", "Snapshot", "query_snapshot"]

# One question for so many recipients; a hundred statuses are some 60 kB.
AT_ONCE = 100
# What a server says to a question that it does not know, or about something that is just gone.
_UNKNOWN = (400, 404, 405, 501)


@attrs.frozen
class Seen:
    """A queue or a recipient as REST reports it."""

    id: str
    status: Mapping[str, Any]
    """Its status, in the vendor's words."""
    waiting: tuple[Mapping[str, Any], ...] | None = None
    """The sessions in a queue; ``None`` where the server does not list them."""
    name: str = ""
    """As the account's list of them has it; empty where that has ids only."""

    @property
    def fields(self) -> Mapping[str, Any]:
        """The status for reading."""
        return fold(self.status)


@attrs.frozen
class Snapshot:
    """Everything at about one moment."""

    at: datetime | None
    """When the query began, by the server's clock; ``None`` where that does not show."""
    queues: tuple[Seen, ...]
    recipients: tuple[Seen, ...]


def query_snapshot(rest: Rest, account_id: str) -> HTTPFlow[Snapshot]:
    """Query everything; `RestError` where the account's lists are not given."""
    rest.clock = None
    queue_names = _names((yield from rest.every("accounts", account_id, "qubicle_queues")), "queue_id")
    began = rest.clock
    queues = []
    for queue_id, name in queue_names.items():
        path = ("accounts", account_id, "qubicle_queues", queue_id)
        status = yield from _if_known(rest.get(*path, "status"))
        waiting = yield from _if_known(rest.every(*path, "sessions"))
        sessions = None if waiting is None else tuple(_sessions(waiting))
        if status is not None or sessions is not None:
            queues.append(Seen(queue_id, status if isinstance(status, dict) else {}, sessions, name))
    names = _names((yield from rest.every("accounts", account_id, "qubicle_recipients")), "recipient_id", "user_id")
    recipient_ids = list(names)
    statuses: dict[str, Any] = {}
    for start in range(0, len(recipient_ids), AT_ONCE):
        some = recipient_ids[start : start + AT_ONCE]
        path = ("accounts", account_id, "qubicle_recipients", "status")
        statuses |= _by_id((yield from _if_known(rest.post(*path, data={"recipient_ids": some}))))
    for recipient_id in recipient_ids:
        if plain_id(recipient_id) not in statuses:
            status = yield from _if_known(
                rest.get("accounts", account_id, "qubicle_recipients", recipient_id, "status")
            )
            if isinstance(status, dict):
                statuses[plain_id(recipient_id)] = status
    recipients = tuple(
        Seen(each, statuses[plain_id(each)], name=name) for each, name in names.items() if plain_id(each) in statuses
    )
    return Snapshot(began, tuple(queues), recipients)


def _if_known(exchange: HTTPFlow[Any]) -> HTTPFlow[Any]:
    """What is asked for; ``None`` where the server does not know it, or knows it no longer."""
    try:
        return (yield from exchange)
    except RestError as error:
        if error.status not in _UNKNOWN:
            raise
        return None


def _names(items: Iterable[Any], *ids: str) -> dict[str, str]:
    """The names of a list's items by their ids, each once; empty where it has none."""
    names: dict[str, str] = {}
    for item in items:
        if id_ := _id(item, *ids):
            names[id_] = names.get(id_) or text_of(fold(item), "name")
    return names


def _id(item: Any, *names: str) -> str:
    """The id of a list's item, which is an object with it, or it alone."""
    if isinstance(item, str):
        return item
    fields = fold(item)
    return next((each for name in (*names, "id") if (each := text_of(fields, name))), "")


def _by_id(status: Any) -> dict[str, Any]:
    """Many statuses: an object by id, or a list of those with an id in each."""
    if isinstance(status, list):
        pairs: Iterable[tuple[str, Any]] = ((_id(each, "recipient_id", "user_id"), each) for each in status)
    else:
        pairs = status.items() if isinstance(status, dict) else ()
    return {plain_id(each): status for each, status in pairs if each and isinstance(status, dict)}


def _sessions(items: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for item in items:
        if session_id := _id(item, "session_id"):
            yield {**(item if isinstance(item, dict) else {}), "session_id": session_id}
