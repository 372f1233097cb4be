"""Reports about a configuration that changes while the gateway runs; among `jackfield.reports`."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

__all__ = ["ConfigReloadFailed", "ConfigReloaded", "SinkRemoved"]


@attrs.frozen
class ConfigReloaded:
    """A running gateway has taken over another configuration."""

    level: ClassVar[Literal["info"]] = "info"
    changes: tuple[str, ...]
    """One text for each, such as ``feeds.office: changed (token)``; none where nothing was to be done."""

    def __str__(self) -> str:
        return f"configuration reloaded: {'; '.join(self.changes) or 'nothing has changed'}"


@attrs.frozen
class ConfigReloadFailed:
    """A running gateway goes on with the configuration that it had."""

    level: ClassVar[Literal["error"]] = "error"
    problems: tuple[str, ...]

    def __str__(self) -> str:
        return f"configuration not reloaded, the old one goes on: {'; '.join(self.problems)}"


@attrs.frozen
class SinkRemoved:
    """A sink was taken out of the configuration while the gateway runs."""

    level: ClassVar[Literal["info"]] = "info"
    sink: str
    delivered: int
    """Events since the start."""
    left: int
    """Events behind its cursor in the journal's files, which it goes on with where it is configured again."""

    def __str__(self) -> str:
        text = f"sink {self.sink}: removed, after {self.delivered} events"
        if not self.left:
            return text
        return (
            f"{text}; {self.left} wait in the journal until it is configured again, or 'jackfield journal forget-sink'"
        )
