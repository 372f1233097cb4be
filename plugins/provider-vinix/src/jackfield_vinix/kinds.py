"""Which qubicle event is which neutral kind: one table, by family and word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jackfield.kinds import unmapped_kind

__all__ = ["FAMILIES", "TABLE", "kind_of", "kinds_at"]

FAMILIES = ("queue", "recipient", "session")
"""The binding families that exist."""

TABLE: Mapping[str, Mapping[str, str]] = {
    "queue": {
        "create": "queue.started",
        "delete": "queue.stopped",
        "join": "contact.queued",
        "leave": "contact.dequeued",  # or contact.abandoned, by its reason
        "delivered": "contact.connected",
        "sync": "queue.snapshot",
    },
    "recipient": {
        "create": "agent.logged_on",
        "login": "agent.logged_on",
        "delete": "agent.logged_off",
        "logout": "agent.logged_off",
        "ready": "agent.ready",
        "away": "agent.not_ready",
        "pause": "agent.queue_paused",
        "resume": "agent.queue_resumed",
        "wrapup_start": "agent.wrapup_started",
        "wrapup_complete": "agent.wrapup_ended",
        "offer": "offer.created",
        "reject": "offer.rejected",
        "rescind": "offer.rescinded",
        "delivered": "contact.connected",
        "hangup": "contact.disconnected",
        "external_call_start": "agent.external_call_started",
        "external_call_end": "agent.external_call_ended",
        "sync": "agent.snapshot",
        "wiretap_start": "supervision.started",
        "wiretap_stop": "supervision.ended",
        "wiretap_failed": "supervision.failed",
        "interaction_finalize_start": "contact.disposition_started",
        "interaction_finalize_end": "contact.disposition_completed",
    },
    "session": {
        "create": "contact.created",
        "delete": "contact.ended",
    },
}

# The documentation says that a reason is given and not which there are; these are the words for a
# caller who hung up that KAZOO and its call-centre applications use, without what stands between words.
_GAVE_UP = re.compile(r"(caller|customer|member)?(abandon(ed)?|hangup|hungup)|(caller|originator)cancel(l?ed)?")


def kind_of(family: str, word: str, data: Mapping[str, Any]) -> str:
    """The neutral kind of an event; ``unmapped.<family>`` for a word that is not in the table."""
    kind = TABLE.get(family, {}).get(word)
    if kind is None:
        return unmapped_kind(family)
    if kind == "contact.dequeued" and _GAVE_UP.fullmatch(_plain(data.get("reason"))):
        return "contact.abandoned"
    return kind


def _plain(reason: Any) -> str:
    return "".join(filter(str.isalnum, reason)).lower() if isinstance(reason, str) else ""


def kinds_at(family: str, word: str | None) -> frozenset[str]:
    """The kinds that events of a family with this word, or any for ``None``, can have."""
    words = TABLE.get(family, {})
    kinds = {unmapped_kind(family)} if word is None or word not in words else {words[word]}
    if word is None:
        kinds.update(words.values())
    return frozenset(kinds | {"contact.abandoned"} if "contact.dequeued" in kinds else kinds)
