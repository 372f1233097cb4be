"""Groups of tasks that are ended in an order of our own, whatever ends around them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import trio

__all__ = ["TaskGroup"]


@attrs.define
class TaskGroup:
    """Tasks that end by `finish` or `cancel`, and not when the gateway's surroundings are cancelled."""

    _nursery: trio.Nursery
    ending: trio.CancelScope | None = None
    """Scope of the ordered shutdown, once it has begun; Ctrl-C cancels it."""
    _scopes: list[trio.CancelScope] = attrs.field(factory=list)
    _running: int = 0
    _idle: trio.Event = attrs.field(factory=trio.Event)

    def start(self, task: Callable[[], Awaitable[None]]) -> None:
        scope = trio.CancelScope(shield=True)
        self._scopes.append(scope)
        self._running += 1
        self._nursery.start_soon(self._run, task, scope)

    async def _run(self, task: Callable[[], Awaitable[None]], scope: trio.CancelScope) -> None:
        try:
            with scope:
                await task()
        except BaseException as error:
            if self.ending is not None and _interrupts(error):
                self.ending.cancel()
            raise
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def finish(self, seconds: float) -> None:
        """Wait for all of them to end by themselves, at most so long, then cancel the rest."""
        with trio.move_on_after(seconds):
            while self._running:
                await self._idle.wait()
        self.cancel()
        while self._running:
            await self._idle.wait()

    def cancel(self) -> None:
        """End them now."""
        for scope in self._scopes:
            scope.cancel()


def _interrupts(error: BaseException) -> bool:
    """Whether it is an interrupt from the keyboard, which Python raises in whatever task it finds running."""
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(KeyboardInterrupt) is not None
    return isinstance(error, KeyboardInterrupt)
