"""Standard output for Jackfield: the options of a ``[sinks.NAME]`` table with ``type = "stdout"``."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import attrs
import trio

from jackfield.errors import DeliveryError
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help
from jackfield.plugin.sink import Batch, OpenSink, SinkSpec
from jackfield_stdout.pretty import render

__all__ = ["Stdout", "jackfield_sinks"]


@attrs.frozen
class Stdout:
    """Events on standard output: readable lines, or one CloudEvents JSON object a line."""

    format: Literal["pretty", "jsonl"] = attrs.field(
        default="jsonl", metadata=field_help('"pretty" for people, "jsonl" for programs')
    )
    color: Literal["auto", "always", "never"] = attrs.field(
        default="auto", metadata=field_help('"auto" colours a terminal, unless NO_COLOR is set')
    )

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[OpenSink, None]:
        """Nothing to open and nothing to close: the stream is the process's."""
        yield _Writer(self.format, self._coloured())

    def _coloured(self) -> bool:
        if self.color == "auto":
            return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        return self.color == "always"


@attrs.frozen
class _Writer:
    _format: str
    _color: bool

    async def write(self, batch: Batch) -> None:
        if self._format == "jsonl":
            lines = b"".join(event.to_json() + b"\n" for event in batch.events)
        else:
            lines = "".join(render(event, color=self._color) + "\n" for event in batch.events).encode(errors="replace")
        try:
            # A pipe whose reader is slow blocks, so this happens in a thread.
            await trio.to_thread.run_sync(_put, lines)
        except OSError as error:
            # Whoever read this has gone: nothing that this process writes here will ever be read.
            raise DeliveryError(f"standard output: {error.strerror}", on_error="disable") from None


def _put(lines: bytes) -> None:
    sys.stdout.buffer.write(lines)
    sys.stdout.buffer.flush()


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``stdout``."""
    return [SinkSpec("stdout", "standard output, as readable lines or as JSON lines", Stdout, batch_events=1000)]
