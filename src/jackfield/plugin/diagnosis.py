"""What ``jackfield doctor`` finds out about a feed, and what a provider can add from what it knows of its vendor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import attrs

from jackfield.events import Event
from jackfield.plugin.protocol import FeedProtocol

__all__ = ["Finding", "Outcome", "SupportsDiagnosis"]

Outcome = Literal["ok", "warning", "failed"]
"""``failed`` is what keeps events away; a ``warning`` is what may, or what an operator should know."""


@attrs.frozen
class Finding:
    """What one check has found."""

    check: str
    """Of what, in a word or two: ``token``, ``spelling``."""
    outcome: Outcome
    text: str
    """What was found, and what it means; without any secret."""
    advice: str = ""
    """What to do; empty where nothing needs to be done."""


@runtime_checkable
class SupportsDiagnosis(Protocol):
    """Optional, of a provider: what only it can say of its credentials and of its vendor's server."""

    def diagnose(self, protocol: FeedProtocol | None, events: Sequence[Event], now: datetime) -> Iterable[Finding]:
        """The token's age and rights, the spellings that are served, how the server differs from its documentation.

        Called once, of the provider that the last login returned (of the configured one where there was none), after
        `events` came by a connection of `protocol`; ``None`` where none came up. Pure.
        """
        ...
