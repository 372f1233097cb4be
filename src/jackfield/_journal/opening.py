"""Opening the journal that a configuration asks for, in memory or in a folder."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from math import inf
from pathlib import Path

import trio

from jackfield._journal import Journal
from jackfield._journal.log import Bounds
from jackfield._journal.per_feed import refuse_feed_journals
from jackfield._journal.rescue import Rescue
from jackfield._journal.retention import Limits
from jackfield._journal.segments.folder import SEGMENT_BYTES
from jackfield._journal.store import MemoryStore, SegmentStore
from jackfield._journal.takeover import take_over
from jackfield.config import GatewayOptions
from jackfield.reports import JournalRescued, Report

__all__ = ["open_journal"]

# Whole segments are deleted, so that many hold what may be kept.
SEGMENTS = 16


@asynccontextmanager
async def open_journal(options: GatewayOptions, report: Callable[[Report], None]) -> AsyncGenerator[Journal, None]:
    """The configured journal; its files are closed at the very end."""
    size = min(SEGMENT_BYTES, options.retain_bytes // SEGMENTS)
    # So much may come, and be indexed, until the next trim.
    limits = Limits(
        options.retain_seconds, options.retain_bytes - 2 * size, options.retain_dead_bytes, options.dedupe_window
    )
    bounds = Bounds(options.memory_events, options.memory_bytes)
    if options.journal == "memory":
        memory = MemoryStore(options.memory_events, report)
        yield Journal(bounds, memory, report, Limits(ids=options.dedupe_window, every=inf))
        return
    path, reports = Path(options.journal), list[Report]()
    await trio.to_thread.run_sync(refuse_feed_journals, path)
    await trio.to_thread.run_sync(take_over, path, reports.append)
    for taken_over in reports:
        report(taken_over)
    seconds = options.retain_seconds / SEGMENTS
    opening = partial(
        SegmentStore.open,
        path,
        fsync=options.fsync,
        segment_bytes=size,
        segment_seconds=seconds,
        keep_keys=options.dedupe_window,
    )
    store = await trio.to_thread.run_sync(opening)
    for rescue in await trio.to_thread.run_sync(Rescue.found, path):
        report(JournalRescued(str(rescue.path), rescue.events, "an earlier run has lost its files"))
    try:
        journal = await trio.to_thread.run_sync(Journal, bounds, store, report, limits)
        yield journal
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(store.close)
