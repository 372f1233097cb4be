"""The plugins under docs/examples/plugins: they keep every rule, and run in a gateway."""

import contextlib
import json
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trio

import jackfield_asterisk
import jackfield_sqlite
from jackfield import open_gateway
from jackfield.events import Event
from jackfield.plugin.secrets import Secret
from jackfield.simulation._listener import serve_stream
from jackfield.testing import ProviderSuite, SinkSuite, SinkTarget
from jackfield.testing._rules import Level
from jackfield.testing._scorecard import run_suite
from jackfield_asterisk import Asterisk
from jackfield_sqlite import Sqlite

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "plugins"

CHANNEL = {
    "id": "1554148909.28",
    "name": "PJSIP/alice-0000001c",
    "state": "Up",
    "caller": {"name": "", "number": "+15550100"},
    "connected": {"name": "", "number": ""},
    "accountcode": "",
    "dialplan": {"context": "in", "exten": "s", "priority": 1},
    "creationtime": "2019-04-01T20:01:49.718+0200",
    "language": "en",
}
BRIDGE = {
    "id": "71de0c21-cf12-454c-bf60-bed9f022e71e",
    "technology": "softmix",
    "bridge_type": "mixing",
    "bridge_class": "base",
    "creator": "ConfBridge",
    "name": "1234",
    "channels": [],
    "creationtime": "2019-04-01T20:01:52.821+0200",
    "video_mode": "none",
}


def ari(name, second, **more):
    moment = f"2019-04-01T20:01:{second:02}.780+0200"
    return {"type": name, "timestamp": moment, **more, "asterisk_id": "00:11:22:33:44:55", "application": "desk"}


FRAMES = {
    "call.initiated": ari("ChannelCreated", 1, channel=CHANNEL | {"state": "Down"}),
    "call.alerting": ari("ChannelStateChange", 2, channel=CHANNEL | {"state": "Ringing"}),
    "call.connected": ari("ChannelStateChange", 3, channel=CHANNEL),
    "call.updated": ari("StasisStart", 4, args=["sales"], channel=CHANNEL),
    "conference.started": ari("BridgeCreated", 5, bridge=BRIDGE),
    "conference.participant_joined": ari("ChannelEnteredBridge", 6, bridge=BRIDGE, channel=CHANNEL),
    "conference.participant_left": ari("ChannelLeftBridge", 7, bridge=BRIDGE, channel=CHANNEL),
    "call.clearing": ari("ChannelHangupRequest", 8, cause=16, channel=CHANNEL),
    "call.cleared": ari("ChannelDestroyed", 9, cause=16, cause_txt="Normal Clearing", channel=CHANNEL),
    "unmapped.device_state": ari("DeviceStateChanged", 10, device_state={"name": "confbridge:1234", "state": "INUSE"}),
    "unmapped.endpoint": ari("PeerStatusChange", 11, endpoint={"technology": "PJSIP", "resource": "alice"}),
    "unmapped.application": ari("SomethingNew", 12, thing={"id": "1"}),
}


class TestAsterisk(ProviderSuite):
    provider = Asterisk(app="desk", username="jackfield", password=Secret("text", "pw-s3cret"))
    unsubscribes = False

    def examples(self):
        digits = [ari("ChannelDtmfReceived", 20 + number, digit="5", channel=CHANNEL) for number in range(2)]
        return [
            json.dumps(each).encode() for each in [*FRAMES.values(), *digits, ari("StasisEnd", 30, channel=CHANNEL)]
        ]


class TestSqlite(SinkSuite):
    @contextlib.contextmanager
    def target(self):
        with TemporaryDirectory() as folder:
            path = f"{folder}/events.db"
            other = sqlite3.connect(path, isolation_level=None)

            def arrived():
                try:
                    rows = other.execute("SELECT event FROM events ORDER BY number").fetchall()
                except sqlite3.OperationalError:  # no batch has made the table yet
                    rows = []
                return [Event.from_cloudevent(row[0]) for row in rows]

            def recover():
                if other.in_transaction:
                    other.rollback()

            try:
                yield SinkTarget(
                    Sqlite(path, 0.01), arrived, lambda after: other.execute("BEGIN EXCLUSIVE"), recover=recover
                )
            finally:
                other.close()


@pytest.mark.parametrize("suite", [TestAsterisk, TestSqlite])
def test_an_example_is_gold(suite):
    card = run_suite(suite, examples=10)
    assert card.failures == ()
    assert card.level is Level.GOLD


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("jackfield_asterisk.py", 210),
        ("jackfield_freeswitch.py", 330),
        ("jackfield_genesys.py", 460),
        ("jackfield_outbox.py", 260),
        ("jackfield_postgresql.py", 140),
        ("jackfield_sqlite.py", 60),
        ("jackfield_twilio.py", 310),
    ],
)
def test_an_example_is_short_and_uses_public_names_only(name, most):
    text = (EXAMPLES / name).read_text()
    assert len(text.splitlines()) < most
    assert "jackfield._" not in text


@pytest.mark.parametrize(("kind", "frame"), FRAMES.items(), ids=lambda value: value if isinstance(value, str) else "")
def test_what_happens_in_asterisk_has_its_neutral_kind(kind, frame):
    (event,) = TestAsterisk().emitted(json.dumps(frame).encode())
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
