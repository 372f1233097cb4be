"""Which reports say again what was said before."""

from __future__ import annotations

import attrs

from jackfield.reports import FeedState, FeedStateChanged, Report
from jackfield.reports._thinning import is_due

__all__ = ["Repetitions"]


@attrs.define
class Repetitions:
    """Attempts to connect that fail in a row: the first is logged, and each doubling of their number."""

    _attempts: dict[str, int] = attrs.field(factory=dict)

    def hides(self, report: Report) -> bool:
        """Whether a report says again what was logged before."""
        if not isinstance(report, FeedStateChanged):
            return False
        if report.state is FeedState.SUBSCRIBED:
            self._attempts.pop(report.feed, None)
        elif report.state is FeedState.CONNECTING:
            self._attempts[report.feed] = self._attempts.get(report.feed, 0) + 1
        failed = self._attempts.get(report.feed, 1) - 1
        return failed > 0 and not is_due(failed)
