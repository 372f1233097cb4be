"""Diagrams of states, SVGs generated from the tables of transitions in the code: a feed's, and the lives of things."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import hypot, inf

from jackfield.reports.feed_states import TRANSITIONS, FeedState
from jackfield.state.lives import UNKNOWN, Life

__all__ = ["life_diagram", "states_diagram"]

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

# The columns and rows of a life's states.
GRID = {
    "contact": {
        "created": (0, 0), "queued": (1, 0), "offered": (2, 0), "routed": (3, 0), "connected": (3, 1),
        "dequeued": (1, 1), "abandoned": (0, 2), "disconnected": (2, 2), "ended": (3, 2),
    },
    "call": {
        "initiated": (0, 0), "originated": (1, 0), "alerting": (2, 0), "connected": (2, 1), "held": (3, 0),
        "parked": (3, 1), "clearing": (1, 1), "cleared": (1, 2), "failed": (0, 2),
    },
    "agent": {
        "logged_off": (0, 0), "not_ready": (1, 0), "ready": (2, 0), "reserved": (3, 0), "busy": (3, 1),
        "wrapup": (2, 1),
    },
}  # fmt: skip
COLUMN, ROW = 185, 120

HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
 font-family="sans-serif" font-size="15">
<title>{title}, and which may follow which</title>
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
    head = HEAD.format(width=WIDTH, height=HEIGHT, title="The states of a feed's connection")
    places = {state.value: place for state, place in PLACES.items()}
    pairs = [
        (state.value, other.value)
        for state, following in TRANSITIONS.items()
        for other in sorted(following, key=lambda each: each.value)
    ]
    return head + first + "".join((*_arrows(pairs, places), *_boxes(places))) + "</svg>\n"


def life_diagram(life: Life) -> str:
    """The life of one sort of thing."""
    grid = GRID[life.entity]
    places = {state: (100 + column * COLUMN, 50 + row * ROW) for state, (column, row) in grid.items()}
    width, height = max(x for x, _ in places.values()) + 100, max(y for _, y in places.values()) + 50
    pairs = dict.fromkeys(
        (state, each.to) for each in life.transitions for state in each.since if each.to not in ("", state)
    )
    order = life.states
    # Whatever an optional state leads to, those before it lead to by leaving it out.
    known = [
        (state, to)
        for state, to in pairs
        if state != UNKNOWN
        and not any(
            (between, to) in pairs and order.index(state) < order.index(between) < order.index(to)
            for between in life.optional
            if state in life.optional
        )
    ]
    head = HEAD.format(width=width, height=height, title=f"The states of a {life.entity}")
    return head + "".join((*_arrows(known, places, 160), *_boxes(places, life.over))) + "</svg>\n"


def _boxes(places: Mapping[str, tuple[int, int]], last: Collection[str] = ()) -> Iterator[str]:
    for state, (x, y) in places.items():
        for margin in (4, 0) if state in last else (0,):
            left, top = x - BOX_WIDTH / 2 - margin, y - BOX_HEIGHT / 2 - margin
            size = f'width="{BOX_WIDTH + 2 * margin}" height="{BOX_HEIGHT + 2 * margin}"'
            yield f'<rect x="{left:g}" y="{top:g}" {size} rx="{8 + margin}"/>\n'
        yield f'<text x="{x}" y="{y + 5}">{state}</text>\n'


def _arrows(
    pairs: Iterable[tuple[str, str]], places: Mapping[str, tuple[int, int]], reach: float = inf
) -> Iterator[str]:
    """Arrows that bow more where they are longer than `reach`."""
    for state, other in pairs:
        (x1, y1), (x2, y2) = places[state], places[other]
        length = hypot(x2 - x1, y2 - y1)
        bow = BOW * max(1, length / reach)
        middle_x = (x1 + x2) / 2 + bow * (y2 - y1) / length
        middle_y = (y1 + y2) / 2 - bow * (x2 - x1) / length
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
