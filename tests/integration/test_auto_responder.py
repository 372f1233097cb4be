"""The auto-responder among the examples: as a process, between a simulated vendor and a real web server, and killed."""

import importlib
import json
import random
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from profiles import is_thorough

from jackfield.errors import DeliveryError
from jackfield.plugin.secrets import Secret

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "auto_responder.py"
ENVIRONMENT = {"VOIPBIN_TOKEN": "voipbin-s3cret", "PYTHONUNBUFFERED": "1"}

CONFIG = """
[gateway]
journal = "var/journal"

[feeds.office]
provider = "voipbin"
url = "{url}"
token = {{ env = "VOIPBIN_TOKEN" }}
customer_id = "550e8400-e29b-41d4-a716-446655440000"

[sinks.answers]
type = "auto-responder"
rules = "rules.toml"
notes = "notes.db"
api = "{api}"
token = {{ env = "VOIPBIN_TOKEN" }}

[[routes]]
select = ["message.received"]
sinks = ["answers"]
"""

# The simulated customers say STOP in every fourth message; here that is a word like any other.
ALL = 'stop = ["never said"]\n[answers]\nhours = "9 to 5"\nparcel = "on its way"\nbooking = "yes"\nstop = "why?"\n'


@attrs.define
class Platform:
    """The vendor's REST interface: keeps what is posted, answers as configured, with a delay."""

    statuses: list = attrs.field(factory=list)
    seconds: float = 0.0
    got: list = attrs.field(factory=list)
    server: ThreadingHTTPServer = attrs.field(init=False)

    def __attrs_post_init__(self):
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:  # the sender was killed
                    return
                status = platform.statuses.pop(0) if platform.statuses else 200
                platform.got.append((status, self.path, dict(self.headers), json.loads(body)))
                threading.Event().wait(platform.seconds)
                self.send_response(status)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a sender that is killed in the middle of a request

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def keys(self, *statuses):
        return [headers["Idempotency-Key"] for status, _, headers, _ in self.got if status in (statuses or (200,))]


@pytest.fixture
def platform():
    platform = Platform()
    thread = threading.Thread(target=platform.server.serve_forever)
    thread.start()
    yield platform
    platform.server.shutdown()
    thread.join()
    platform.server.server_close()


@attrs.define
class Responder:
    process: trio.Process
    out: list = attrs.field(factory=list)
    err: list = attrs.field(factory=list)

    async def until(self, condition):
        with trio.fail_after(20):
            while not condition():  # a test looks from outside
                assert self.process.returncode is None, "\n".join(self.err)
                await trio.sleep(0.02)

    async def end(self, number):
        self.process.send_signal(number)
        with trio.fail_after(20):
            return await self.process.wait()


@pytest.fixture
async def respond(nursery, folder):
    """Start the program; whatever still runs at the end is killed."""
    started = []

    async def collect(stream, lines):
        rest = b""
        async for data in stream:
            *whole, rest = (rest + data).split(b"\n")
            lines += [line.decode() for line in whole]

    async def respond(argument="gateway.toml"):
        process = await trio.lowlevel.open_process(
            [sys.executable, str(EXAMPLE), argument],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder.path,
            env=ENVIRONMENT,
        )
        responder = Responder(process)
        started.append(responder)
        nursery.start_soon(collect, process.stdout, responder.out)
        nursery.start_soon(collect, process.stderr, responder.err)
        return responder

    yield respond
    for responder in started:
        if responder.process.returncode is None:
            responder.process.kill()
            await responder.process.wait()


@pytest.fixture
async def configured(simulate, folder, platform):
    """A configuration that leads a simulated vendor's messages to the platform's REST interface."""
    _, url = await simulate("voipbin", "--rate", "600")
    (folder.path / "gateway.toml").write_text(CONFIG.format(url=url, api=platform.url))
    (folder.path / "rules.toml").write_text(ALL)
    return folder.path


async def accepted(start):
    """The keys of all messages that the journal holds."""
    listing = await start("journal", "events", "var/journal", "message.received")
    assert await listing.ended() == 0
    events = [json.loads(line) for line in listing.out]
    return [f"{event['source'].rpartition('/')[2]}/{event['data']['id']}" for event in events]


async def test_however_often_it_is_killed_no_message_is_answered_twice_and_none_is_left_unreported(
    configured, respond, start, platform
):
    chance = random.Random(7)
    platform.seconds = 0.01
    reported = []
    for _ in range(20 if is_thorough() else 2):
        before = len(platform.got)
        responder = await respond()
        await responder.until(lambda before=before: len(platform.got) > before + 3)
        await trio.sleep(chance.uniform(0.0, 0.2))
        assert await responder.end(signal.SIGKILL) == -signal.SIGKILL
        reported += responder.err
    platform.seconds = 0.0
    responder = await respond()
    count = len(platform.got)
    await responder.until(lambda: len(platform.got) > count + 5)
    assert await responder.end(signal.SIGTERM) == 0
    reported += responder.err
    answered = Counter(platform.keys())
    assert max(answered.values()) == 1
    messages = await accepted(start)
    crashed = {line.partition(":")[0] for line in reported if "may be unanswered" in line}
    assert set(messages) - set(answered) <= crashed
    assert len(answered) > 12
    _, path, headers, body = platform.got[0]
    assert (path, headers["Authorization"]) == ("/v1.0/messages", "Bearer voipbin-s3cret")
    assert set(body) == {"source", "destinations", "text"}
    assert body["source"]["target"] == "+15550199000"
    assert body["text"] in ("9 to 5", "on its way", "yes", "why?")


