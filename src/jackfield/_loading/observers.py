"""The observers of reports; what they get can be shown: without secrets, and without control characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from jackfield._loading.discovery import plugin_code
from jackfield.errors import PluginError
from jackfield.plugin.redaction import Redactor
from jackfield.reports import Report

__all__ = ["Observer", "showable"]

R = TypeVar("R", bound=Report)

# They are the configuration's own words, and by them observers know what a report is about.
NAMES = ("feed", "sink")


@attrs.define(eq=False)
class Observer:
    """A plugin that gets reports, until it fails."""

    distribution: str
    entry_point: str
    _call: Callable[..., Any]
    _failed: bool = False

    def observe(self, report: Report) -> str:
        """Pass a report on; what to say of the plugin where this is the first time that it fails, else nothing."""
        if not self._failed:
            try:
                with plugin_code("jackfield_observe raised"):
                    self._call(report=report)
            except PluginError as error:
                self._failed = True
                return f"{error}; it is no longer called"
        return ""


def showable(report: R, redact: Redactor) -> R:
    """The report with texts that a terminal, a log or a page can show; a vendor may have worded them."""
    given = {
        field.name: value
        for field in attrs.fields(type(report))
        if field.name not in NAMES and isinstance(value := getattr(report, field.name), str)
    }
    changed = {name: text for name, value in given.items() if (text := redact(value)) != value}
    plain: Any = report  # an attrs object, which type checkers cannot say of a type variable
    shown: R = attrs.evolve(plain, **changed) if changed else report
    return shown
