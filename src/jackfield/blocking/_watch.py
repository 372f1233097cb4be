"""The state and its changes as a script sees them; see `jackfield.blocking`."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import attrs

from jackfield._gateway.thread import Crossing
from jackfield._gateway.watch import Changes
from jackfield.state import Snapshot

__all__ = ["Watch"]


@attrs.define(eq=False)
class Watch:
    """The state, and then its changes; made by `Gateway.watch`. As `jackfield.Watch`, with ``with`` and ``for``."""

    _crossing: Crossing
    _timeout: float | None

    @property
    def snapshot(self) -> Snapshot:
        """Everything as it stood when the watch began."""
        return self._crossing.snapshot

    def take(self, timeout: float | None = None) -> Changes | None:
        """What has changed, once something has; ``None`` when the watch is closed and nothing is left.

        `TimeoutError` where nothing changed for so many seconds, by default as many as the watch was given.
        """
        seconds = self._timeout if timeout is None else timeout
        try:
            changes = self._crossing.ask().result(seconds)
        except TimeoutError:
            raise TimeoutError(f"no change for {seconds:g} s") from None
        self._crossing.answered()
        return changes

    def close(self) -> None:
        """Get no more changes."""
        self._crossing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Changes:
        changes = self.take()
        if changes is None:
            raise StopIteration
        return changes
