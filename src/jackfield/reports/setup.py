"""Reports of what a program or a configuration asks for and cannot get; among `jackfield.reports`."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

__all__ = ["DurableOwnerless", "KindUnknown", "PluginLoadFailed"]

MOST_SHOWN = 10


@attrs.frozen
class KindUnknown:
    """A listener or a route selects a kind that neither Jackfield nor any feed's vendor has."""

    level: ClassVar[Literal["warning"]] = "warning"
    selector: str
    problem: str

    def __str__(self) -> str:
        return f"selector {self.selector}: {self.problem}"


@attrs.frozen
class DurableOwnerless:
    """Durable subscriptions of tokens that are not configured: nobody can follow them, and feeds stay subscribed."""

    level: ClassVar[Literal["warning"]] = "warning"
    names: tuple[str, ...]
    """Each with the name of its token before its own."""

    def __str__(self) -> str:
        shown = ", ".join(self.names[:MOST_SHOWN]) + (", …" if len(self.names) > MOST_SHOWN else "")
        return (
            f"journal: durable subscriptions of tokens that are not configured: {shown}; nobody can follow them, and "
            "feeds stay subscribed to what they select; 'journal forget-durable' forgets one while no gateway runs"
        )


@attrs.frozen
class PluginLoadFailed:
    """A plugin could not be loaded or broke its contract; the rest goes on without it."""

    level: ClassVar[Literal["error"]] = "error"
    distribution: str
    entry_point: str
    problem: str

    def __str__(self) -> str:
        return f"plugin {self.entry_point} of {self.distribution}: {self.problem}"
