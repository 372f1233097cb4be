"""Which consumer gets an event, by the texts of selectors alone: an oracle for programs and plugins of any vendor.

It is written as differently from `jackfield.selectors` as can be: it splits texts, and knows neither patterns nor
indexes. So a program that routes events by selectors, of one vendor or of several, can be compared with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from jackfield.events import Event

__all__ = ["consumers_of", "selects"]

SEGMENTS = 6


def consumers_of(event: Event, selectors: Mapping[str, Iterable[str]]) -> set[str]:
    """The consumers, by name, one of whose selectors' texts selects the event."""
    return {name for name, texts in selectors.items() if any(selects(text, event) for text in texts)}


def selects(selector: str, event: Event) -> bool:
    """Whether a selector's text, which must be valid, selects an event."""
    kind, both, address = selector.partition("@")
    if not both:
        kind, address = ("*.*", selector) if "/" in selector or selector.strip() == "**" else (selector, "**")
    words = address.strip().split("/")
    if words[-1] == "**":
        words[-1:] = ["*"] * (SEGMENTS + 1 - len(words))
    pairs = [*zip(kind.strip().split("."), event.kind.split("."), strict=True), *zip(words, event.address, strict=True)]
    return all(word == "*" or unquote(word) == said for word, said in pairs)
