"""An ingest tier and a delivery tier, two configurations of the same gateway, while Redis dies under them."""

import json

import pytest
import trio

import jackfield
from jackfield_redis.keys import Partition

RUNS = [
    pytest.param(2, 0.2, 1500, id="killed twice"),
    pytest.param(5, 0.5, 6000, id="killed five times", marks=pytest.mark.thorough),
    pytest.param(1, 60.0, 3000, id="away for a minute", marks=pytest.mark.thorough),
]


def ingest(url, folder):
    return {
        "gateway": {"journal": str(folder / "ingest")},
        "feeds": {"idle": {"provider": "redis", "url": url, "stream": "nothing-comes-here"}},
        "sinks": {"bus": {"type": "redis", "url": url, "partitions": 8, "timeout": 2.0}},
        "routes": [{"select": ["call.*"], "sinks": ["bus"]}],
    }


def delivery(url, folder):
    return {
        "gateway": {"journal": str(folder / "delivery")},
        "feeds": {"bus": {"provider": "redis", "url": url, "lease_seconds": 1.0, "timeout": 2.0}},
        "sinks": {"out": {"type": "file", "path": str(folder / "out.jsonl")}},
        "routes": [{"select": ["call.* @ v/**"], "sinks": ["out"]}],
    }


@pytest.mark.parametrize(("kills", "away", "count"), RUNS)
async def test_nothing_is_lost_and_order_is_kept_while_redis_is_killed_and_comes_back(
    servers, event, tmp_path, kills, away, count
):
    server = servers(appendonly="yes", appendfsync="always")
    out, published = tmp_path / "out.jsonl", trio.Event()

    def lines():
        return out.read_text().splitlines() if out.exists() else []

    async def publish(gateway):
        for start in range(0, count, 10):
            await gateway.publish(*(event(n, f"c-{n % 40}") for n in range(start, start + 10)))
            await trio.sleep(0.02)
        published.set()

    async def kill():
        for _ in range(kills):
            await trio.sleep(1.0)
            server.kill()
            await trio.sleep(away)
            await trio.to_thread.run_sync(server.start)

    async with (
        jackfield.open_gateway(ingest(server.url, tmp_path)) as first,
        jackfield.open_gateway(delivery(server.url, tmp_path)) as second,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(publish, first)
        nursery.start_soon(kill)
        await published.wait()
        with trio.fail_after(away + 60):
            while len(lines()) < count:  # noqa: ASYNC110  # a file has no event
                await trio.sleep(0.1)
        feed = second.state().feeds["bus"]
        assert feed.gaps == 0
        assert (first.state().sinks["bus"].dead, first.state().sinks["bus"].dropped) == (0, 0)
        with trio.fail_after(20):
            while any(server.ask("XPENDING", Partition("events", n).entries, "jackfield")[0] for n in range(8)):  # noqa: ASYNC110
                await trio.sleep(0.1)
    came = [json.loads(line) for line in lines()]
    assert sorted(int(each["id"]) for each in came) == list(range(count))  # each, and once
    for key in range(40):
        mine = [int(each["id"]) for each in came if each["correlationid"] == f"c-{key}"]
        assert mine == sorted(mine)
    assert {each["source"] for each in came} == {"/v/s/i"}