async def test_stop_is_answered_once_and_nothing_after_it(configured, respond, platform):
    (configured / "rules.toml").write_text(ALL.replace("never said", "stop"))
    responder = await respond()
    texts = lambda: [body["text"] for *_, body in platform.got]  # noqa: E731  # what came so far
    await responder.until(lambda: texts().count("You have been unsubscribed.") >= 3)
    await trio.sleep(0.5)
    assert await responder.end(signal.SIGINT) == 0
    stopped = set()
    for *_, body in platform.got:
        (number,) = (each["target"] for each in body["destinations"])
        assert number not in stopped
        if body["text"] == "You have been unsubscribed.":
            stopped.add(number)
    assert len(stopped) >= 3


async def test_what_was_surely_not_sent_is_tried_again_and_what_perhaps_was_is_not(configured, respond, platform):
    platform.statuses = [503, 200, 400, 500]
    responder = await respond()
    await responder.until(lambda: len(platform.got) >= 8)
    assert await responder.end(signal.SIGTERM) == 0
    keys = platform.keys(503, 200, 400, 500)
    assert keys[0] == keys[1]
    assert max(Counter(platform.keys(200, 500)).values()) == 1
    (line,) = [line for line in responder.err if "it may have been sent" in line]
    assert line.startswith(f"{platform.keys(500)[0]}: HTTP Error 500")


@pytest.fixture
def program(monkeypatch):
    """The program as a module."""
    monkeypatch.syspath_prepend(EXAMPLE.parent)
    yield importlib.import_module("auto_responder")
    for name in ("auto_responder", "notes", "simulated", "voipbin_messages"):
        sys.modules.pop(name)


@pytest.mark.parametrize(
    ("rules", "error", "message"),
    [
        ("answers = 3", DeliveryError, r"rules\.toml: .*answers"),
        ("[answer]\nhours = 'x'", DeliveryError, r"rules\.toml: .*answer"),
        ("answers = {", DeliveryError, r"rules\.toml: Invalid"),
        (None, OSError, r"No such file or directory: .*rules\.toml"),
    ],
)
async def test_wrong_rules_are_reported_with_the_file_before_anything_starts(program, tmp_path, rules, error, message):
    path = tmp_path / "rules.toml"
    if rules is not None:
        path.write_text(rules)
    with pytest.raises(error, match=message):
        async with program.Options(str(path), str(tmp_path / "notes.db")).open():
            pytest.fail("must not open")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("What are your HOURS?", ("9 to 5", False)),
        ("hours or a parcel", ("9 to 5", False)),
        ("A parcel with opening times", ("on its way", False)),
        ("opening times", ("see above", False)),
        ("afterhours", (None, False)),
        ("", (None, False)),
        (" Stop. ", ("Bye.", True)),
        ("unsubscribe!", ("Bye.", True)),
        ("please do not stop", (None, False)),
    ],
)
def test_a_whole_word_in_any_case_is_a_keyword_and_stop_must_stand_alone(program, text, answer):
    answers = {"hours": "9 to 5", "parcel": "on its way", "opening times": "see above"}
    assert program.Rules(answers, goodbye="Bye.").answer(text) == answer


MEMORY = "/dev/shm" if Path("/dev/shm").exists() else None  # noqa: S108  # where flushing costs nothing
steps = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from("ab"),
        st.booleans(),
        st.sampled_from(["sent", "not sent", "crash", "restart"]),
    ),
    max_size=12,
)


@given(steps)
def test_whatever_crashes_the_notes_let_no_message_be_answered_twice_and_nobody_be_written_to_after_stop(steps):
    notes = runpy.run_path(str(EXAMPLE.parent / "notes.py"))
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder, ExitStack() as opened:
        book = opened.enter_context(notes["open_notes"](f"{folder}/notes.db"))
        perhaps_sent, stopped_by = set(), {}
        for message, number, last, outcome in steps:
            message = f"{message}{number}{last}"  # noqa: PLW2901  # a message has one sender and one text
            if outcome in ("restart", "crash"):
                crashed = outcome == "crash" and book.begin(message, number, last=last)
                opened.close()
                book = opened.enter_context(notes["open_notes"](f"{folder}/notes.db"))
                assert book.crashed() == ([message] if crashed else [])
                begun = crashed
            elif begun := book.begin(message, number, last=last):
                book.end(message, sent=outcome == "sent")
            if begun:
                assert message not in perhaps_sent
                assert stopped_by.get(number, message) == message
                if outcome != "not sent":
                    perhaps_sent.add(message)
                if last:
                    stopped_by[number] = message


@pytest.mark.parametrize(
    ("status", "on_error"), [(400, "dead_letter"), (401, "pause"), (403, "pause"), (429, "retry"), (503, "retry")]
)
def test_what_the_platform_turned_down_was_not_sent_and_says_what_to_do(program, platform, status, on_error):
    platform.statuses = [status]
    with pytest.raises(DeliveryError, match=f"not sent: HTTP Error {status}") as caught:
        program.post(platform.url, Secret("text", "t"), "key", {})
    assert caught.value.on_error == on_error


def test_what_could_not_even_be_connected_was_not_sent_and_is_tried_again(program):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    with pytest.raises(DeliveryError, match=r"not sent: .*refused") as caught:
        program.post(url, Secret("text", "t"), "key", {})
    assert caught.value.on_error == "retry"
