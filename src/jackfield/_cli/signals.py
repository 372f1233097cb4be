"""The signals by which a command is asked to stop."""

from __future__ import annotations

import signal
from collections.abc import Callable

import trio

__all__ = ["STOP", "cancel_at_signal"]

STOP = (signal.SIGINT, signal.SIGTERM)


async def cancel_at_signal(
    scope: trio.CancelScope,
    say: Callable[[str], None] = lambda _name: None,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Cancel the scope at the first signal, whose name is said before that; ready when signals are received."""
    with trio.open_signal_receiver(*STOP) as signals:
        task_status.started()
        async for number in signals:
            say(signal.Signals(number).name)
            scope.cancel()
            return
