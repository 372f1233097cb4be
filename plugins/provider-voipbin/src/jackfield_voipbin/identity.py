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

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jackfield.events import content_id, encode_data
from jackfield.kinds import UNMAPPED
from jackfield_voipbin.kinds import native_name
from jackfield_voipbin.naming import STAMPS
from jackfield_voipbin.times import parse_time
from jackfield_voipbin.topics import PROVIDER

__all__ = ["identity", "identity_once", "once_of"]

_UNMAPPED = f"{UNMAPPED}."
_SEPARATOR = re.compile(r"[._]")
# What happens to a resource once, so that no time is needed to tell one from the next.
_ONCE = frozenset({"created", "received", "sent", "initializing"})


def identity(name: str, kind: str, resource_id: str, timestamp: Any, data: Any, *, dated: bool) -> str:
    """The event's id; `resource_id` is the payload's own where it has one, else the topic's.

    `dated` tells whether the payload says when it last changed.
    """
    what = ".".join(native_name(name)) if kind.startswith(_UNMAPPED) else kind
    when = "" if dated or timestamp is None or _happens_once(name) else str(timestamp)
    return content_id(encode_data((PROVIDER, what, resource_id, when, data), ordered=True))


def once_of(name: str, fields: Mapping[str, Any]) -> str | None:
    """The stamp of a transition that happens to its resource once, empty where it has none; ``None`` for others."""
    resource, word = native_name(name)
    if resource == "conference":
        status = "terminated" if word in ("deleted", "ended") else ""
    elif word == "status":
        # As documented. The end then comes as call.ended too, and both are delivered.
        status = str(fields.get("status")).replace("answered", "progressing").replace("hangup", "")
    else:
        status = "hangup" if word == "ended" else word
    if (field := STAMPS.get(resource, {}).get(status)) is None:
        return None
    stamp = fields.get(field)
    return stamp if field and isinstance(stamp, str) and parse_time(stamp) is not None else ""


def identity_once(kind: str, resource_id: str, stamp: str) -> str:
    """The id of such a transition."""
    # The kind of a call's end says how it ended, of which the platform may learn later.
    what = "call.cleared" if kind == "call.failed" else kind
    return content_id(encode_data((PROVIDER, what, resource_id, stamp), ordered=True))


@lru_cache(1024)
def _happens_once(name: str) -> bool:
    return _SEPARATOR.split(name)[-1] in _ONCE
