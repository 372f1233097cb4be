"""What a feed or a sink may be called, and which one a wrong name means."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = ["is_short_name", "meant", "name_problem"]

MOST_CHARACTERS = 100


def name_problem(name: object) -> str:
    """What is wrong with a name, in words; empty for a good one: it stands in logs, metrics, addresses and URLs."""
    if not isinstance(name, str):
        return f"{name!r} is not a name; a name is a text"
    if not name or name != name.strip() or not name.isprintable():
        shown = name[:MOST_CHARACTERS]
        return f"{shown!r} is not a name; a name has characters that can be seen, and no space around them"
    if len(name) > MOST_CHARACTERS:
        return f"{name[:MOST_CHARACTERS]!r}… is too long for a name, by {len(name) - MOST_CHARACTERS} characters"
    return ""


_SHORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def is_short_name(name: str) -> bool:
    """Whether it is at most 64 letters, digits, '.', '_' and '-', which no path, list or log can be confused by."""
    return _SHORT.fullmatch(name) is not None


def meant(wrong: str, names: Iterable[str]) -> str:
    """A question after the name that is nearest to a wrong one; empty where none is near."""
    near = difflib.get_close_matches(wrong, list(names), n=1)
    return f"did you mean {near[0]}?" if near else ""
