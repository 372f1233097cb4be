"""The example clients of `[serve]`, as their pages show them: each sees every event once, through a restart."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing
from browser import find_chromium, open_page
from served import event, free_address, limited, options, serving

from jackfield._net.http_server import HTTPServer, listen, whole
from jackfield.plugin.http import Response

CLIENTS = Path(__file__).parents[2] / "docs" / "examples" / "clients"
MODULES = Path(os.environ.get("JACKFIELD_NODE_MODULES", CLIENTS / "node_modules")).resolve()
NO_NODE = "needs node, and ws and cloudevents: 'npm install' in docs/examples/clients, or JACKFIELD_NODE_MODULES"


@asynccontextmanager
async def program(*command, **more):
    """A program that prints lines; how to read the next ones."""
    send, receive = trio.open_memory_channel(1000)

    async def read(process):
        rest = b""
        async for data in process.stdout:
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                send.send_nowait(line.decode())

    async def take(count):
        with trio.fail_after(30):
            return [await receive.receive() for _ in range(count)]

    process = await trio.lowlevel.open_process([*command], stdout=subprocess.PIPE, start_new_session=True, **more)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read, process)
        yield take
        os.killpg(process.pid, 15)
        await process.wait()
        nursery.cancel_scope.cancel()


async def through_a_restart(tmp_path, take, address):
    """The lines that a client prints of twenty contacts, before, during and after a restart of the gateway."""
    serve = attrs.evolve(options(), listen=address)
    lines = []
    for start in (0, 10):
        async with serving(serve, tmp_path / "journal") as (gateway, _):
            await gateway.publish(*map(event, range(start, start + 5)), event(99, "call.connected"))
            lines += await take(5)
            await gateway.publish(*map(event, range(start + 5, start + 10)))
            lines += await take(5)
            await trio.sleep(0.3)  # until what is acknowledged is saved
    return lines


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_curl(tmp_path):
    address = free_address()
    async with program("sh", str(CLIENTS / "follow.sh"), f"http://{address}") as take:
        lines = await through_a_restart(tmp_path, take, address)
    assert [json.loads(line)["data"]["n"] for line in lines] == list(range(20))


@asynccontextmanager
async def follow(folder, shell, url, **more):
    """The client for curl, in a session of its own, of which nothing is left at the end."""

    def as_in_a_terminal():
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which nohup has ignored, and a shell cannot trap then

    more |= {"start_new_session": True, "preexec_fn": as_in_a_terminal, "env": {**os.environ, "TMPDIR": str(folder)}}
    process = await trio.lowlevel.open_process([shell, str(CLIENTS / "follow.sh"), url], **more)
    try:
        with trio.fail_after(10):
            yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        for each in filter(None, (process.stdout, process.stderr)):
            await each.aclose()


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("shell", [each for each in ("sh", "bash") if shutil.which(each)])
@pytest.mark.parametrize("end", ["SIGINT", "SIGTERM", "SIGHUP", "its reader goes"])
async def test_curl_leaves_nothing_behind_however_it_is_ended(tmp_path, shell, end):
    async with serving() as (gateway, url):
        await gateway.publish(event(1))
        async with follow(tmp_path, shell, url, stdout=subprocess.PIPE) as process:
            assert await process.stdout.receive_some()
            if end.startswith("SIG"):
                os.killpg(process.pid, signal.Signals[end])  # as a terminal does
            else:
                await process.stdout.aclose()
                await gateway.publish(event(2))
            assert await process.wait() != 0
            with pytest.raises(ProcessLookupError):
                os.killpg(process.pid, 0)  # of all that it has started
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
async def test_curl_says_why_it_is_refused(tmp_path):
    opening = serving(options(tokens=limited("**")))
    async with opening as (_, url), follow(tmp_path, "sh", url, stderr=subprocess.PIPE) as process:
        said = b""
        while b"401" not in said:
            said += await process.stderr.receive_some()


@pytest.mark.skipif(importlib.util.find_spec("websockets") is None, reason="needs the package websockets")
async def test_python_with_websockets(tmp_path):
    address = free_address()
    async with program(sys.executable, str(CLIENTS / "client.py"), f"http://{address}") as take:
        lines = await through_a_restart(tmp_path, take, address)
    assert lines == [f"contact.queued contact/{number}" for number in range(20)]


@pytest.mark.skipif(shutil.which("node") is None or not (MODULES / "cloudevents").is_dir(), reason=NO_NODE)
async def test_node_with_ws_and_the_cloudevents_sdk(tmp_path):
    shutil.copy(CLIENTS / "client.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(MODULES)
    address = free_address()
    quiet = {"stderr": subprocess.DEVNULL}
    async with program("node", str(tmp_path / "client.mjs"), f"http://{address}", **quiet) as take:
        lines = await through_a_restart(tmp_path, take, address)
    expected = [f'contact.queued /acme/account/A contact/{number} {{"n":{number}}}' for number in range(20)]
    assert lines == expected


@asynccontextmanager
async def page_server():
    """Another origin, which the page comes from."""

    async def respond(request):
        return Response(200, {"content-type": "text/html"}, (CLIENTS / "page.html").read_bytes())

    listeners, url = await listen("127.0.0.1", 0)
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(HTTPServer(whole(respond)).run, listeners))
        yield url
        nursery.cancel_scope.cancel()


@pytest.mark.thorough
@pytest.mark.skipif(find_chromium() is None, reason="needs Chromium")
async def test_a_page_with_event_source(tmp_path):
    address = free_address()
    async with page_server() as origin, open_page(tmp_path) as page:
        serve = attrs.evolve(options(origins=(origin,)), listen=address)
        for start in (0, 10, 20):
            async with serving(serve, tmp_path / "journal") as (gateway, _):
                if start != 10:  # the third time it is loaded again
                    await page.open(f"{origin}/page.html?url=http://{address}")
                    await page.until("performance.getEntriesByType('resource').length || document.title")
                    await trio.sleep(1)
                await gateway.publish(*map(event, range(start, start + 10)))
                await page.until(f"document.querySelectorAll('li').length === {10 if start == 20 else start + 10}")
                lines = await page.value("[...document.querySelectorAll('li')].map((each) => each.textContent)")
                first = 20 if start == 20 else 0
                assert [line.split()[-1] for line in lines] == [f"contact/{n}" for n in range(first, start + 10)]
