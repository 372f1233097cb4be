"""A day's totals: what each contact contributes, added up; pure.

A contact's contribution is a function of its facts. Whenever they change the old one is taken out and the new one put
in, so the sums do not depend on the order of events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta, tzinfo

import attrs

from jackfield.state._tracks import Track
from jackfield.state.values import Totals

__all__ = ["Contribution", "DayTotals"]

Contribution = tuple[date, tuple[str, ...], list[int]]
"""The day, the keys of whom it counts for, and the figures in the order of `Totals`."""

DAYS = 2
_FIGURES = len(Totals.__struct_fields__)
_QUEUED, _ANSWERED, _WITHIN, _ABANDONED, _ENDED, _WAIT, _HANDLING, _HANDLED = range(_FIGURES)
_ZERO, _MILLISECOND = timedelta(), timedelta(milliseconds=1)


@attrs.define(eq=False)
class DayTotals:
    """Sums by day and key, of the last two days."""

    _zone: tzinfo
    _within: timedelta
    days: dict[date, dict[str, list[int]]] = attrs.field(factory=dict)
    kept: dict[date, dict[str, list[int]]] = attrs.field(factory=dict)
    """Of these, the sums of what was forgotten."""
    _hour: tuple[datetime, datetime, date] | None = None
    """The hour that was asked about last, and its day; an hour, since a day may have 23 or 25."""

    def day_of(self, at: datetime) -> date:
        """The day of a moment in the configured time zone."""
        hour = self._hour
        if hour is not None and hour[0] <= at < hour[1]:
            return hour[2]
        local = at.astimezone(self._zone)
        begins = at - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        self._hour = (begins, begins + timedelta(hours=1), local.date())
        return local.date()

    def contribution(self, track: Track, *, over: bool) -> Contribution:
        """What a contact counts for."""
        facts = track.facts
        queued, connected = facts.get("contact.queued"), facts.get("contact.connected")
        figures = [0] * _FIGURES
        figures[_QUEUED], figures[_ENDED] = int(queued is not None), int(over)
        agent = ""
        if connected is not None:
            waited = max(connected - queued, _ZERO) if queued is not None else _ZERO
            figures[_ANSWERED], figures[_WITHIN], figures[_WAIT] = (
                1,
                int(waited <= self._within),
                waited // _MILLISECOND,
            )
            agent = track.agent[1] if track.agent is not None else ""
            ended = facts.get("contact.disconnected") or facts.get("contact.ended") or track.calls_over
            if ended is not None:
                figures[_HANDLING], figures[_HANDLED] = max(ended - connected, _ZERO) // _MILLISECOND, 1
        elif "contact.abandoned" in facts:
            figures[_ABANDONED] = 1
        queue = track.queue[1] if track.queue is not None else ""
        whose = tuple({"": None, queue: None, agent: None})
        return self.day_of(queued or track.began), whose, figures

    def replace(self, old: Contribution | None, new: Contribution) -> tuple[str, ...]:
        """Take one contribution out and put another in; the keys of the sums that changed."""
        days = self.days
        if old is not None and old[:2] == new[:2]:
            _add(days, new[0], new[1], [a - b for a, b in zip(new[2], old[2], strict=True)])
            return new[1]
        if old is not None:
            _add(days, old[0], old[1], [-figure for figure in old[2]])
        _add(days, *new)
        return new[1] if old is None else tuple(dict.fromkeys(old[1] + new[1]))

    def keep(self, contribution: Contribution) -> None:
        """Its contact is forgotten, and goes on counting."""
        _add(self.kept, *contribution)

    def restore(self, sums: Mapping[date, Mapping[str, list[int]]]) -> None:
        """Put in what was kept before."""
        for day, each in sums.items():
            for key, figures in each.items():
                for days in (self.days, self.kept):
                    _add(days, day, (key,), figures)

    def of(self, day: date) -> Iterator[tuple[str, Totals]]:
        """The sums of a day."""
        for key, figures in self.days.get(day, {}).items():
            if any(figures):
                yield key, Totals(*figures)

    def one(self, day: date, key: str) -> Totals:
        """One sum of a day."""
        return Totals(*self.days.get(day, {}).get(key, ()))


def _add(days: dict[date, dict[str, list[int]]], day: date, keys: tuple[str, ...], figures: list[int]) -> None:
    sums = days.get(day)
    if sums is None:
        if len(days) >= DAYS and day < min(days):
            return  # and what was in it is gone
        sums = days[day] = {}
        while len(days) > DAYS:
            del days[min(days)]
    for key in keys:
        known = sums.get(key)
        sums[key] = list(figures) if known is None else [a + b for a, b in zip(known, figures, strict=True)]
