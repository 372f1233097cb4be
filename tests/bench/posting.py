"""What the HTTP sink adds to posting: batches of 100 events to a counting server, beside a bare client.

The section ``http`` of the benchmark. The bare client is httpx2 with its defaults, once posting bodies that were
made before, once joining them from the events, which know their JSON from the journal. All have 8 requests under
way at a time. Counted is the client's processor time, since a client on trio keeps one core busy and the rates are
what that core can do, whatever else the machine is at.
"""

import subprocess
import sys
import time
from datetime import UTC, datetime

import httpx2
import trio

from jackfield.addresses import Address
from jackfield.events import Event
from jackfield.plugin.sink import Batch
from jackfield_http import Http

MADE = "bare httpx2, bodies made before"
AT_A_TIME = 8
BATCH = 100

SERVER = """
import asyncio, sys
ANSWER = b"HTTP/1.1 204 No Content\\r\\n\\r\\n"
class Counting(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.rest = transport, b""
    def data_received(self, data):
        self.rest += data
        while (end := self.rest.find(b"\\r\\n\\r\\n")) >= 0:
            head = self.rest[:end].lower()
            start = head.index(b"content-length:") + 15
            length = int(head[start : head.find(b"\\r\\n", start) if b"\\r\\n" in head[start:] else None])
            if len(self.rest) < end + 4 + length:
                return
            self.rest = self.rest[end + 4 + length :]
            self.transport.write(ANSWER)
async def main():
    server = await asyncio.get_running_loop().create_server(Counting, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


def make_batch():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    address = Address("voipbin", "customer", "550e8400-e29b-41d4-a716-446655440000", "call", "a" * 36, "status")
    payload = b'{"id": "%b", "status": "progressing", "note": "%b"}' % (b"a" * 36, b"x" * 200)
    events = (
        Event(
            f"{number:032x}",
            "call.connected",
            address,
            at,
            at,
            "office",
            "c" * 36,
            "call.status",
            "t",
            data_json=payload,
        )
        for number in range(BATCH)
    )
    return Batch(tuple(events))


async def timed(post, requests):
    """Processor seconds for so many requests, `AT_A_TIME` under way at a time."""
    left = iter(range(requests))

    async def work():
        for _ in left:
            await post()

    await post()
    started = time.process_time()
    async with trio.open_nursery() as nursery:
        for _ in range(AT_A_TIME):
            nursery.start_soon(work)
    return time.process_time() - started


def encode(batch):
    return b"[" + b",".join(event.to_json() for event in batch.events) + b"]"


async def bare(url, requests, make_body):
    headers = {"content-type": "application/cloudevents-batch+json; charset=utf-8"}

    async def post():
        (await client.post(url, content=make_body(), headers=headers)).raise_for_status()

    async with httpx2.AsyncClient() as client:
        return await timed(post, requests)


async def sink(url, requests, batch):
    async with Http(url, mode="batch", connections=AT_A_TIME).open() as opened:
        return await timed(lambda: opened.write(batch), requests)


def measure(requests, rounds):
    """Events for each second of the processor's time, by client, in every round."""
    batch = make_batch()
    made = encode(batch)
    found = {MADE: [], "bare httpx2, bodies from events": [], "the sink, from events": []}
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        try:
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}/"
            for _ in range(rounds):
                taken = (
                    trio.run(bare, url, requests, lambda: made),
                    trio.run(bare, url, requests, lambda: encode(batch)),
                    trio.run(sink, url, requests, batch),
                )
                for each, seconds in zip(found.values(), taken, strict=True):
                    each.append(requests * BATCH / seconds)
        finally:
            server.kill()
    return found
