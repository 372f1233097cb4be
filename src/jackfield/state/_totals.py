"""A day's totals: what each contact contributes, added up by the hour; pure.

A contact's contribution is a function of its facts. Whenever they change the old one is taken out and the new one put
in, so the sums do not depend on the order of events.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from operator import add, sub

import attrs

from jackfield.state._tracks import Track
from jackfield.state.values import Totals

__all__ = ["Contribution", "DayTotals"]

Contribution = tuple[datetime, tuple[str, ...], list[int]]
"""The beginning of its hour, the keys of whom it counts for, and the figures in the order of `Totals`."""

HOURS = 50
"""Two days, and one of them may have 25."""
_FIGURES = len(Totals.__struct_fields__)
_QUEUED, _ANSWERED, _WITHIN, _ABANDONED, _ENDED, _WAIT, _HANDLING, _HANDLED = range(_FIGURES)
_ZERO, _MILLISECOND, _AN_HOUR = timedelta(), timedelta(milliseconds=1), timedelta(hours=1)
_LATEST = datetime.max.replace(tzinfo=UTC) - _AN_HOUR


@attrs.define(eq=False)
class DayTotals:
    """Sums by hour and key, of the last two days; a day's are added up when somebody asks."""

    _zone: tzinfo
    _within: timedelta
    hours: dict[datetime, dict[str, list[int]]] = attrs.field(factory=dict)
    """By the beginning of the hour, in UTC."""
    kept: dict[datetime, dict[str, list[int]]] = attrs.field(factory=dict)
    """Of these, the sums of what was forgotten."""
    _hour: tuple[datetime, datetime, date] | None = None
    """The hour that was asked about last, and its day."""

    def day_of(self, at: datetime) -> date:
        """The day of a moment in the configured time zone."""
        return self._hour_of(at)[2]

    def midnight(self, at: datetime) -> datetime:
        """When the day of a moment began."""
        local = at.astimezone(self._zone)
        return datetime(local.year, local.month, local.day, tzinfo=self._zone).astimezone(UTC)

    def _hour_of(self, at: datetime) -> tuple[datetime, datetime, date]:
        hour = self._hour
        if hour is None or not hour[0] <= at < hour[1]:
            local = at.astimezone(self._zone)  # whose hours may begin at another minute than those of UTC
            into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
            begins = at.astimezone(UTC) - into
            hour = self._hour = (begins, min(begins, _LATEST) + _AN_HOUR, local.date())
        return hour

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
        return self._hour_of(queued or track.began)[0], whose, figures

    def replace(self, old: Contribution | None, new: Contribution) -> tuple[str, ...]:
        """Take one contribution out and put another in; the keys of the sums that changed."""
        hours = self.hours
        if old is not None and old[0] == new[0] and old[1] == new[1]:
            _add(hours, new[0], new[1], list(map(sub, new[2], old[2])))
            return new[1]
        if old is not None:
            _add(hours, old[0], old[1], [-figure for figure in old[2]])
        _add(hours, *new)
        return new[1] if old is None else tuple(dict.fromkeys(old[1] + new[1]))

    def keep(self, contribution: Contribution) -> None:
        """Its contact is forgotten, and goes on counting."""
        _add(self.kept, *contribution)

    def restore(self, sums: Mapping[datetime, Mapping[str, list[int]]]) -> None:
        """Put in what was kept before."""
        for hour, each in sums.items():
            for key, figures in each.items():
                for hours in (self.hours, self.kept):
                    _add(hours, hour, (key,), figures)

    def of(self, day: date) -> Iterator[tuple[str, Totals]]:
        """The sums of a day."""
        sums: dict[str, list[int]] = {}
        for _, each in self._hours_of(day):
            for key, figures in each.items():
                known = sums.get(key)
                sums[key] = list(figures if known is None else map(add, known, figures))
        for key, figures in sums.items():
            if any(figures):
                yield key, Totals(*figures)

    def one(self, day: date, key: str) -> Totals:
        """One sum of a day."""
        found = [each[key] for _, each in self._hours_of(day) if key in each]
        return Totals(*map(sum, zip(*found, strict=True)))

    def by_hour(self, day: date, without: Container[str]) -> dict[datetime, dict[str, Totals]]:
        """The sums of each hour of a day in which there was something, but those of some keys."""
        found = {
            hour: {key: Totals(*figures) for key, figures in each.items() if key not in without and any(figures)}
            for hour, each in sorted(self._hours_of(day), key=lambda each: each[0])
        }
        return {hour: sums for hour, sums in found.items() if sums}

    def _hours_of(self, day: date) -> list[tuple[datetime, dict[str, list[int]]]]:
        return [(hour, sums) for hour, sums in self.hours.items() if self.day_of(hour) == day]


def _add(
    hours: dict[datetime, dict[str, list[int]]], hour: datetime, keys: tuple[str, ...], figures: list[int]
) -> None:
    sums = hours.get(hour)
    if sums is None:
        if len(hours) >= HOURS and hour < min(hours):
            return  # and what was in it is gone
        sums = hours[hour] = {}
        while len(hours) > HOURS:
            del hours[min(hours)]
    for key in keys:
        known = sums.get(key)
        sums[key] = list(figures if known is None else map(add, known, figures))
