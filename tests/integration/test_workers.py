"""``jackfield run --workers``: several processes that are one gateway, started, killed, changed and stopped."""

import json
import os
import signal
from collections import defaultdict

import pytest
import trio

JOURNAL = '[gateway]\njournal = "var/journal"\n'


def with_journal(folder, config, more=""):
    path = folder.path / config
    path.write_text(JOURNAL + path.read_text() + more)
    return config


async def process_of(gateway, worker):
    line = await gateway.says(f"worker {worker}: process ")
    return int(line.partition(f"worker {worker}: process ")[2].split()[0])


def in_journal(folder, feed):
    lines = []
    for segment in sorted((folder.path / "var" / "journal" / feed).glob("*.jsonl")):
        lines += [line for line in segment.read_text().splitlines() if line.startswith('{"specversion"')]
    return [json.loads(line) for line in lines]


async def test_a_worker_that_is_killed_comes_back_with_its_gap_and_one_signal_ends_all(start, vendor, folder):
    config = with_journal(folder, folder.configure(await vendor("voipbin"), await vendor("vinix")))
    gateway = await start("run", config, "--workers", "2")
    killed = await process_of(gateway, 1)
    await gateway.until(lambda _: folder.count("office") > 20 and folder.count("support") > 20)
    os.kill(await process_of(gateway, 2), signal.SIGTERM)  # as to all processes of a unit: its parent stops it
    os.kill(killed, signal.SIGKILL)
    await gateway.says(f"worker 1: process {killed} was ended by SIGKILL; nobody holds office; started again in ")
    seen = folder.count("support")
    await gateway.until(lambda _: folder.count("support") > seen + 5)  # the other feed goes on
    await gateway.says("office: events may be missing between")
    seen = folder.count("office")
    await gateway.until(lambda _: folder.count("office") > seen + 20)
    assert await gateway.stop() == 0

    delivered = defaultdict(list)
    for event in folder.events():
        delivered[event["feed"], event.get("correlationid")].append(event["id"])
    accepted = defaultdict(list)
    for feed in ("office", "support"):
        for event in in_journal(folder, feed):
            accepted[feed, event.get("correlationid")].append(event["id"])
    assert accepted.keys() == delivered.keys()
    assert not any("worker 2: process" in line and "ended" in line for line in gateway.err)
    for key, ids in accepted.items():
        assert list(dict.fromkeys(delivered[key])) == ids
    assert sum(line.endswith(" delivered, 0 lost") for line in gateway.err) == 1
    assert not [line for line in gateway.err if "Traceback" in line]


@pytest.mark.thorough
async def test_each_event_of_a_webhook_is_committed_by_the_feeds_worker_before_the_answer(start, poster, folder):
    config = "gateway.toml"
    (folder.path / config).write_text(
        JOURNAL
        + """
        [webhooks]
        listen = "127.0.0.1:0"
        [sinks.archive]
        type = "file"
        path = "var/events.jsonl"
        [[routes]]
        select = ["**"]
        sinks = ["archive"]
        """
        + "\n".join(
            f'[feeds.{name}]\nprovider = "voipbin"\nreceive = "webhook"\n'
            f'token = {{ env = "VOIPBIN_TOKEN" }}\nwebhook_verify = false\n'
            for name in ("one", "two")
        )
    )
    gateway = await start("run", config, "--workers", "2")
    line = await gateway.says("are received at ")
    url = line.partition("are received at ")[2].split()[0]
    stream = await poster.connect(url)
    body = json.dumps({"type": "call_hangup", "data": {"id": "c-1", "customer_id": "acme", "status": "hangup"}})
    for feed in ("one", "two"):
        status, _, answer = await poster.post(stream, f"/webhooks/{feed}", body.encode())
        assert (status, answer) == (200, {"new": 1, "copies": 0})
        assert len([each for each in in_journal(folder, feed) if each["origin"] == "webhook"]) == 1
    os.kill(await process_of(gateway, 1), signal.SIGSTOP)  # it can commit nothing
    status, headers, answer = await poster.post(stream, "/webhooks/one", body.encode())
    assert (status, headers["retry-after"]) == (503, "5")
    os.kill(await process_of(gateway, 1), signal.SIGKILL)
    await gateway.says("nobody holds one")
    status, headers, answer = await poster.post(stream, "/webhooks/one", body.encode())
    assert (status, headers["retry-after"]) == (503, "5")
    assert answer == {"error": "the feed's worker is being started"}
    assert (await poster.post(stream, "/webhooks/two", body.encode()))[2] == {"new": 0, "copies": 1}
    with trio.fail_after(30):
        again = {"new": 0, "copies": 1}
        while (await poster.post(stream, "/webhooks/one", body.encode()))[2] != again:  # noqa: ASYNC110  # from outside
            await trio.sleep(0.1)
    await stream.aclose()
    assert await gateway.stop(signal.SIGINT) == 0


