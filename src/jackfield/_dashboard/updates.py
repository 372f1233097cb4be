"""What is new to one viewer since it was last told, as the JSON text of one message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs
import msgspec

from jackfield._dashboard.board import Board
from jackfield.addresses import escape_segment
from jackfield.plugin.secrets import REDACTED
from jackfield.selectors import Selector

__all__ = ["MOST_LINES", "View"]

MOST_LINES = 120
"""Events in one update; more than a few times as many in a second can nobody read."""


@attrs.define(eq=False)
class View:
    """One viewer of the board: its selector, and what it has been told."""

    selector: Selector
    _version: int = 0
    _serial: int | None = None
    _figures: Mapping[str, Any] | None = None

    def next(self, board: Board, figures: Mapping[str, Any], now: float, secrets: Iterable[str]) -> bytes | None:
        """The next message, the first one with everything; ``None`` where nothing is new.

        `figures` goes along as it is; `secrets` are left out of every text.
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
            news = board.tail.history(self.selector, MOST_LINES)
        else:
            news = board.tail.news(self.selector, self._serial, MOST_LINES)
        first = self._serial is None
        self._version, self._serial = board.version, board.tail.last
        if not (first or tables or news.lines or news.hidden or figures != self._figures):
            return None
        self._figures = figures
        events = [
            {
                "key": line.serial,
                "at": line.at,
                "feed": line.feed,
                "kind": line.kind,
                "address": list(map(escape_segment, line.address)),
                "origin": line.origin,
            }
            for line in news.lines
        ]
        message = {"now": now, "first": first, "tables": tables, "events": events, "hidden": news.hidden}
        return msgspec.json.encode(_without(message | {"figures": figures}, tuple(filter(None, secrets))))


def _without(value: Any, secrets: tuple[str, ...]) -> Any:
    """The value with no secret in any of its texts."""
    match value:
        case str():
            for secret in secrets:
                value = _uncut(value.replace(secret, REDACTED), secret)
            return value
        case list():
            return [_without(each, secrets) for each in value]
        case dict():
            return {key: _without(each, secrets) for key, each in value.items()}
    return value


def _uncut(text: str, secret: str) -> str:
    """A text that was shortened may end within a secret."""
    if not text.endswith("…"):
        return text
    kept = text[:-1]
    for length in range(min(len(secret), len(kept)), 0, -1):
        if kept.endswith(secret[:length]):
            return f"{kept[:-length]}{REDACTED}…"
    return text
