"""How the journal stands, in figures, out of its parts."""

from __future__ import annotations

from jackfield._journal.committing import Committing
from jackfield._journal.intake import Intake
from jackfield._journal.log import Log
from jackfield._journal.pending import PendingNotes
from jackfield._journal.retention import Retention
from jackfield._journal.store import Store
from jackfield.reports.stats import JournalStats

__all__ = ["journal_stats"]


def journal_stats(
    intake: Intake,
    log: Log,
    committing: Committing,
    retention: Retention,
    pending: PendingNotes,
    store: Store,
    rescued: int,
) -> JournalStats:
    """What happened so far, counted, and what is kept; nothing is read for it."""
    limits = retention.limits if store.survives else None
    return JournalStats(
        taken=intake.taken,
        duplicates=intake.duplicates.total(),
        dropped=intake.dropped,
        waiting=len(intake.waiting),
        kept=log.count(log.first, log.end),
        damaged=log.damaged,
        unread=retention.unread,
        dead_lettered=dict(pending.dead_lettered),
        rescued=rescued,
        failing=committing.failing,
        commits=committing.latency.snapshot(),
        waiting_bytes=intake.waiting_bytes,
        size_bytes=store.size,
        limit_bytes=None if limits is None else limits.bytes,
        retain_seconds=None if limits is None else limits.seconds,
        oldest_at=log.received_at(log.first),
    )
