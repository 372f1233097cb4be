"""The programs under docs/examples, as a user starts them."""

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
import trio

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
ENVIRONMENT = os.environ | {"PYTHONUNBUFFERED": "1", "VOIPBIN_TOKEN": "voipbin-s3cret", "VINIX_TOKEN": "vinix-s3cret"}


@attrs.define
class Running:
    process: trio.Process
    out: bytes = b""

    @property
    def text(self):
        return self.out.decode()

    async def shows(self, *patterns):
        with trio.fail_after(25):
            while not all(re.search(pattern, self.text, re.MULTILINE) for pattern in patterns):
                assert self.process.returncode is None, self.text
                await trio.sleep(0.2)

    async def interrupted(self):
        self.process.send_signal(signal.SIGINT)
        with trio.fail_after(20):
            return await self.process.wait()


@pytest.fixture
async def example(nursery, folder):
    """Start a program of docs/examples on a pipe, or on a pseudo-terminal; standard error goes with standard output."""
    started = []

    async def collect(stream, running):
        async for data in stream:
            running.out += data

    async def collect_terminal(terminal, running):
        try:
            while True:
                await trio.lowlevel.wait_readable(terminal)
                running.out += os.read(terminal, 65536)
        except OSError:  # the other end is closed
            os.close(terminal)

    async def start(program, *arguments, terminal=False):
        ours, theirs = pty.openpty() if terminal else (None, subprocess.PIPE)
        process = await trio.lowlevel.open_process(
            [sys.executable, str(EXAMPLES / program), *arguments],
            stdout=theirs,
            stderr=subprocess.STDOUT,
            cwd=folder.path,
            env=ENVIRONMENT,
        )
        running = Running(process)
        started.append(process)
        if terminal:
            os.close(theirs)
            nursery.start_soon(collect_terminal, ours, running)
        else:
            nursery.start_soon(collect, process.stdout, running)
        return running

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()
