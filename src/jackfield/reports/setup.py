"""Reports of what a program or a configuration asks for and cannot get; among `jackfield.reports`."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

__all__ = ["KindUnknown", "PluginLoadFailed"]


@attrs.frozen
class KindUnknown:
    """A listener or a route selects a kind that neither Jackfield nor any feed's vendor has."""

    level: ClassVar[Literal["warning"]] = "warning"
    selector: str
    problem: str

    def __str__(self) -> str:
        return f"selector {self.selector}: {self.problem}"


@attrs.frozen
class PluginLoadFailed:
    """A plugin could not be loaded or broke its contract; the rest goes on without it."""

    level: ClassVar[Literal["error"]] = "error"
    distribution: str
    entry_point: str
    problem: str

    def __str__(self) -> str:
        return f"plugin {self.entry_point} of {self.distribution}: {self.problem}"
