"""Opening the journal that a configuration asks for, in memory or in a file."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import trio

from jackfield._journal import Journal
from jackfield._journal.downtime import last_received_at
from jackfield._journal.retention import Limits
from jackfield._journal.store import Store
from jackfield.config import GatewayOptions
from jackfield.reports import Report

__all__ = ["open_journal"]


@asynccontextmanager
async def open_journal(
    options: GatewayOptions, feeds: Iterable[str], report: Callable[[Report], None]
) -> AsyncGenerator[tuple[Journal, Mapping[str, datetime]], None]:
    """The configured journal, and when it last heard of each feed; its file is closed at the very end."""
    limits = Limits(options.retain_seconds, options.retain_bytes, options.retain_dead_bytes, options.dedupe_window)
    if options.journal == "memory":
        yield Journal(options.memory_events, None, report, limits), {}
        return
    opening = partial(Store.open, Path(options.journal), fsync=options.fsync)
    store = await trio.to_thread.run_sync(opening)
    try:
        signs = await trio.to_thread.run_sync(last_received_at, store, feeds)
        yield Journal(options.memory_events, store, report, limits), signs
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(store.close)
