"""The plugins under docs/examples/plugins: short, by public names only, and at work in a gateway."""

import contextlib
import json
import sqlite3
from pathlib import Path

import pytest
import trio

import jackfield_asterisk
import jackfield_sqlite
from example_suites.asterisk import FRAMES, AsteriskSuite
from jackfield import open_gateway
from jackfield.simulation._listener import serve_stream

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "plugins"


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("jackfield_asterisk.py", 160),
        ("jackfield_freeswitch.py", 330),
        ("jackfield_genesys.py", 460),
        ("jackfield_outbox.py", 190),
        ("jackfield_postgresql.py", 150),
        ("jackfield_sqlite.py", 60),
        ("jackfield_telegram.py", 180),
        ("jackfield_twilio.py", 240),
    ],
)
def test_an_example_is_short_and_uses_public_names_only(name, most):
    text = (EXAMPLES / name).read_text()
    assert len(text.splitlines()) < most
    assert "jackfield._" not in text


@pytest.mark.parametrize(("kind", "frame"), FRAMES.items(), ids=lambda value: value if isinstance(value, str) else "")
def test_what_happens_in_asterisk_has_its_neutral_kind(kind, frame):
    (event,) = AsteriskSuite().emitted(json.dumps(frame).encode())
    assert (event.kind, event.native_type) == (kind, frame["type"])


async def test_both_work_in_a_gateway(tmp_path):
    """A websocket that says what Asterisk says, on a real socket, and rows in a real database."""
    targets = []

    async def asterisk(incoming):
        targets.append(incoming.target)
        line = await incoming.accept()
        for frame in FRAMES.values():
            await line.send(json.dumps(frame))
        await line.receive()

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        await nursery.start(trio.serve_listeners, lambda stream: serve_stream(asterisk, stream), listeners)
        url = f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}/ari/events"
        feed = {"provider": "asterisk", "url": url, "app": "desk", "username": "u", "password": "pw"}
        path = str(tmp_path / "events.db")
        document = {
            "feeds": {"pbx": feed},
            "sinks": {"db": {"type": "sqlite", "path": path}},
            "routes": [{"select": ["asterisk/**"], "sinks": ["db"]}],
        }
        async with open_gateway(document, plugins=[jackfield_asterisk, jackfield_sqlite]):
            with trio.fail_after(10), contextlib.closing(sqlite3.connect(path)) as database:
                kinds = []
                while len(kinds) < len(FRAMES):  # a test looks from outside
                    await trio.sleep(0.05)
                    with contextlib.suppress(sqlite3.OperationalError):
                        kinds = [row[0] for row in database.execute("SELECT kind FROM events ORDER BY number")]
                    kinds = [kind for kind in kinds if not kind.startswith("stream.")]
        nursery.cancel_scope.cancel()
    assert kinds == list(FRAMES)
    assert targets == ["/ari/events?app=desk&api_key=u%3Apw&subscribeAll=true"]
