"""The routes of a running gateway, which a program may change: where an event goes is settled when it is taken."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import attrs

from jackfield._delivery import SinkPipeline
from jackfield._journal import Journal
from jackfield._routing.route_spans import RouteSpan
from jackfield.config import Route
from jackfield.errors import JackfieldError
from jackfield.selectors import Selector

__all__ = ["Routes"]


@attrs.define(eq=False)
class Routes:
    """Which routes there are now, and what each pipeline knows of them."""

    _pipelines: Mapping[str, SinkPipeline]
    _journal: Journal
    _held: list[tuple[Route, dict[str, RouteSpan]]] = attrs.field(factory=list)

    def __iter__(self) -> Iterator[Route]:
        return (route for route, _ in self._held)

    @property
    def selectors(self) -> list[Selector]:
        """What any of them selects."""
        return [selector for route in self for selector in route.select]

    @property
    def fleeting(self) -> list[Route]:
        """Those that a program has added, and that end with the gateway."""
        return [route for route, spans in self._held if any(not span.lasting for span in spans.values())]

    def add(self, route: Route, *, configured: bool = False, present: Collection[str] = ()) -> None:
        """Let a route hold for what comes from now on; one of the configuration's also for what came before.

        To the sinks that are `present`, because they were there before the route, it leads only what comes from now on.
        """
        now = self._journal.upcoming
        spans = {
            name: self._pipelines[name].selects.add(
                route.select, 0 if configured and name not in present else now, lasting=configured
            )
            for name in dict.fromkeys(route.sinks)
        }
        self._held.append((route, spans))

    def remove(self, route: Route) -> Route:
        """End a route for what comes from now on, and return it; `JackfieldError` where there is no such route."""
        place = next((place for place, (held, _) in enumerate(self._held) if held == route), None)
        if place is None:
            shown = f"{', '.join(map(str, route.select))} to {', '.join(route.sinks)}"
            raise JackfieldError(f"there is no route from {shown}")
        held, spans = self._held.pop(place)
        for name, span in spans.items():
            self._pipelines[name].end(span, self._journal.upcoming)
        return held

    def order(self, configured: Iterable[Route]) -> None:
        """Show the configuration's routes first, in their order."""
        places = {route: place for place, route in reversed(list(enumerate(configured)))}
        self._held.sort(key=lambda each: places.get(each[0], len(places)))
