"""Groups of tasks that are ended in an order of our own, whatever ends around them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import attrs
import trio

__all__ = ["Task", "TaskGroup", "Tasks"]


@attrs.frozen(eq=False)
class Task:
    """One task of a group."""

    _scope: trio.CancelScope
    ended: trio.Event

    async def finish(self, seconds: float) -> None:
        """Wait for it to end by itself, at most so long, then cancel it."""
        with trio.move_on_after(seconds):
            await self.ended.wait()
        self._scope.cancel()
        await self.ended.wait()


@attrs.define
class TaskGroup:
    """Tasks that end by `finish` or `cancel`, and not when the gateway's surroundings are cancelled."""

    _nursery: trio.Nursery
    ending: trio.CancelScope | None = None
    """Scope of the ordered shutdown, once it has begun; Ctrl-C cancels it."""
    _scopes: set[trio.CancelScope] = attrs.field(factory=set)
    _running: int = 0
    _idle: trio.Event = attrs.field(factory=trio.Event)

    def start(self, work: Callable[[], Awaitable[None]]) -> Task:
        """Start one more."""
        scope, ended = trio.CancelScope(shield=True), trio.Event()
        self._scopes.add(scope)
        self._running += 1
        self._nursery.start_soon(self._run, work, scope, ended)
        return Task(scope, ended)

    async def _run(self, task: Callable[[], Awaitable[None]], scope: trio.CancelScope, ended: trio.Event) -> None:
        try:
            with scope:
                await task()
        except BaseException as error:
            if self.ending is not None and _interrupts(error):
                self.ending.cancel()
            raise
        finally:
            self._running -= 1
            self._scopes.discard(scope)
            ended.set()
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
        for scope in list(self._scopes):
            scope.cancel()


@attrs.frozen
class Tasks:
    """All tasks of a gateway, in the order in which they are started; and of its surroundings, its nursery."""

    sinks: TaskGroup
    journal: TaskGroup
    pipelines: TaskGroup
    feeds: TaskGroup
    webhooks: TaskGroup
    live: TaskGroup
    cluster: TaskGroup

    @classmethod
    def of(cls, nursery: trio.Nursery) -> Tasks:
        """None yet."""
        return cls(*(TaskGroup(nursery) for _ in attrs.fields(cls)))

    def __iter__(self) -> Iterator[TaskGroup]:
        return (getattr(self, field.name) for field in attrs.fields(Tasks))

    def end_in(self, scope: trio.CancelScope) -> None:
        """They are ended in order from now on, in that scope."""
        for group in self:
            group.ending = scope

    def cancel(self) -> None:
        """End them all now."""
        for group in self:
            group.cancel()


def _interrupts(error: BaseException) -> bool:
    """Whether it is an interrupt from the keyboard, which Python raises in whatever task it finds running."""
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(KeyboardInterrupt) is not None
    return isinstance(error, KeyboardInterrupt)
