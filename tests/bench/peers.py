"""Other clients, doing what the specification's example does: receive, parse, and nothing else.

Each adds up ``data.seq`` of what it has parsed, so that a client that misses one is found out.
"""

import asyncio
import json

import msgspec
from watch import Watch

HELLO = '{"type":"subscribe","topics":["customer_id:x:call:*"]}'

PEERS = {}


def peer(function):
    PEERS[function.__name__.replace("_", "-")] = function
    return function


@peer
def specification(url, count):
    """websocket-client with the standard library's JSON, written as in the vendor's documentation."""
    return _websocket_client(url, count)


@peer
def specification_unchecked(url, count):
    """The same without its check for UTF-8, which is done in Python and takes nine tenths of its time."""
    return _websocket_client(url, count, skip_utf8_validation=True)


def _websocket_client(url, count, **how):
    import websocket

    seen = [0, 0]
    watch = Watch()

    def on_open(line):
        watch.start()
        line.send(HELLO)

    def on_message(line, message):
        seen[0] += 1
        seen[1] += json.loads(message)["data"]["seq"]
        if seen[0] == count:
            watch.stop()
            line.close()

    websocket.WebSocketApp(url, on_open=on_open, on_message=on_message).run_forever(**how)
    return watch, seen[1]


@peer
def trio_websocket(url, count):
    """trio-websocket as it comes."""
    import trio
    from trio_websocket import open_websocket_url

    async def main():
        total = 0
        async with open_websocket_url(url) as line:
            watch = Watch()
            await line.send_message(HELLO)
            for _ in range(count):
                total += msgspec.json.decode(await line.get_message())["data"]["seq"]
            return watch.stop(), total

    return trio.run(main)


@peer
def websockets(url, count):
    """websockets on asyncio, as it comes, its frames left as bytes."""
    from websockets.asyncio.client import connect

    async def main():
        total = 0
        async with connect(url) as line:
            watch = Watch()
            await line.send(HELLO)
            for _ in range(count):
                total += msgspec.json.decode(await line.recv(decode=False))["data"]["seq"]
            return watch.stop(), total

    return asyncio.run(main())


@peer
def picows(url, count):
    """picows, in C, on asyncio."""
    from picows import WSListener, WSMsgType, ws_connect

    async def main():
        done = asyncio.get_running_loop().create_future()
        seen, watch = [0, 0], Watch()

        class Listener(WSListener):
            def on_ws_frame(self, _transport, frame):
                if frame.msg_type == WSMsgType.TEXT:
                    seen[1] += msgspec.json.decode(frame.get_payload_as_memoryview())["data"]["seq"]
                    seen[0] += 1
                    if seen[0] == count:
                        done.set_result(watch.stop())

        line, _ = await ws_connect(Listener, url)
        watch.start()
        line.send(WSMsgType.TEXT, HELLO.encode())
        await done
        line.disconnect()
        return watch, seen[1]

    return asyncio.run(main())


@peer
def asyncio_sqlite(url, count):
    """What many write first: websockets on asyncio, a row in SQLite and a line in a file for each event."""
    import sqlite3
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from websockets.asyncio.client import connect

    async def main(folder):
        total = 0
        db = sqlite3.connect(folder / "events.db", isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, body TEXT)")
        with (folder / "events.jsonl").open("a") as lines:
            async with connect(url) as line:
                watch = Watch()
                await line.send(HELLO)
                for number in range(count):
                    message = await line.recv()
                    total += json.loads(message)["data"]["seq"]
                    if number % 100 == 0:
                        db.execute("BEGIN")
                    db.execute("INSERT INTO event (body) VALUES (?)", (message,))
                    lines.write(f"{message}\n")
                    if number % 100 == 99 or number == count - 1:
                        db.execute("COMMIT")
                        lines.flush()
                watch.stop()
        db.close()
        return watch, total

    with TemporaryDirectory() as folder:
        return asyncio.run(main(Path(folder)))


@peer
def node_ws(url, count):
    """A script of Node with `ws`: parses, and appends a line to a file; promises nothing."""
    import subprocess

    from node_peer import SCRIPT, node_peer

    done = subprocess.run(
        ["node", SCRIPT, url, str(count)], cwd=node_peer(), check=True, capture_output=True, text=True, timeout=300
    )
    found = json.loads(done.stdout)
    watch = Watch()
    watch.seconds, watch.processor = found["seconds"], found["processor"]
    return watch, found["total"]
