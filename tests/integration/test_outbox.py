"""A source that is pulled from, with tokens: whatever is killed, no row is lost, and there is no gap."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trio

import jackfield_outbox
import jackfield_sqlite
from jackfield import open_gateway
from jackfield._journal.store import SegmentStore

TABLE = "CREATE TABLE outbox (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, subject TEXT, data TEXT)"

GATEWAY = """
import sys
import trio
import jackfield
import jackfield_outbox, jackfield_sqlite

async def main(config):
    async with jackfield.open_gateway(config, plugins=[jackfield_outbox, jackfield_sqlite]):
        print("up", flush=True)
        await trio.sleep_forever()

trio.run(main, *sys.argv[1:])
"""

CONFIG = """
[gateway]
journal = "journal"

[feeds.app]
provider = "outbox"
name = "app"
path = "app.db"
poll_seconds = 0.01
delete = true

[sinks.db]
type = "sqlite"
path = "out.db"

[[routes]]
select = ["**"]
sinks = ["db"]
"""


def opened(path):
    return contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=10))


def write(database, first, count):
    """An application that writes events in transactions of its own."""
    rows = [
        ("call.updated", f"c{number % 7}", json.dumps({"number": number})) for number in range(first, first + count)
    ]
    database.execute("BEGIN")
    database.executemany("INSERT INTO outbox (kind, subject, data) VALUES (?, ?, ?)", rows)
    database.execute("COMMIT")
    return first + count


def delivered(path):
    """The numbers and the stream's events in the sink's table, in order."""
    try:
        with opened(path) as database:
            rows = database.execute("SELECT kind, event FROM events ORDER BY number").fetchall()
    except sqlite3.OperationalError:  # no batch has made the table yet
        return [], []
    numbers = [json.loads(event)["data"]["number"] for kind, event in rows if kind == "call.updated"]
    return numbers, [kind for kind, _ in rows if kind.startswith("stream.")]


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.thorough)])
def test_killed_again_and_again_no_row_is_lost_and_there_is_no_gap(tmp_path, kills):
    (tmp_path / "gateway.toml").write_text(CONFIG)
    paths = [str(Path(jackfield_outbox.__file__).parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    chance, total = random.Random(20), 0
    with opened(tmp_path / "app.db") as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(TABLE)
        for kill in range(kills + 2):
            process = subprocess.Popen(
                [sys.executable, "-c", GATEWAY, "gateway.toml"], stdout=subprocess.PIPE, cwd=tmp_path, env=environ
            )
            with process:
                assert process.stdout.readline() == b"up\n"
                for _ in range(chance.randrange(1, 40)):
                    total = write(database, total, chance.randrange(1, 30))
                if 1 <= kill <= kills:
                    process.kill()
                    continue
                # The first run, before which there is no token, and the last one end in order.
                for _ in range(600):  # a test looks from outside
                    if len(set(delivered(tmp_path / "out.db")[0])) == total:
                        break
                    trio.run(trio.sleep, 0.05)
                process.send_signal(signal.SIGINT)
    numbers, facts = delivered(tmp_path / "out.db")
    assert sorted(numbers) == list(range(total))
    assert "stream.gap_suspected" not in facts
    assert total > 50 * kills


async def test_rows_are_deleted_when_they_are_stored_and_a_table_that_is_not_there_is_waited_for(tmp_path):
    feed = {"provider": "outbox", "name": "app", "path": str(tmp_path / "app.db"), "poll_seconds": 0.01, "delete": True}
    async with open_gateway({"feeds": {"app": feed}}, plugins=[jackfield_outbox, jackfield_sqlite]) as gateway:
        with gateway.listen("**") as events, trio.fail_after(20), opened(tmp_path / "app.db") as database:
            database.execute(TABLE)
            write(database, 0, 3)
            database.execute("INSERT INTO outbox (kind, subject, data) VALUES ('fax.sent', 'f1', 'not JSON')")
            event = await until(events, "call.updated")
            for _ in range(500):  # a test looks from outside
                if database.execute("SELECT count(*) FROM outbox").fetchone()[0] == 1:
                    break
                await trio.sleep(0.01)
            assert database.execute("SELECT count(*) FROM outbox").fetchone()[0] == 1
        stats = gateway.state().feeds["app"]
    assert str(event.address) == "outbox/table/app/call/c0/updated"
    assert stats.unreadable == 1


@pytest.mark.parametrize(("rows", "size", "bounds"), [(300, 10, {"memory_events": 40}), (100, 50_000, {})])
async def test_a_table_that_is_read_faster_than_the_journal_writes_is_slowed_and_nothing_is_dropped(
    tmp_path, monkeypatch, rows, size, bounds
):
    bounds = {"memory_bytes": 1_000_000} | bounds
    most = [0]
    with opened(tmp_path / "app.db") as database:
        database.execute(TABLE)
        text = json.dumps({"filler": "x" * size})
        database.executemany(
            "INSERT INTO outbox (kind, subject, data) VALUES ('call.updated', ?, ?)",
            [(f"c{n}", text) for n in range(rows)],
        )
    feed = {"provider": "outbox", "name": "app", "path": str(tmp_path / "app.db"), "poll_seconds": 0.01}
    document = {"gateway": {"journal": str(tmp_path / "journal"), **bounds}, "feeds": {"app": feed}}

    append = SegmentStore.append

    def slowly(*group):
        most[0] = max(most[0], gateway.state().journal.waiting)
        time.sleep(0.001)
        append(*group)

    monkeypatch.setattr(SegmentStore, "append", slowly)
    async with open_gateway(document, plugins=[jackfield_outbox]) as gateway:
        with trio.fail_after(30):
            for _ in range(3000):  # a test looks from outside
                if gateway.state().journal.taken >= rows:
                    break
                await trio.sleep(0.01)
        journal = gateway.state().journal
    assert (journal.dropped, journal.taken >= rows) == (0, True)
    assert most[0] <= bounds.get("memory_events", 10_000)
    assert most[0] * size < bounds["memory_bytes"]


async def until(events, kind):
    async for each in events:
        if each.kind == kind:
            return each
    raise AssertionError("the events have ended")


@pytest.mark.parametrize("token", ["0", "17"])
def test_a_token_is_where_it_goes_on(token):
    source = jackfield_outbox.Outbox("app", "app.db").resume_from(token)
    assert source.open.args == (int(token),)
