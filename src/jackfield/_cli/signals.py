"""The signals by which a command is asked to stop."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import trio

from jackfield.errors import JackfieldError

__all__ = ["STOP", "StoppedAtOnce", "cancel_at_signal", "second_signal_ends"]

STOP = (signal.SIGINT, signal.SIGTERM)
SAME_SIGNAL_SECONDS = 1.0


class StoppedAtOnce(JackfieldError):
    """A second signal has interrupted the graceful shutdown."""


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


@contextmanager
def second_signal_ends(first: int, at_once: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Let another signal end the process at once; the first again within a second is the same one.

    A terminal, a service manager and a container's init may each pass one signal on. `at_once` is called before that,
    for what would outlive the process. `StoppedAtOnce` is what an interrupt becomes.
    """
    previous = {number: signal.getsignal(number) for number in STOP}
    since = time.monotonic()

    def handle(number: int, _frame: FrameType | None) -> None:
        if number == first and time.monotonic() - since < SAME_SIGNAL_SECONDS:
            return
        at_once()
        signal.signal(number, previous[signal.Signals(number)])
        signal.raise_signal(number)

    for number in STOP:
        signal.signal(number, handle)
    try:
        yield
    except (KeyboardInterrupt, BaseExceptionGroup) as error:
        if isinstance(error, BaseExceptionGroup) and error.split(KeyboardInterrupt)[1] is not None:
            raise
        problem = "stopped at once; events that waited for a sink and are not in a journal file are lost"
        raise StoppedAtOnce(problem) from None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
