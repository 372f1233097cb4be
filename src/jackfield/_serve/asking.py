"""What a client asks for, read from its request. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

import attrs
import msgspec

from jackfield._journal.durable import check_durable
from jackfield._serve.grants import Grant
from jackfield._serve.messages import Positions
from jackfield.errors import SelectorError
from jackfield.plugin.http import Request, Response
from jackfield.selectors import Selector

__all__ = [
    "NEWEST",
    "OLDEST",
    "PREFIX",
    "WORDS",
    "EventsAsked",
    "Refused",
    "Target",
    "check_name",
    "json_response",
    "read_selectors",
    "read_target",
]

PREFIX = "/v1/"
MOST_SELECTORS = 200
WORDS = NEWEST, OLDEST = "newest", "oldest"
"""What may stand in place of a position where a subscription begins."""
_TRUE, _FALSE = frozenset({"", "1", "true", "yes"}), frozenset({"0", "false", "no"})


class Refused(Exception):  # named by what happened
    """A request that is not answered as it wishes; what it gets instead."""

    def __init__(self, status: int, error: str, headers: Mapping[str, str] = {}, **details: Any) -> None:
        super().__init__(error)
        self.status, self.error, self.headers, self.details = status, error, headers, details

    def response(self) -> Response:
        """The answer."""
        return json_response(self.status, {"error": self.error, **self.details}, **self.headers)


def json_response(status: int, document: Any, **headers: str) -> Response:
    """An answer in JSON that no cache keeps."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = document if isinstance(document, bytes) else msgspec.json.encode(document)
    return Response(status, {"content-type": "application/json", "cache-control": "no-store", **named}, body + b"\n")


@attrs.frozen
class Target:
    """A request's path below ``/v1/``, in its decoded segments, and its query."""

    path: tuple[str, ...]
    query: Mapping[str, list[str]]

    def flag(self, name: str) -> bool:
        """Whether something is asked for: ``?state``, ``?state=1``; `Refused` for neither yes nor no."""
        if name not in self.query:
            return False
        if (value := self.query[name][0].lower()) not in _TRUE | _FALSE:
            raise Refused(400, f"{name}: {value[:80]!r} is neither 1 nor 0")
        return value in _TRUE

    def text(self, name: str) -> str:
        """The value of a parameter; empty where it is not there."""
        return self.query.get(name, [""])[0]

    def check(self, known: Collection[str]) -> None:
        """`Refused` for a parameter that is not among those, or is given twice and is no ``select``."""
        for name, values in self.query.items():
            if name not in known:
                raise Refused(400, f"{name[:80]}: no such parameter; known: {', '.join(sorted(known)) or 'none'}")
            if len(values) > 1 and name != "select":
                raise Refused(400, f"{name}: is given {len(values)} times; give it once")


def read_target(url: str) -> Target | None:
    """Where a request goes; ``None`` where that is none of ours."""
    path, _, query = url.partition("?")
    if not path.startswith(PREFIX):
        return None
    return Target(
        tuple(unquote(each, errors="replace") for each in path.removeprefix(PREFIX).split("/")),
        parse_qs(query, keep_blank_values=True, errors="replace"),
    )


def read_selectors(texts: Iterable[str], grant: Grant) -> tuple[Selector, ...]:
    """What a client gets of what it selects; `Refused` for what does not parse, and where it may see nothing of it."""
    wanted = []
    for text in texts:
        try:
            wanted.append(Selector.parse(text.strip()))
        except SelectorError as error:
            problem = f"select: {error.problem}, at character {error.position + 1} of {text[:200]!r}"
            raise Refused(400, problem, select=text, problem=error.problem, position=error.position) from None
    if len(wanted) > MOST_SELECTORS:
        raise Refused(400, f"select: {len(wanted)} selectors; a subscription has at most {MOST_SELECTORS}")
    if not wanted:
        raise Refused(400, 'select: none is given; give one or more, such as "contact.*", or "**" for all events')
    narrowed = grant.narrow(wanted)
    if not narrowed:
        shown = ", ".join(map(str, grant.select))
        raise Refused(403, f"select: this token may see {shown}, and nothing of that is asked for", allowed=shown)
    return narrowed


@attrs.frozen
class EventsAsked:
    """A subscription by URL."""

    select: tuple[Selector, ...]
    """What it gets; none where only the state is asked for."""
    after: str
    resumed: str
    """The position in the header ``Last-Event-ID``, up to where the client has everything."""
    durable: str
    """The name of a durable subscription; empty where it is none."""
    state: bool
    check: bool
    """Whether it only wants to know whether that would be accepted."""

    @classmethod
    def of(cls, request: Request, target: Target, grant: Grant, positions: Positions) -> EventsAsked:
        """Read it; `Refused` for what is wrong with it."""
        texts = [each for each in target.query.get("select", []) if each.strip()]
        state = target.flag("state")
        select = () if state and not texts else read_selectors(texts, grant)
        resumed, after, durable = request.header("last-event-id"), target.text("after"), target.text("durable")
        if not after and "after" in target.query and not resumed:
            raise Refused(400, "after: is empty; leave it out to begin with what comes next")
        if "durable" in target.query:
            check_name(durable, state=state)
        name, position = ("Last-Event-ID", resumed) if resumed else ("after", after)
        if resumed or after not in ("", *WORDS):
            try:
                positions.read(position)
            except ValueError as error:
                raise Refused(400, f"{name}: {error}") from None
        return cls(select, after, resumed, durable, state, target.flag("check"))


def check_name(durable: str, *, state: bool) -> None:
    """`Refused` for what cannot be the name of a durable subscription, and where there cannot be one."""
    try:
        check_durable(durable)
    except ValueError as error:
        raise Refused(400, str(error)) from None
    if state:
        raise Refused(400, "durable: is for events; the state is of one moment, ask for it in a stream of its own")