@pytest.mark.thorough
async def test_a_changed_file_is_taken_over_by_all_workers_or_by_none(start, vendor, folder):
    config = with_journal(folder, folder.configure(await vendor("voipbin"), await vendor("vinix")))
    path = folder.path / config
    gateway = await start("run", config, "--workers", "2")
    await gateway.until(lambda _: folder.count("office") > 5 and folder.count("support") > 5)
    unchanged = path.read_text()
    path.write_text(unchanged.replace('["**"]', '["call.*"]'))
    asked = await start("reload", config)
    assert await asked.ended() == 0
    assert asked.out == ["route added: call.* -> archive", "route removed: ** -> archive"]
    bad = '[sinks.more]\ntype = "file"\npath = "/proc/none/x"\n'
    path.write_text(unchanged + bad)
    refused = await start("reload", config)
    assert await refused.ended() == 2
    assert await refused.says("sinks.more")
    path.write_text(unchanged.replace('["**"]', '["call.*"]').replace("feeds.support", "feeds.other"))
    renamed = await start("reload", config)
    assert await renamed.ended() == 0
    await gateway.says("other: connected")
    killed = await process_of(gateway, 2)
    os.kill(killed, signal.SIGKILL)
    await gateway.says(f"process {killed} was ended by SIGKILL")
    assert await gateway.stop() == 0


@pytest.mark.thorough
async def test_what_workers_cannot_do_is_refused_before_anything_runs(start, folder):
    config = folder.configure("ws://127.0.0.1:9/ws", "ws://127.0.0.1:9")
    with_journal(folder, config, '[serve]\nlisten = "127.0.0.1:0"\nopen = true\n')
    served = await start("run", config, "--workers", "2")
    assert await served.ended() == 2
    assert await served.says("serve.listen: ")
    assert not (folder.path / "var").exists()


@pytest.mark.thorough
async def test_the_journal_of_one_process_is_not_passed_by(start, vendor, folder):
    config = with_journal(folder, folder.configure(await vendor("voipbin"), await vendor("vinix")))
    alone = await start("run", config)
    await alone.until(lambda _: folder.count("office") > 5 and folder.count("support") > 5)
    assert await alone.stop() == 0
    several = await start("run", config, "--workers", "2")
    assert await several.ended() == 1
    assert await several.says("is the journal of a gateway in one process")
    (folder.path / "var" / "feeds").mkdir()
    for feed in ("office", "support"):
        copied = await start("journal", "backup", config, f"var/feeds/{feed}")
        assert await copied.ended() == 0
    path = folder.path / config
    path.write_text(path.read_text().replace("var/journal", "var/feeds"))
    before = len(folder.events())
    several = await start("run", config, "--workers", "2")
    await several.says("office: events may be missing between")
    await several.until(lambda _: len(folder.events()) > before + 20)
    assert await several.stop() == 0
    ids = [event["id"] for event in folder.events()]
    assert len(ids) == len(set(ids))

    alone = await start("run", config)
    assert await alone.ended() == 1
    assert await alone.says("holds a journal for each feed (office, support)")
