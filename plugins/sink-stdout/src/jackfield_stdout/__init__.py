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
from jackfield_stdout.output import Output
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
        """Write to the process's standard output, which stays open; `DeliveryError` where it is closed."""
        if sys.stdout is None or sys.stdout.closed:
            raise DeliveryError("standard output is closed", on_error="disable")
        try:
            descriptor = sys.stdout.fileno()
        except (OSError, AttributeError):  # replaced by an object of the program's, such as a notebook's
            yield _Writer(self.format, self._coloured(), None)
            return
        output = Output(descriptor)
        try:
            yield _Writer(self.format, self._coloured(), output)
        finally:
            output.close()

    def _coloured(self) -> bool:
        if self.color == "auto":
            return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        return self.color == "always"


@attrs.frozen
class _Writer:
    _format: str
    _color: bool
    _output: Output | None

    async def write(self, batch: Batch) -> None:
        """Write one line for each event."""
        if self._format == "jsonl":
            lines = [event.to_json() + b"\n" for event in batch.events]
        else:
            shown = (render(event, color=self._color) + "\n" for event in batch.events)
            lines = [line.encode(errors="replace") for line in shown]
        if self._output is not None:
            await self._output.write(batch, lines)
            return
        try:
            await trio.to_thread.run_sync(_print, b"".join(lines).decode(errors="replace"))
        except OSError as error:
            raise DeliveryError(f"standard output: {error.strerror}") from None


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``stdout``."""
    return [SinkSpec("stdout", "standard output, as readable lines or as JSON lines", Stdout, batch_events=1000)]
