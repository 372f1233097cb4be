"""Suggestions for selectors that name a kind that does not exist."""

from __future__ import annotations

import difflib

from jackfield.kinds import KIND_NAMES, UNMAPPED
from jackfield.selectors import Selector

__all__ = ["kind_hint"]


def kind_hint(selector: Selector) -> str:
    """A sentence that says that a selector's kind or entity does not exist; empty if it exists."""
    entity, word = selector.kind
    if entity in (None, UNMAPPED):
        return ""
    if word is None:
        asked, known = entity, sorted({name.partition(".")[0] for name in KIND_NAMES})
    else:
        asked, known = f"{entity}.{word}", sorted(KIND_NAMES)
    if asked in known:
        return ""
    near = difflib.get_close_matches(asked, known, n=1)
    return f"there is no kind {asked}" + (f"; did you mean {near[0]}?" if near else "")
