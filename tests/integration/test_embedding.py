"""One program, embedded in a trio, an asyncio and a plain host: the same events, and nothing left behind."""

import os
import signal
import subprocess
import sys
from itertools import pairwise

import pytest
import trio

ENVIRONMENT = os.environ | {"PYTHONUNBUFFERED": "1", "VOIPBIN_TOKEN": "voipbin-s3cret", "VINIX_TOKEN": "vinix-s3cret"}

ASYNC = """
async def main():
    async with open_gateway("gateway.toml") as gateway:
        with gateway.listen("contact.*", "agent.*") as events:
            async for event in events:
                print(event.feed, event.id)
"""

# What asyncio.run() does at an interrupt, done by hand for trio, which would raise it in the middle of the loop.
CANCELLED = """
import signal, trio

async def cancelled():
    with trio.open_signal_receiver(signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(main)
            await anext(signals)
            nursery.cancel_scope.cancel()
    raise KeyboardInterrupt

def run():
    trio.run(cancelled)
"""

PROGRAMS = {
    "trio": "from jackfield import open_gateway\n" + ASYNC + CANCELLED,
    "asyncio": "from jackfield.aio import open_gateway\nimport asyncio\n" + ASYNC + "def run(): asyncio.run(main())",
    "blocking": """
from jackfield.blocking import open_gateway

def run():
    with open_gateway("gateway.toml") as gateway:
        with gateway.listen("contact.*", "agent.*") as events:
            for event in events:
                print(event.feed, event.id)
""",
}

WATCH = """
import os, threading

def open_files():
    return sorted(os.readlink(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd")
                  if os.path.exists(f"/proc/self/fd/{each}"))

before = open_files()
try:
    run()
except KeyboardInterrupt:
    print("interrupted")
print("left", [each.name for each in threading.enumerate()], open_files() == before)
"""


@pytest.fixture
async def programs(vendor, folder, nursery):
    """All of them, running, and the lines that each has written."""
    voipbin = await vendor("voipbin")
    vinix = await vendor("vinix")
    config = folder.path / folder.configure(voipbin, vinix)
    config.write_text(config.read_text().partition("[sinks")[0])
    running = {}

    async def collect(process, lines):
        rest = b""
        async for data in process.stdout:
            *whole, rest = (rest + data).split(b"\n")
            lines += [line.decode() for line in whole]

    for name, program in PROGRAMS.items():
        process = await trio.lowlevel.open_process(
            [sys.executable, "-X", "dev", "-W", "error", "-c", program + WATCH],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder.path,
            env=ENVIRONMENT,
        )
        running[name] = process, []
        nursery.start_soon(collect, *running[name])
    yield running
    for process, _ in running.values():
        if process.returncode is None:
            process.kill()
            await process.wait()
        await process.stdout.aclose()


async def test_the_same_program_gets_the_same_events_in_every_host_and_an_interrupt_leaves_nothing_behind(programs):
    with trio.fail_after(30):
        for _, lines in programs.values():
            while len(lines) < 300:  # noqa: ASYNC110  # a test looks from outside
                await trio.sleep(0.02)
    for process, _ in programs.values():
        process.send_signal(signal.SIGINT)
    for process, lines in programs.values():
        with trio.fail_after(15):
            await process.wait()
            while not (lines and lines[-1].startswith("left")):  # noqa: ASYNC110  # a test looks from outside
                await trio.sleep(0.02)
        assert lines[-2:] == ["interrupted", "left ['MainThread'] True"], lines[-30:]
        assert process.returncode == 0
    for feed in ("office", "support"):
        streams = [[line for line in lines if line.startswith(feed)] for _, lines in programs.values()]
        for one, other in pairwise(streams):
            start = next(line for line in one if line in other)
            common = list(zip(one[one.index(start) :], other[other.index(start) :], strict=False))
            assert len(common) >= 10  # each host came to it at its own time
            assert all(first == second for first, second in common)


FORKING = """
import os, sys
from jackfield.blocking import open_gateway
from jackfield.errors import JackfieldError

feed = {"provider": "voipbin", "url": "ws://127.0.0.1:9/", "token": "x", "customer_id": "a"}
with open_gateway({"feeds": {"office": feed}, "gateway": {"journal": "var/journal"}}) as gateway:
    with gateway.listen("**") as events:
        child = os.fork()
        if not child:
            for ask in (gateway.state, lambda: gateway.plan("office"), lambda: next(iter(events)), gateway.publish):
                try:
                    ask()
                    print("answered")
                except JackfieldError as error:
                    print(error)
            sys.exit(7)
        print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        print("parent", *gateway.state().feeds)
"""


def test_a_fork_of_a_process_with_an_open_gateway_is_refused_and_ends_and_the_gateway_goes_on(tmp_path):
    """Its thread is not in the fork, where each call waited for ever, as did the end of the block."""
    command = [sys.executable, "-W", "ignore", "-c", FORKING]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, timeout=30, check=True)
    *refused, child, parent = done.stdout.decode().splitlines()
    assert len(refused) == 4
    for line in refused:
        assert line.startswith("the gateway runs in process ")
        assert line.endswith("open a gateway here, or start processes by spawn")
    assert (child, parent) == ("child 7", "parent office")
    assert b"Traceback" not in done.stderr
