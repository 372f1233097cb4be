"""The messages of the sub-protocol ``jackfield.v1``, as they are read and as they are described. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

__all__ = ["FIELDS", "HEARD", "Asked", "misplaced"]

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}


def _component(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """What a client sends: ``subscribe``, ``unsubscribe``, ``resume``, or ``acknowledge``."""

    type: Literal["subscribe", "unsubscribe", "resume", "acknowledge"]
    id: str
    """The client's name for the subscription."""
    select: list[str] = []
    after: str | None = None
    state: bool = False
    durable: str | None = None
    position: str = ""


FIELDS: Mapping[str, tuple[str, ...]] = {
    "subscribe": ("select", "after", "state", "durable"),
    "unsubscribe": (),
    "resume": ("after",),
    "acknowledge": ("position",),
}
"""What each message has beside its type and its id."""


def misplaced(asked: Asked) -> str:
    """A field that is given and that a message of this type does not have; empty where there is none."""
    own, fresh = FIELDS[asked.type], Asked(asked.type, asked.id)
    others = (each for each in asked.__struct_fields__ if each not in ("type", "id", *own))
    return next((each for each in others if getattr(asked, each) != getattr(fresh, each)), "")


HEARD: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "subscribed": ("What is delivered of what was asked for.", {"select": _TEXTS}),
    "event": ("A committed event.", {"position": _TEXT, "event": _component("Event")}),
    "notice": ("What was missed or dropped, as an event.", {"event": _component("Event")}),
    "snapshot": ("The state, first.", {"state": _component("State")}),
    "changes": ("What has changed since.", {"state": _component("Changes")}),
    "acknowledged": ("Up to where what was acknowledged is saved.", {"position": _TEXT}),
    "unsubscribed": ("Nothing more comes; with a reason where another client has taken over.", {"reason": _TEXT}),
    "error": ("What was wrong with a message.", {"error": _TEXT}),
}
"""What a client gets, each with what it means, and its fields beside ``type`` and ``id``."""
