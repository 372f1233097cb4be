"""References in a payload: an id, or what the platform writes where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield_voipbin.kinds import NIL_UUID

__all__ = ["first_id"]

_NO_IDS = ("", NIL_UUID)


def first_id(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """The first of these fields that holds a reference; empty where none does."""
    for name in names:
        if isinstance(value := fields.get(name), str) and value not in _NO_IDS:
            return value
    return ""
