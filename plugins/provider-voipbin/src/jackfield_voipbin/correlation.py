"""What joins one customer contact across its resources."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from jackfield_voipbin.fields import first_id

__all__ = ["CorrelationFields", "correlation_fields", "read_correlation"]

# Fields that hold the id of the call at which a contact's resources meet, best first. The call, and
# not the activeflow, since queue events and queuecalls know the call only.
_CALL = ("master_call_id", "call_id")
# Where a resource refers to a call, that one.
_REFERRED = (*_CALL, "reference_id")
# Else what the resources of one exchange have in common.
_OTHERS = ("activeflow_id", "conversation_id", "chat_id", "session_id", "aicall_id", "transcribe_id", "id")
_BY_RESOURCE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("call", "groupcall"), ("id",)),
    # These belong to no contact.
    **dict.fromkeys(("agent", "ai", "account", "campaign", "number", "outdial", "queue", "team"), ()),
}


class CorrelationFields(msgspec.Struct, frozen=True):
    """Those of a resource's fields that may hold what it shares with the others of its contact, best first."""

    unreferred: tuple[str, ...]
    referred: tuple[str, ...]
    """The same where it refers to a call."""
    asks: bool
    """Whether the payload says what it refers to."""


def correlation_fields(resource: str, names: Collection[str]) -> CorrelationFields:
    """Those among the names of a payload's fields."""
    otherwise = _BY_RESOURCE.get(resource, _OTHERS)
    unreferred = tuple(name for name in _CALL + otherwise if name in names)
    referred = tuple(name for name in _REFERRED + otherwise if name in names)
    if resource == "queuecall":
        return CorrelationFields(referred, referred, asks=False)
    return CorrelationFields(unreferred, referred, asks="reference_type" in names)


def read_correlation(those: CorrelationFields, fields: Mapping[str, Any]) -> str | None:
    """What a resource shares with the others of one contact; ``None`` where it belongs to none."""
    calls = those.asks and fields["reference_type"] == "call"
    return first_id(fields, those.referred if calls else those.unreferred) or None
