"""Time that passes when nothing else happens, for tests of any framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple

import trio
import trio.testing

__all__ = ["run_in_virtual_time"]

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")


def run_in_virtual_time(main: Callable[[*Arguments], Awaitable[T]], *arguments: *Arguments) -> T:
    """What an asynchronous function returns, run on a clock that jumps ahead whenever every task waits.

    So ``await trio.sleep(3600)`` takes no time, and `trio.current_time` is exact. It knows nothing of threads,
    sockets and processes, which work on while it jumps: for these take `trio.run`.
    """
    return trio.run(main, *arguments, clock=trio.testing.MockClock(autojump_threshold=0))
