"""What joins one customer contact across its resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jackfield_voipbin.fields import first_id

__all__ = ["correlation_reader"]

Reader = Callable[[Mapping[str, Any]], str | None]

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


def correlation_reader(resource: str) -> Reader:
    """How to read what a resource shares with the others of one contact; it reads ``None`` where it belongs to none."""
    otherwise = _BY_RESOURCE.get(resource, _OTHERS)
    unreferred = _CALL + otherwise
    referred = _REFERRED + otherwise
    if resource == "queuecall":
        return lambda fields: first_id(fields, referred) or None
    return lambda fields: first_id(fields, referred if fields.get("reference_type") == "call" else unreferred) or None
