"""A worker's process, as its parent has it: started, its log passed on in whole lines, its end awaited."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

import attrs
import trio

from jackfield._cli.workers.channel import Channel

__all__ = ["WorkerProcess", "start_process"]

MOST_LINE = 2**20
TAIL_SECONDS = 1.0
"""How long the end of a log may take to be read once the process has ended."""


@attrs.frozen(eq=False)
class WorkerProcess:
    """A process that runs."""

    channel: Channel
    _process: trio.Process
    _ended: trio.Event

    @property
    def number(self) -> int:
        """Its process id."""
        return self._process.pid

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def wait(self) -> str:
        """Wait for its end, and for that of its log; how it ended."""
        await self._ended.wait()
        status = self._process.returncode
        assert status is not None
        if status >= 0:
            return f"has ended with status {status}"
        with suppress(ValueError):
            return f"was ended by {signal.Signals(-status).name}"
        return f"was ended by signal {-status}"


@asynccontextmanager
async def start_process(inherited: Sequence[int]) -> AsyncGenerator[WorkerProcess, None]:
    """A new process, which also gets these descriptors; it is to have ended at the end of the block.

    It has a session of its own, so that an interrupt from the keyboard comes to its parent alone. Where the parent
    dies, its socket says so.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-P", "-m", "jackfield._cli.workers", str(theirs.fileno())]
        process = await trio.lowlevel.open_process(
            command,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=[theirs.fileno(), *inherited],
            start_new_session=True,
        )
    channel, ended = Channel.of(ours), trio.Event()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_until_ended, process, ended)
            nursery.start_soon(channel.run)
            yield WorkerProcess(channel, process, ended)
            nursery.cancel_scope.cancel()
    finally:
        await channel.aclose()


async def _until_ended(process: trio.Process, ended: trio.Event) -> None:
    assert process.stderr is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_pass_on, process.stderr)
        await process.wait()
        nursery.cancel_scope.deadline = trio.current_time() + TAIL_SECONDS  # what it has started may have its log too
    ended.set()


async def _pass_on(log: trio.abc.ReceiveStream) -> None:
    """Write a worker's lines to our own standard error, each whole."""
    rest = b""
    try:
        async for data in log:
            *lines, rest = (rest + bytes(data)).split(b"\n")
            if len(rest) > MOST_LINE:
                lines, rest = [*lines, rest], b""
            _write(lines)
    finally:
        _write([rest] if rest else [])


def _write(lines: list[bytes]) -> None:
    if lines:
        with suppress(OSError):
            sys.stderr.write(b"".join(line + b"\n" for line in lines).decode(errors="backslashreplace"))
