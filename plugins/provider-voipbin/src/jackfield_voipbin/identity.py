"""One id for all copies of an event, and no id for two.

The platform publishes an event under several topics (of the customer and of an agent, shorter and longer), by
websocket and by webhook, and shows the resource again to whoever lists it. What all copies share is the
resource's content, and what happened to it. So an id is made of

* what happened: the neutral kind, or the vendor's name where there is none. ``call.status``, ``call_progressing``
  and a bare call in progress are the same; a ``call_updated`` with the same content is another event, since two
  changes at once are published with one content under two names, and neither may be lost;
* the payload, in whatever order its keys come: it holds the resource's id and the time of its update;
* the id in the topic, only where the payload has none: one event comes under a transcribe's and a transcript's;
* the envelope's timestamp, only where the payload bears no time but its creation, which may stay the same from
  one change of state to the next. For a creation itself it does not count.

A call comes into each of its statuses once, and a conference ends once: such a transition is made of the resource's id,
the transition and its stamp, and of nothing else, so that it has one id whichever frame showed it, at every gateway.

Nothing else counts: not the topic, its scope, the form of the message, the moment of its sending. What remains is
that a bare copy whose name cannot be inferred (of ``call_updated``) has another id than its wrapped copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.events import content_id, encode_data
from jackfield.kinds import UNMAPPED
from jackfield_voipbin.event_names import EventName
from jackfield_voipbin.times import parse_time
from jackfield_voipbin.topics import PROVIDER

__all__ = ["identity"]

_UNMAPPED = f"{UNMAPPED}."


def identity(name: EventName, kind: str, own_id: str, topic_id: str, timestamp: Any, data: Any, *, dated: bool) -> str:
    """The event's id, by the resource's id in the payload, or in the topic where the payload has none.

    `dated` says whether the payload bears the moment of its last change.
    """
    if own_id and (name.stamp is not None or name.stamps) and (stamp := _stamp_of(name, data)) is not None:
        # The kind of a call's end says how it ended, of which the platform may learn later.
        what = "call.cleared" if kind == "call.failed" else kind
        return content_id(encode_data((PROVIDER, what, own_id, stamp), ordered=True))
    what = f"{name.resource}.{name.word}" if kind.startswith(_UNMAPPED) else kind
    when = str(timestamp) if name.repeats and not dated and timestamp is not None else ""
    return content_id(encode_data((PROVIDER, what, own_id or topic_id, when, data), ordered=True))


def _stamp_of(name: EventName, fields: Mapping[str, Any]) -> str | None:
    """The stamp of a transition that happens to its resource once, empty where it has none; ``None`` for others."""
    field = name.stamp
    if name.stamps and isinstance(status := fields.get("status"), str):
        field = name.stamps.get(status)
    if not field:
        return field
    stamp = fields.get(field)
    return stamp if isinstance(stamp, str) and parse_time(stamp) is not None else ""
