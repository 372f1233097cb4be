"""From a batch to lines on standard output."""

from __future__ import annotations

import sys

import attrs
import trio

from jackfield.errors import DeliveryError
from jackfield.plugin.sink import Batch
from jackfield_stdout.output import Output
from jackfield_stdout.pretty import render

__all__ = ["Writer"]


@attrs.frozen
class Writer:
    """An open sink: lines to a descriptor, or to the object that a program has put in the place of standard output."""

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
