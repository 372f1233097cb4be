"""The changes since a viewer's last update, as the JSON text of one message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import msgspec

from jackfield._dashboard.board import Board
from jackfield.addresses import escape_segment
from jackfield.selectors import Selector

__all__ = ["MOST_EVENTS", "View"]

MOST_EVENTS = 120
"""Maximum number of events in one update; nobody can read more than a few times as many in a second."""


@attrs.define(eq=False)
class View:
    """One viewer of the board: its selector, and the versions that were sent to it."""

    selector: Selector
    _version: int = 0
    _serial: int | None = None
    _figures: Mapping[str, Any] | None = None

    def next(self, board: Board, figures: Mapping[str, Any], now: float, redact: Callable[[str], str]) -> bytes | None:
        """The next message, the first one complete; ``None`` if nothing has changed.

        `figures` is included as it is; every text is passed through `redact`.
        """
        tables = {}
        for name, table in board.tables.items():
            if changes := table.since(self._version):
                rows = [{"key": key, **row.shown()} for key, row in changes.rows]
                tables[name] = {
                    "reset": changes.reset,
                    "rows": rows,
                    "gone": changes.gone,
                    "crowded": table.crowded,
                }
        if self._serial is None:
            news = board.tail.history(self.selector, MOST_EVENTS)
        else:
            news = board.tail.news(self.selector, self._serial, MOST_EVENTS)
        first = self._serial is None
        self._version, self._serial = board.version, board.tail.last
        if not (first or tables or news.rows or news.hidden or figures != self._figures):
            return None
        self._figures = figures
        events = [
            {
                "key": row.serial,
                "at": row.at,
                "feed": row.feed,
                "kind": row.kind,
                "address": list(map(escape_segment, row.address)),
                "origin": row.origin,
            }
            for row in news.rows
        ]
        message = {"now": now, "first": first, "tables": tables, "events": events, "hidden": news.hidden}
        return msgspec.json.encode(_without(message | {"figures": figures}, redact))


def _without(value: Any, redact: Callable[[str], str]) -> Any:
    """The value with all secrets redacted in its texts."""
    match value:
        case str():
            return redact(value)
        case list():
            return [_without(each, redact) for each in value]
        case dict():
            return {key: _without(each, redact) for key, each in value.items()}
    return value
