"""The diagram of a feed's states, an SVG generated from the table of transitions in the code."""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot

from jackfield.reports.feed_states import TRANSITIONS, FeedState

__all__ = ["states_diagram"]

# The position of each state; a new state must be added here.
PLACES = {
    FeedState.DISCONNECTED: (110, 170),
    FeedState.CONNECTING: (330, 60),
    FeedState.CONNECTED: (560, 60),
    FeedState.SUBSCRIBED: (560, 280),
    FeedState.RECONNECTING: (330, 280),
    FeedState.LISTENING: (110, 300),
}
WIDTH, HEIGHT = 690, 340
BOX_WIDTH, BOX_HEIGHT = 132, 40
# The curvature of an arrow to its left, so that transitions in both directions do not overlap.
BOW = 22

HEAD = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"
 font-family="sans-serif" font-size="15">
<title>The states of a feed's connection, and which may follow which</title>
<style>
rect {{ fill: #e8eef7; stroke: #35507a; stroke-width: 1.5 }} text {{ fill: #14213d; text-anchor: middle }}
path {{ fill: none; stroke: #35507a; stroke-width: 1.5 }} .start {{ fill: #35507a; stroke: none }}
</style>
<rect width="100%" height="100%" style="fill:#fff;stroke:none" rx="12"/>
<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0,0 L8,4 L0,8 z" style="fill:#35507a;stroke:none"/></marker></defs>
"""


def states_diagram() -> str:
    """The whole picture."""
    x, y = PLACES[FeedState.DISCONNECTED]
    first = f'<circle class="start" cx="{x}" cy="{y - 70}" r="6"/>\n' + _path(
        x, y - 64, x, y - 66, x, y - BOX_HEIGHT / 2 - 2
    )
    return HEAD + first + "".join((*_arrows(), *_boxes())) + "</svg>\n"


def _boxes() -> Iterator[str]:
    for state, (x, y) in PLACES.items():
        left, top = x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2
        yield f'<rect x="{left:g}" y="{top:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="8"/>\n'
        yield f'<text x="{x}" y="{y + 5}">{state.value}</text>\n'


def _arrows() -> Iterator[str]:
    for state, following in TRANSITIONS.items():
        for other in sorted(following, key=lambda each: each.value):
            (x1, y1), (x2, y2) = PLACES[state], PLACES[other]
            length = hypot(x2 - x1, y2 - y1)
            middle_x = (x1 + x2) / 2 + BOW * (y2 - y1) / length
            middle_y = (y1 + y2) / 2 - BOW * (x2 - x1) / length
            start, end = _edge(x1, y1, middle_x, middle_y), _edge(x2, y2, middle_x, middle_y)
            yield _path(*start, middle_x, middle_y, *end)


def _edge(x: float, y: float, to_x: float, to_y: float) -> tuple[float, float]:
    """Where the line from the middle of a box to a point leaves the box."""
    dx, dy = to_x - x, to_y - y
    share = min(
        (BOX_WIDTH / 2 + 2) / abs(dx) if dx else float("inf"), (BOX_HEIGHT / 2 + 2) / abs(dy) if dy else float("inf")
    )
    return x + dx * share, y + dy * share


def _path(*points: float) -> str:
    x1, y1, mx, my, x2, y2 = (f"{each:.0f}" for each in points)
    return f'<path d="M{x1},{y1} Q{mx},{my} {x2},{y2}" marker-end="url(#tip)"/>\n'
