"""A headless Chromium, driven over its DevTools protocol: just what the dashboard's tests need."""

import json
import os
import shutil
import subprocess
from base64 import b64decode
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import attrs
import trio
import trio_websocket

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--enable-precise-memory-info",
)
WAIT_SECONDS = 45.0


def find_chromium():
    """The program, or None."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


@attrs.define(eq=False)
class Page:
    """One page of the browser."""

    _line: trio_websocket.WebSocketConnection
    complaints: list[str] = attrs.field(factory=list)
    """What the page wrote to the console as a warning or an error, and every exception that it did not catch."""
    _answers: dict[int, trio.MemorySendChannel] = attrs.field(factory=dict)
    _last: int = 0

    async def listen(self):
        while True:
            try:
                message = json.loads(await self._line.get_message())
            except trio_websocket.ConnectionClosed:
                return
            if "id" in message:
                self._answers.pop(message["id"]).send_nowait(message)
            elif message["method"] == "Runtime.exceptionThrown":
                self.complaints.append(str(message["params"]["exceptionDetails"]))
            elif message["method"] == "Runtime.consoleAPICalled" and message["params"]["type"] in ("error", "warning"):
                self.complaints.append(str(message["params"]["args"]))
            elif message["method"] == "Log.entryAdded" and message["params"]["entry"]["level"] in ("error", "warning"):
                entry = message["params"]["entry"]
                self.complaints.append(f"{entry['text']} {entry.get('url', '')}")

    async def call(self, method, **params):
        """Send a command; its result."""
        self._last += 1
        send, receive = trio.open_memory_channel(1)
        self._answers[self._last] = send
        await self._line.send_message(json.dumps({"id": self._last, "method": method, "params": params}))
        with trio.fail_after(WAIT_SECONDS):
            answer = await receive.receive()
        assert "error" not in answer, answer
        return answer["result"]

    async def value(self, expression):
        """What a JavaScript expression comes to."""
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    async def until(self, expression):
        """Wait until an expression is true; its value."""
        with trio.move_on_after(WAIT_SECONDS):
            while not (value := await self.value(expression)):  # noqa: ASYNC110  # a test looks from outside
                await trio.sleep(0.05)
            return value
        seen = await self.value("document.body.innerText")
        raise AssertionError(f"never came to be: {expression}\n{self.complaints}\n{seen[:3000]}")

    async def open(self, url):
        """Go there, and wait for the page to be loaded."""
        await self.call("Page.navigate", url=url)
        await self.until(f"location.href.startsWith('{url}') && document.readyState === 'complete'")

    async def press(self, key, text=""):
        """Press a key, as a person at the keyboard."""
        code = {"Tab": 9, "Enter": 13, " ": 32}.get(key, 0)
        about = {"key": key, "windowsVirtualKeyCode": code, "text": text or {"Enter": "\r", " ": " "}.get(key, "")}
        await self.call("Input.dispatchKeyEvent", type="keyDown", **about)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    async def write(self, text):
        await self.call("Input.insertText", text=text)

    async def window(self, width, height=1000, *, dark=False):
        """Give the window a size, and the system a mode."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        mode = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[mode])

    async def screenshot(self, path):
        shot = await self.call("Page.captureScreenshot", captureBeyondViewport=True)
        await trio.Path(path).write_bytes(b64decode(shot["data"]))


@asynccontextmanager
async def open_page(folder, *flags):
    """A page of a browser of its own, whose profile is in this folder."""
    program = find_chromium()
    assert program is not None
    profile = Path(folder) / "profile"
    arguments = [program, *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"]
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    async with trio.open_nursery() as nursery:
        process = await nursery.start(partial(trio.run_process, arguments, check=False, **silent))
        try:
            port = await _port(trio.Path(profile) / "DevToolsActivePort")
            targets = await trio.to_thread.run_sync(_read, f"http://127.0.0.1:{port}/json/list")
            (target,) = [each for each in targets if each["type"] == "page"]
            url = target["webSocketDebuggerUrl"]
            async with trio_websocket.open_websocket_url(url, max_message_size=2**26) as line:
                page = Page(line)
                nursery.start_soon(page.listen)
                for domain in ("Page", "Runtime", "Log", "Network"):
                    await page.call(f"{domain}.enable")
                yield page
        finally:
            process.terminate()
            nursery.cancel_scope.deadline = trio.current_time() + 10


async def _port(path):
    with trio.fail_after(WAIT_SECONDS):
        while not (await path.exists() and (lines := (await path.read_text()).splitlines())):  # noqa: ASYNC110  # a browser's file
            await trio.sleep(0.05)
    return int(lines[0])


def _read(url):
    with urlopen(url, timeout=WAIT_SECONDS) as answer:  # noqa: S310  # the browser's own, on loopback
        return json.load(answer)
