"""One binding that was asked for, and two of them that were asked for together."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from jackfield_vinix.bindings import Spelling

__all__ = ["Subscription", "lost_beside"]


@attrs.define
class Subscription:
    """A binding that was asked for, and holds once the server grants it."""

    spelling: Spelling
    topics: dict[str, None] = attrs.field(factory=dict)
    held: bool = False
    beside: bool = False
    """Whether it is asked for beside another spelling of the same, until it shows which of them brings events."""
    asks: int = 1
    heard: bool = False
    """Whether events have come by it."""


def lost_beside(surplus: Iterable[Subscription], wanted: list[Subscription]) -> list[Subscription] | None:
    """Those that bring nothing although what was asked for beside them does; ``None`` where nothing shows yet."""
    losers, shown = list[Subscription](), False
    for each in surplus:
        if each.beside and each.held:
            own = [main for main in wanted if main.spelling.family == each.spelling.family]
            shown = shown or any(main.heard for main in own)
            if each.heard and own and all(main.spelling.wide and main.held and not main.heard for main in own):
                losers += own
    return losers if shown or losers else None
