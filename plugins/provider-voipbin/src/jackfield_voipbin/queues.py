"""The queue of a contact, from ``GET /queues``, where no call's action has shown it: in the background, and cached.

A queue lists the queuecalls that wait in it or are served (``wait_queuecall_ids``, ``service_queuecall_ids``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import msgspec

from jackfield.errors import RestError
from jackfield.events import Event, content_id, encode_data
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.protocol import Action, Emit, Request
from jackfield_voipbin.listing import Catch, pages
from jackfield_voipbin.rest import Rest
from jackfield_voipbin.topics import PROVIDER

__all__ = ["QueueLookup"]

LOOKUP_SECONDS = 5.0
"""How often the queues are asked for, at most."""
MOST_ASKED = 3
MOST_PENDING = 1_000


@attrs.define
class QueueLookup:
    """The contacts of one connection whose queue is not known yet."""

    _pending: dict[str, tuple[Event, int]] = attrs.field(factory=dict)
    """By queuecall: its last event, and how often its queue was asked for."""
    _since: float = LOOKUP_SECONDS
    _asking: bool = False
    _forbidden: bool = False

    def note(self, event: Event) -> None:
        """A contact came; ask for its queue where it has none and may be in one."""
        queuecall_id = event.data.get("id") if isinstance(event.data, dict) else None
        if not isinstance(queuecall_id, str) or self._forbidden:
            return
        if event.parties.queue_id or event.kind not in ("contact.created", "contact.queued", "offer.created"):
            self._pending.pop(queuecall_id, None)
        elif queuecall_id in self._pending or len(self._pending) < MOST_PENDING:
            _, asked = self._pending.get(queuecall_id, (event, 0))
            self._pending[queuecall_id] = (event, asked)

    def tick(self, passed: float, rest: Rest | None) -> Iterator[Action]:
        """Ask for the queues, if a contact needs it and nobody asked a moment ago."""
        self._since += passed
        if rest is None or not self._pending or self._asking or self._since < LOOKUP_SECONDS:
            return
        self._since, self._asking = 0.0, True
        yield Request(lambda: self._ask(rest), "the queues of contacts", brings_events=False)

    def _ask(self, rest: Rest) -> HTTPFlow[Iterable[Action]]:
        catch = Catch()
        try:
            yield from pages(rest, catch, "queue", "queues", None)
        except RestError as error:
            self._asking = False
            if error.status in (401, 403, 404):
                self._forbidden = True
                self._pending.clear()
            return self._found({})
        self._asking = False
        return self._found({call: each.data["id"] for each in catch.found for call in _calls(each.data)})

    def _found(self, queues: dict[str, str]) -> list[Action]:
        actions: list[Action] = []
        for queuecall_id, (event, asked) in list(self._pending.items()):
            if (queue_id := queues.get(queuecall_id)) is not None:
                actions.append(Emit(_with_queue(event, queuecall_id, queue_id)))
            elif asked + 1 < MOST_ASKED:
                self._pending[queuecall_id] = (event, asked + 1)
                continue
            del self._pending[queuecall_id]
        return actions


def _calls(queue: dict[str, Any]) -> Iterator[str]:
    for field in ("wait_queuecall_ids", "service_queuecall_ids"):
        listed = queue.get(field)
        yield from (each for each in (listed if isinstance(listed, list) else ()) if isinstance(each, str))


def _with_queue(event: Event, queuecall_id: str, queue_id: str) -> Event:
    return attrs.evolve(
        event,
        id=content_id(encode_data((PROVIDER, "contact.updated", queuecall_id, queue_id), ordered=True)),
        kind="contact.updated",
        address=event.address._replace(event="updated"),
        native_type="",
        inferred=True,
        parties=msgspec.structs.replace(event.parties, queue_id=queue_id),
        data={"id": queuecall_id, "queue_id": queue_id, "derived_from": "GET /v1.0/queues"},
        data_json=None,
    )
