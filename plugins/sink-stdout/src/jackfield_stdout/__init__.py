"""Standard output for Jackfield: the options of a ``[sinks.NAME]`` table with ``type = "stdout"``."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import attrs

from jackfield.errors import DeliveryError
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.options import field_help
from jackfield.plugin.sink import OpenSink, SinkSpec

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
        # What writes is loaded by a sink that is opened, and not by every command.
        from jackfield_stdout.output import Output
        from jackfield_stdout.writer import Writer

        if sys.stdout is None or sys.stdout.closed:
            raise DeliveryError("standard output is closed", on_error="disable")
        try:
            descriptor = sys.stdout.fileno()
        except (OSError, AttributeError):  # replaced by an object of the program's, such as a notebook's
            yield Writer(self.format, self._coloured(), None)
            return
        output = Output(descriptor)
        try:
            yield Writer(self.format, self._coloured(), output)
        finally:
            output.close()

    def _coloured(self) -> bool:
        if self.color == "auto":
            return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        return self.color == "always"


@hookimpl
def jackfield_sinks() -> list[SinkSpec]:
    """Offer the sink ``stdout``."""
    return [SinkSpec("stdout", "standard output, as readable lines or as JSON lines", Stdout, batch_events=1000)]
