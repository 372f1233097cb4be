"""vCons for Jackfield: the options of a ``[sinks.NAME]`` table with ``type = "vcon"``."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import attrs
import trio

from jackfield.plugin.command import CommandSpec
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help, ge
from jackfield.plugin.sink import OpenSink, SinkSpec
from jackfield_vcon.redact import Part

__all__ = ["Vcon", "jackfield_commands", "jackfield_sinks"]


@attrs.frozen
class Vcon:
    """Each finished conversation as one vCon, in a file of its own."""

    path: str = attrs.field(
        metadata=field_help("the folder for DATE/UUID.vcon.json, and for what is under way", path=True, exclusive=True)
    )
    domain: str = attrs.field(
        default="localhost", metadata=field_help("your domain, of which the uuids of conversations and agents are made")
    )
    settle_seconds: float = attrs.field(
        default=30.0, validator=ge(0), metadata=field_help("how long after its newest event a conversation is written")
    )
    idle_seconds: float = attrs.field(
        default=3600.0,
        validator=ge(1),
        metadata=field_help("after so long without an event it is written even if its end was not seen"),
    )
    amend_seconds: float = attrs.field(
        default=604_800.0,
        validator=ge(60),
        metadata=field_help("for how long a late event gives an amended vCon; its events are kept for that"),
    )

    redact: tuple[Part, ...] = attrs.field(
        default=(),
        metadata=field_help(
            'what the files leave out: "numbers", "names", "messages", "transcripts"; the events too then'
        ),
    )

    fsync: Literal["never", "batch"] = attrs.field(
        default="never",
        metadata=field_help('"never" survives a crash of the process, "batch" one of the machine too, at flushes'),
    )

    @asynccontextmanager
    async def open(self, *, now: Callable[[], float] = time.time) -> AsyncGenerator[OpenSink, None]:
        """Make the folder ready; `OSError` where that cannot be done. `now` is what all decisions go by."""
        # SQLite is loaded by a sink that is opened, and not by every command.
        from jackfield_vcon.spool import Spool
        from jackfield_vcon.writer import Times, Writer

        folder = Path(self.path)
        spool = await trio.to_thread.run_sync(partial(Spool.open, folder, fsync=self.fsync == "batch"))
        times = Times(self.settle_seconds, self.idle_seconds, self.amend_seconds)
        writer = Writer(folder, spool, times, self.domain, now, frozenset(self.redact), self.fsync == "batch")
        await trio.to_thread.run_sync(spool.delay, now() + self.settle_seconds)
        writer.start(min(max(self.settle_seconds / 4, 0.05), 5.0))
        try:
            yield writer
        finally:
            with trio.CancelScope(shield=True):
                await writer.stop()
                await trio.to_thread.run_sync(spool.close)


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``vcon``."""
    return [SinkSpec("vcon", "each finished conversation as a vCon", Vcon, batch_events=1000)]


@hookimpl
def jackfield_commands() -> list[CommandSpec]:
    """Offer ``jackfield vcon``."""
    # Imported late, as what it needs is.
    from jackfield_vcon.commands import COMMAND

    return [COMMAND]
