"""The spellings of a binding that servers accept, and which of them to try first.

Vinix documents one; KAZOO's own clients and its code have others, and which a server accepts is published nowhere. So
they are tried in turn, and what was learned outlives the connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import attrs

from jackfield_vinix.families import family_of_binding
from jackfield_vinix.topics import APPLICATION

__all__ = ["Learned", "Spelling", "binding_spellings"]


# KAZOO 4's listener, when it is overloaded, lets a subscription time out after 5 s, and the connection closes.
MOST_CRASHES = 3


class Spelling(NamedTuple):
    """One spelling of a topic as a binding."""

    style: str
    """What all bindings that are spelled so have in common."""
    binding: str
    family: str
    wide: bool
    """Whether it brings the whole family; the surplus is filtered by the gateway."""


def binding_spellings(topic: str, account_id: str) -> tuple[Spelling, ...]:
    """The spellings of a topic of this account, the documented one first; behind narrow ones, those of its family."""
    if (other := family_of_binding(topic)) is not None:
        styles = [f"{other.name} {number}" for number in range(len(other.bindings))]
        pairs = zip(styles, other.bindings, strict=True)
        return tuple(Spelling(style, binding, other.resource, wide=True) for style, binding in pairs)
    _, family, *words = (*topic.split("."), "")
    whole = f"{APPLICATION}.{family}.{account_id}"
    # The last one is how KAZOO 5 spells a subscription itself.
    spelled = {"documented": f"{whole}.*", "short": f"{APPLICATION}.{family}", "worded": f"{whole}.*.*"}
    wide = tuple(Spelling(style, binding, family, wide=True) for style, binding in spelled.items())
    if topic in spelled.values() or len(words) < 3:
        return tuple(sorted(wide, key=lambda spelling: spelling.binding != topic))
    narrow = {"one": topic, "one, worded": f"{topic}.*"}
    return (*(Spelling(style, binding, family, wide=False) for style, binding in narrow.items()), *wide)


@attrs.define
class Learned:
    """What is known of a server, handed from connection to connection."""

    _failed: dict[str, None] = attrs.field(factory=dict)
    """Styles that it refused, broke over, or brought nothing by; the longest ago first."""
    _proven: set[str] = attrs.field(factory=set)
    """Styles by which events have come."""
    _crashes: dict[str, int] = attrs.field(factory=dict)
    """Connections in a row that broke while a binding of the style was requested."""
    unavailable: int = 0
    """Connections in a row whose node had nothing of qubicle."""
    token_refused: bool = False
    """Whether the last token that was given was refused."""
    counts_anew: bool = False
    """Whether it subscribes anew when it is asked again on one connection, as generation 4 does."""

    def ordered(self, candidates: Iterable[Spelling]) -> list[Spelling]:
        """The most promising first: what failed comes last, what failed longest ago before the others."""
        rank = {style: number for number, style in enumerate(self._failed, 1)}
        return sorted(candidates, key=lambda spelling: rank.get(spelling.style, 0))

    def is_proven(self, style: str) -> bool:
        """Whether an event has come by a binding of this style."""
        return style in self._proven

    def has_failed(self, style: str) -> bool:
        """Whether the server refused a binding of this style, or broke over it, or brought nothing by it."""
        return style in self._failed

    def failed(self, style: str) -> None:
        """The server refused a binding of this style, or broke over it."""
        self._failed.pop(style, None)
        self._failed[style] = None
        self._proven.discard(style)

    def crashed(self, style: str) -> None:
        """The connection broke over a request of this style: an overloaded server does so too, but not every time."""
        self._crashes[style] = self._crashes.get(style, 0) + 1
        if self._crashes[style] >= MOST_CRASHES:
            del self._crashes[style]
            self.failed(style)

    def silent(self, style: str) -> None:
        """Nothing came by a binding of this style; if something ever did, the style is not the reason."""
        if style not in self._proven:
            self.failed(style)

    def confirmed(self, style: str) -> None:
        """The server granted a binding of this style."""
        self._failed.pop(style, None)
        self._crashes.pop(style, None)
        self.token_refused = False

    def brought(self, style: str) -> None:
        """An event has come by it."""
        self._proven.add(style)
