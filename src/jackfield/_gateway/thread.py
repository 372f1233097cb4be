"""A gateway on a thread of its own, for programs that do not run on trio.

What the host wants done goes over as a function, and its outcome comes back as a future. Nothing that goes
over needs to be cancelled there: a host that waits no longer just leaves the future alone. After the end,
when there is no thread any more, functions run in the host's: what they ask can still be answered.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Generic, NoReturn, TypeVar

import attrs
import trio
from outcome import Error, Outcome, Value, acapture, capture

from jackfield._gateway.arguments import expect
from jackfield._gateway.durable_listener import DurableListener
from jackfield._gateway.gateway import Gateway
from jackfield._gateway.listener import Item, Listener
from jackfield._gateway.watch import Changes, Watch
from jackfield._journal.durable import check_given
from jackfield.errors import JackfieldError, JournalError
from jackfield.events import Record
from jackfield.state import Snapshot

__all__ = ["Batches", "Crossing", "Portal", "closed", "no_state"]

T = TypeVar("T")


class _Answer(Future[T], Generic[T]):
    """A future that nobody can cancel."""

    def __init__(self) -> None:
        super().__init__()
        self.set_running_or_notify_cancel()

    def settle(self, result: Outcome[T]) -> None:
        match result:
            case Value(value):
                self.set_result(value)
            case Error(error):
                self.set_exception(error)


@attrs.define(eq=False)
class Portal:
    """The thread, and the way to it."""

    _opening: Callable[[], AbstractAsyncContextManager[Gateway]]
    ready: _Answer[Gateway] = attrs.field(factory=_Answer)
    """The gateway once it runs, or why it does not."""
    ended: _Answer[None] = attrs.field(factory=_Answer)
    """Done when nothing runs any more; with what the gateway failed of, if it did."""
    _begun: _Answer[trio.lowlevel.TrioToken] = attrs.field(factory=_Answer)
    _thread: threading.Thread = attrs.field(init=False)
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _calls: trio.Nursery | None = None
    """The queue of what may take time; ``None`` once the gateway is closed."""
    _process: int = attrs.field(factory=os.getpid)

    @property
    def forked(self) -> bool:
        """Whether this is a fork of the gateway's process: its thread is not there, so nobody would answer."""
        return os.getpid() != self._process

    def check_process(self) -> None:
        """`JackfieldError` in a fork."""
        if self.forked:
            problem = f"the gateway runs in process {self._process}, and this is a fork of it, {os.getpid()}"
            raise JackfieldError(f"{problem}: open a gateway here, or start processes by spawn")

    def start(self) -> None:
        """Open the gateway; at once, `ready` holds how that went."""
        # A daemon, because a host that never leaves its block, such as a notebook, must be able to exit.
        self._thread = threading.Thread(target=self._run, name="jackfield", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the gateway in order; at once, `ended` is done later. In a fork nothing is to be closed."""
        if self.forked:
            if not self.ended.done():
                self.ended.set_result(None)
            return
        self._begun.add_done_callback(lambda _: self._post(self._scope.cancel))

    def join(self) -> None:
        """Wait for the thread's last steps, after it has `ended`."""
        self._thread.join()

    def call(self, work: Callable[[], T]) -> Future[T]:
        """Have a function run on the gateway's thread."""
        answer = _Answer[T]()
        if not self._post(lambda: answer.settle(capture(work))):
            answer.settle(capture(work))
        return answer

    def spawn(self, work: Callable[[], Awaitable[T]], late: Callable[[], T]) -> Future[T]:
        """Have a function run there that takes time, or the other one if the gateway is closed by then."""
        answer = _Answer[T]()

        async def run() -> None:
            answer.settle(await acapture(work))

        def begin() -> None:
            if self._calls is None:
                answer.settle(capture(late))
            else:
                self._calls.start_soon(run)

        if not self._post(begin):
            answer.settle(capture(late))
        return answer

    def _post(self, work: Callable[[], object]) -> bool:
        """Whether the thread will do it; it does things in the order in which they were submitted."""
        self.check_process()
        try:
            self._begun.result().run_sync_soon(work)
        except trio.RunFinishedError:
            return False
        return True

    def _run(self) -> None:
        result = capture(trio.run, self._serve)
        if not self.ready.done():
            error = result.error if isinstance(result, Error) else trio.RunFinishedError("stopped before it was open")
            self.ready.set_exception(error)
        self.ended.settle(result)

    async def _serve(self) -> None:
        self._begun.set_result(trio.lowlevel.current_trio_token())
        async with trio.open_nursery() as calls:
            self._calls = calls
            result = await acapture(self._live)
            # The gateway has closed its listeners and its journal, so whoever waits there comes to an end.
            self._calls = None
        result.unwrap()  # out here, without the nursery's group around it

    async def _live(self) -> None:
        with self._scope:
            async with self._opening() as gateway:
                self.ready.set_result(gateway)
                await trio.sleep_forever()


def closed() -> NoReturn:
    """What publishing comes to after the end."""
    raise JournalError("the gateway is closed: nothing is taken any more")


@attrs.define(eq=False)
class Batches(Generic[Item]):
    """A listener as the host sees it: batches, one on its way at a time.

    A batch that the host did not wait for is there when it asks again, so a time-out loses nothing. While the
    host is busy it asks for nothing, and the listener's buffer and its policy say what becomes of the events.
    """

    _portal: Portal
    _listening: Future[Listener[Item]]
    _asked: Future[list[Item]] | None = None
    _given: int = 0
    """The position behind the last record that the host has got."""

    @classmethod
    def open(cls, portal: Portal, listen: Callable[[], Listener[Item]]) -> Batches[Item]:
        """Start to listen; whatever is submitted later comes after that. Raises what `listen` does after the end."""
        listening = portal.call(listen)
        if listening.done():
            listening.result()
        return cls(portal, listening)

    @property
    def dropped(self) -> int:
        """Events that were lost because nobody took them in time."""
        return self._listening.result().dropped if self._listening.done() else 0

    def ask(self) -> Future[list[Item]]:
        """The next batch, none at the end; the same future until it was `answered`."""
        self._portal.check_process()
        if self._asked is None:
            self._asked = self._portal.spawn(self._take, self._take_nowait)
        return self._asked

    def answered(self, batch: Future[list[Item]]) -> bool:
        """The host has got this batch; whether it is the first to say so."""
        first = self._asked is batch
        if first:
            self._asked = None
            last = None if batch.exception() is not None else next(reversed(batch.result()), None)
            if isinstance(last, Record):
                self._given = last.position + 1
        return first

    def close(self) -> None:
        """Get no more events; those that wait can still be read."""
        if not self._portal.forked:
            self._portal.call(self._close)

    def acknowledge(self, name: str, record: Record, waiting: Sequence[Record]) -> None:
        """Be done with a record of the durable listener of that name, and all before it; not what is `waiting`."""
        expect("record", record, Record, "a record that the listener gave")
        check_given(name, record.position, waiting[0].position if waiting else self._given)
        if not self._portal.forked:
            self._portal.call(partial(self._acknowledge, record))

    def take_nowait(self) -> list[Item]:
        """What has crossed, maybe nothing; the next batch is asked for."""
        batch = self.ask()
        if not batch.done():
            return []
        self.answered(batch)
        return batch.result()

    def _close(self) -> None:
        self._listening.result().close()

    def _acknowledge(self, record: Record) -> None:
        listener = self._listening.result()
        assert isinstance(listener, DurableListener)
        listener.acknowledge(record)

    async def _take(self) -> list[Item]:
        return await self._listening.result().take()

    def _take_nowait(self) -> list[Item]:
        return self._listening.result().take_nowait()


@attrs.define(eq=False)
class Crossing:
    """A watch as the host sees it: its snapshot, and changes, one lot on its way at a time."""

    _portal: Portal
    _watch: Watch
    _asked: Future[Changes | None] | None = None

    @classmethod
    def open(cls, portal: Portal, watch: Callable[[], Watch]) -> Future[Crossing]:
        """Begin to watch; the future has the whole once there is a snapshot."""

        async def enter() -> Crossing:
            return cls(portal, await watch().__aenter__())

        return portal.spawn(enter, no_state)

    @property
    def snapshot(self) -> Snapshot:
        """Everything as it stood when the watch began."""
        return self._watch.snapshot

    def ask(self) -> Future[Changes | None]:
        """The next changes, ``None`` at the end; the same future until it was `answered`."""
        self._portal.check_process()
        if self._asked is None:
            self._asked = self._portal.spawn(self._watch.take, self._watch.take_nowait)
        return self._asked

    def answered(self) -> None:
        """The host has got these."""
        self._asked = None

    def close(self) -> None:
        """Get no more changes."""
        if not self._portal.forked:
            self._portal.call(self._watch.close)


def no_state() -> NoReturn:
    """What asking for the state comes to after the end."""
    raise JackfieldError("the gateway is closed: its state is not kept up any more")
