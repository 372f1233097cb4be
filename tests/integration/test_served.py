"""What is served to other programs: nothing lost and nothing twice over SIGKILLs, browsers, and crowds of clients."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing
from browser import find_chromium, open_page
from served import event, events_path, open_stream, options, post_json, reading, serving

TESTS = Path(__file__).parents[1]
PROBE = """
import sys
import trio
import jackfield
from jackfield._serve.server import open_serving
from jackfield.config import GatewayConfig, GatewayOptions, ServeOptions
from served import event

async def main(journal, address, first):
    config = GatewayConfig((), gateway=GatewayOptions(journal), serve=ServeOptions(address, open=True))
    async with open_serving(config) as place, jackfield.open_gateway(config) as gateway, place.of(gateway):
        print(place.url, flush=True)
        for number in range(int(first), 10**9, 5):
            await gateway.publish(*(event(each) for each in range(number, number + 5)))
            print(number + 4, flush=True)
            await trio.sleep(0.002)

trio.run(main, *sys.argv[1:])
"""


def start(journal, address, first):
    command = [sys.executable, "-c", PROBE, str(journal), address, str(first)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(TESTS)})
    return process, process.stdout.readline().strip()


@pytest.mark.thorough
async def test_a_client_sees_each_event_once_and_in_order_though_the_gateway_is_killed(tmp_path):
    rng, seen, last, first, address = random.Random(24), [], "oldest", 0, "127.0.0.1:0"
    for _ in range(5):
        process, url = await trio.to_thread.run_sync(start, tmp_path / "journal", address, first)
        address = url.removeprefix("http://")
        cuts = rng.randrange(2, 6)
        for cut in range(cuts):
            try:
                async with reading(url, events_path("**", after=last)) as reader:
                    for _ in range(rng.randrange(20, 120)):
                        message = await reader.next()
                        seen.append((message.json["data"]["n"], message.json["id"]))
                        last = message.id
                    if cut == cuts - 1:
                        process.send_signal(signal.SIGKILL)
                        while True:
                            message = await reader.next()
                            seen.append((message.json["data"]["n"], message.json["id"]))
                            last = message.id
            except (EOFError, OSError, ValueError, trio.BrokenResourceError):
                pass
        rest, _ = process.communicate()
        committed = int(rest.split()[-1])
        first = committed + 100_000  # what was committed and not printed has numbers of its own
    process, url = await trio.to_thread.run_sync(start, tmp_path / "journal", address, first)
    try:
        async with reading(url, events_path("**", after=last)) as reader:
            while seen[-1][0] < first:
                message = await reader.next()
                seen.append((message.json["data"]["n"], message.json["id"]))
        async with reading(url, events_path("**", after="oldest")) as reader:
            everything = [each.json["id"] for each in await reader.take(len(seen))]
    finally:
        process.kill()
        process.communicate()
    assert [id for _, id in seen] == everything
    assert len({id for _, id in seen}) == len(seen) > 500
    assert [number for number, _ in seen] == sorted(number for number, _ in seen)


@pytest.mark.thorough
async def test_a_durable_client_keeps_nothing_and_goes_on_behind_what_it_acknowledged_over_sigkills(tmp_path):
    rng, acknowledged, address, seen = random.Random(24), 0, "127.0.0.1:0", set()
    for life in range(8):
        process, url = await trio.to_thread.run_sync(start, tmp_path / "journal", address, life * 1_000_000)
        address = url.removeprefix("http://")
        cuts = rng.randrange(2, 8)
        for cut in range(cuts):
            try:
                async with reading(url, events_path("**", after="oldest", durable="desk")) as reader:
                    expected = acknowledged + 1
                    for _ in range(rng.randrange(20, 200)):
                        message = await reader.next()
                        position = int(message.id.rpartition("-")[2])
                        assert position == expected  # neither a hole, nor what was done with
                        seen.add(message.json["id"])
                        expected += 1
                        if rng.random() < 0.05:
                            status, _ = await post_json(url, "/v1/durable/desk", {"position": message.id})
                            assert status == 200
                            acknowledged = position
                    if cut == cuts - 1:
                        process.send_signal(signal.SIGKILL)
                        await reader.take(1_000_000)
            except (EOFError, OSError, ValueError, trio.BrokenResourceError):
                pass
        process.communicate()
    assert acknowledged > 200
    assert len(seen) >= acknowledged


@pytest.mark.thorough
async def test_three_thousand_connections_are_bounded_and_counted():
    async with serving(options(max_clients=1000)) as (gateway, url):
        streams = []
        try:
            with trio.move_on_after(60):
                for _ in range(3000):
                    stream = await open_stream(url)
                    streams.append(stream)
                    await stream.send_all(b"GET /v1/events?select=** HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                await trio.testing.wait_all_tasks_blocked(0.5)
            assert len(streams) == 3000
            stats = gateway.state().serve
            assert stats.clients == 1000
            assert sum(stats.rejections.values()) >= 1000
            await gateway.publish(event(1))
            heard = 0
            for stream in streams[:1000]:
                with trio.move_on_after(5):
                    came = b""
                    while b'"n":1' not in came:
                        came += await stream.receive_some()
                    heard += 1
            assert heard == 1000
        finally:
            for stream in streams:
                await trio.aclose_forcefully(stream)


PAGE = """
new Promise((resolve) => {{
  window.seen = [];
  window.source = new EventSource("{url}/v1/events?select=**&after=oldest");
  window.source.onmessage = (message) => window.seen.push(JSON.parse(message.data).data.n);
  window.source.onopen = () => resolve(true);
}})
"""


UNTIL = """
new Promise((resolve) => setInterval(() => window.seen.length >= {count} && resolve(true), 50))
"""


@pytest.mark.thorough
@pytest.mark.skipif(find_chromium() is None, reason="no Chromium")
async def test_a_browsers_event_source_survives_a_restart_of_the_gateway(tmp_path):
    async with serving(journal=tmp_path / "journal") as (gateway, url):
        address = url.removeprefix("http://")
    serve = options(origins=("https://desk.example",))
    serve = attrs.evolve(serve, listen=address)
    async with open_page(tmp_path) as page:
        for start in (0, 10, 20):
            async with serving(serve, tmp_path / "journal") as (gateway, _):
                if not start:
                    await page.call("Page.navigate", url=f"{url}/v1/kinds")
                    await trio.sleep(1)
                    await page.value(PAGE.format(url=url))
                await gateway.publish(*map(event, range(start, start + 10)))
                with trio.fail_after(20):
                    await page.value(UNTIL.format(count=start + 10))
        assert await page.value("window.seen") == list(range(30))
