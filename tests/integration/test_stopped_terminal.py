"""A terminal that Ctrl-S has stopped stops no feed and no sink, and SIGTERM still ends the gateway."""

import os
import signal
import subprocess
import sys

import pytest
import trio

CTRL_S = b"\x13"
TOKENS = {"VOIPBIN_TOKEN": "voipbin-s3cret", "VINIX_TOKEN": "vinix-s3cret"}
SECONDS = 30


async def until(condition):
    with trio.fail_after(SECONDS):
        while not condition():  # noqa: ASYNC110  # a test looks from outside
            await trio.sleep(0.02)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals here")
async def test_events_go_on_while_the_terminal_is_stopped_and_sigterm_ends_the_gateway(simulate, vendor, folder):
    voipbin, url = await simulate("voipbin")
    config = folder.configure(url, await vendor("vinix"))
    terminal, its_end = os.openpty()
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "jackfield", "run", "--verbose", config],
        stdout=subprocess.DEVNULL,
        stderr=its_end,
        cwd=folder.path,
        env=os.environ | TOKENS,
    )
    os.close(its_end)
    try:
        await until(lambda: folder.count("office") > 20 and folder.count("support") > 20)
        os.write(terminal, CTRL_S)
        voipbin.process.send_signal(signal.SIGKILL)  # so that there is something to report
        await until(lambda: folder.count("office", vendor_only=False) > folder.count("office") + 2)
        seen = folder.count("support")
        await until(lambda: folder.count("support") > seen + 100)
        process.send_signal(signal.SIGTERM)
        with trio.fail_after(SECONDS):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(terminal)
