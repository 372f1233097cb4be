"""The example sink of PostgreSQL against a real server: the kit, and each event exactly once through SIGKILLs."""

import contextlib
import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from vendors.postgresql import Postgres, find

from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.plugin.secrets import Secret
from jackfield.testing import SinkSuite, SinkTarget
from jackfield.testing._rules import Level
from jackfield.testing._scorecard import run_suite

jackfield_postgresql = pytest.importorskip(
    "jackfield_postgresql",
    reason="pg8000 is not installed, so the sink of PostgreSQL is not tried",
    exc_type=ImportError,
)
pg8000 = jackfield_postgresql.pg8000.dbapi
Postgresql = jackfield_postgresql.Postgresql

PROGRAMS = find()
pytestmark = pytest.mark.skipif(PROGRAMS is None, reason="no PostgreSQL server: no wheel of one, and not the system's")
SERVERS = []

PROBE = """
import sys
from datetime import UTC, datetime
import trio
import jackfield
import jackfield_asterisk, jackfield_postgresql
from jackfield import Address, Event

def event(run, number):
    key = f"key-{number % 7}"
    address = Address("probe", "test", "kill", "call", key, "updated")
    at = datetime.now(UTC)
    return Event(
        id=f"{run}-{number}", kind="call.updated", address=address, time=at, received=at, feed="probe", correlation=key,
        data={"number": number},
    )

async def main(config, run):
    async with jackfield.open_gateway(config, plugins=[jackfield_asterisk, jackfield_postgresql]) as gateway:
        for first in range(0, 10**9, 10):
            events = [event(run, number) for number in range(first, first + 10)]
            await gateway.publish(*events)
            print(*(each.id for each in events), sep="\\n", flush=True)
            await trio.sleep(0.005)
            if run == "last" and first == 100:
                while gateway.state().sinks["db"].lag:
                    await trio.sleep(0.05)
                return

trio.run(main, *sys.argv[1:])
"""

CONFIG = """
[gateway]
journal = "journal"

[feeds.pbx]
provider = "asterisk"
url = "ws://127.0.0.1:1/"
app = "none"
username = "none"
password = "none"

[sinks.db]
type = "postgresql"
journal = "kill"
url = "{url}"

[sinks.db.delivery]
concurrency = 2
batch_events = 50

[[routes]]
select = ["call.*"]
sinks = ["db"]
"""


@pytest.fixture(scope="module", autouse=True)
def server():
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = Postgres(PROGRAMS, Path(folder, "cluster"))
        server.create()
        server.start()
        SERVERS[:] = [server]
        yield server
        server.stop()


def query(url, text):
    """The rows that a query finds; in a thread, since the kit looks for calls that block the sink's."""
    return in_thread(_query, url, text)


def in_thread(function, *arguments):
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *arguments).result()


def _query(url, text):
    port = int(url.rpartition(":")[2].partition("/")[0])
    with contextlib.closing(
        pg8000.connect("tester", host="127.0.0.1", port=port, database=url.rpartition("/")[2])
    ) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(text)
        return list(cursor.fetchall()) if cursor.description else []


def locked(port, database):
    """A connection that keeps the table for itself until it is closed."""
    lock = pg8000.connect("tester", host="127.0.0.1", port=port, database=database)
    lock.cursor().execute("LOCK TABLE jackfield_events IN ACCESS EXCLUSIVE MODE")
    return lock


class PostgresqlSuite(SinkSuite):
    stalls = True
    _free = ()
    """Databases that no rule uses at the moment: to make one takes the server longer than most rules take."""

    @classmethod
    def _database(cls):
        """A database with an empty table."""
        if cls._free:
            *cls._free, name = cls._free
        else:
            number = query(SERVERS[0].url, "SELECT count(*) FROM pg_database")[0][0]
            name = f"target_{number}"
            query(SERVERS[0].url, f"CREATE DATABASE {name}")
        url = SERVERS[0].url.replace("/postgres", f"/{name}")
        query(url, f"{jackfield_postgresql.TABLE}; TRUNCATE jackfield_events")
        return name

    @contextlib.contextmanager
    def target(self):
        name, locks = self._database(), []
        url = SERVERS[0].url.replace("/postgres", f"/{name}")

        def arrived():
            rows = query(url, "SELECT event::text FROM jackfield_events ORDER BY ctid")
            return [Event.from_cloudevent(row[0]) for row in rows]

        def fail(after):
            query(url, "ALTER TABLE jackfield_events ADD CONSTRAINT closed CHECK (false) NOT VALID")

        def stall():
            locks.append(in_thread(locked, SERVERS[0].port, name))

        def recover():
            while locks:
                in_thread(locks.pop().close)
            query(url, "ALTER TABLE jackfield_events DROP CONSTRAINT IF EXISTS closed")

        sink = Postgresql("kit", url, Secret("text", "s3cret-of-the-database"))
        try:
            yield SinkTarget(sink, arrived, fail, stall, recover)
        finally:
            recover()
            type(self)._free = (*self._free, name)


def test_the_example_is_gold():
    card = run_suite(PostgresqlSuite, examples=10)
    assert card.failures == ()
    assert card.level is Level.GOLD


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.thorough)])
def test_killed_again_and_again_between_vendor_journal_and_database_each_event_is_in_the_table_once(
    server, tmp_path, kills
):
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG.format(url=server.url))
    query(server.url, "DROP TABLE IF EXISTS jackfield_events")  # of another run, whose events have the same ids
    chance, committed = random.Random(20), []
    environ = os.environ | {"PYTHONPATH": str(Path(jackfield_postgresql.__file__).parent)}
    for run in [*map(str, range(kills)), "last"]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROBE, str(config), run],
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environ,
        )
        if run == "last":
            committed += process.communicate(timeout=60)[0].split()
            assert process.returncode == 0
            break
        for _ in range(chance.randrange(1, 200)):
            committed.append(process.stdout.readline().strip())
        if int(run) % 4 == 3:  # the database, while the gateway goes on
            server.kill()
            for _ in range(chance.randrange(1, 100)):
                committed.append(process.stdout.readline().strip())
            server.start()
            for _ in range(chance.randrange(1, 100)):
                committed.append(process.stdout.readline().strip())
        process.kill()
        committed += process.communicate()[0].split()
    rows = query(server.url, "SELECT id, event::text FROM jackfield_events")
    ids = [row[0] for row in rows]
    assert len(ids) == len(set(ids))
    assert set(committed) - set(ids) == set()
    assert all(name.endswith(f"-{json.loads(text)['data']['number']}") for name, text in rows)


@pytest.mark.parametrize(
    ("state", "on_error"), [("28P01", "pause"), ("42P01", "pause"), ("22P02", "dead_letter"), ("40001", "retry")]
)
def test_what_the_server_says_decides_what_becomes_of_a_batch(state, on_error):
    failure = jackfield_postgresql._failure(pg8000.DatabaseError({"C": state, "M": "no"}))
    assert isinstance(failure, DeliveryError)
    assert (failure.on_error, failure.reason) == (on_error, f"PostgreSQL {state}: no")
