"""`jackfield_voipbin.customer` and its command: the record is read, merged and written, and no field is blanked."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield._cli import main
from jackfield.errors import RestError
from jackfield.plugin.http import Request, Response
from jackfield_voipbin.credentials import read_credential
from jackfield_voipbin.customer import WRITTEN, read_webhook, write_webhook
from jackfield_voipbin.rest import Rest

SECRET = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"
RECORD = {
    "id": "550e8400-e29b-41d4-a716-446655440000",
    "name": "Head office",
    "detail": "Zürich",
    "email": "it@example.com",
    "phone_number": "+15550100123",
    "address": "1 Main St",
    "webhook_method": "POST",
    "webhook_uri": "https://old.example/",
    "status": "active",
    "webhook_secret": SECRET,
}
TOKEN = "aaa.bbb.ccc"


@attrs.define
class Platform:
    """Keeps one customer's record as the platform does: PUT overwrites seven fields, and blanks what is missing."""

    record: dict = attrs.field(factory=lambda: dict(RECORD))
    status: dict = attrs.field(factory=dict)
    asked: list = attrs.field(factory=list)

    def answer(self, request):
        self.asked.append(request)
        if (status := self.status.get(request.method)) is not None:
            error = {"error": {"status": "X", "reason": "SOME_REASON", "message": "in words", "request_id": "req_1"}}
            return Response(status, body=json.dumps(error).encode())
        if request.method == "PUT":
            given_ = json.loads(request.body)
            self.record |= {name: given_.get(name, "") for name in WRITTEN}
            shown = {name: value for name, value in self.record.items() if value and name != "webhook_secret"}
        else:
            shown = {name: value for name, value in self.record.items() if value}
        return Response(200, body=json.dumps(shown).encode())

    def perform(self, exchange):
        try:
            request = next(exchange)
            while True:
                request = exchange.send(self.answer(request))
        except StopIteration as done:
            return done.value


REST = Rest("https://api.voipbin.net", read_credential(TOKEN))


@given(
    st.dictionaries(st.sampled_from(WRITTEN), st.text(), min_size=len(WRITTEN)),
    st.text(),
    st.sampled_from(["POST", None]),
)
def test_setting_the_webhook_changes_nothing_else(fields, uri, method):
    platform = Platform(RECORD | fields)
    settings = platform.perform(write_webhook(REST, uri, method))
    changed = {"webhook_uri": uri} | ({"webhook_method": method} if method else {})
    assert platform.record == RECORD | fields | changed
    assert (settings.uri, settings.method) == (platform.record["webhook_uri"], platform.record["webhook_method"])
    assert set(json.loads(platform.asked[-1].body)) == set(WRITTEN)


@pytest.mark.parametrize(
    ("method", "status", "message"),
    [
        ("GET", 401, r"GET /v1.0/customer: HTTP 401: SOME_REASON: in words"),
        ("GET", 403, r"\(it needs the role customer admin or manager\)$"),
        ("PUT", 403, r"PUT /v1.0/customer: .* \(it needs the role customer admin\)$"),
        ("GET", 404, "is url that of the websocket?"),
        ("PUT", 500, "HTTP 500"),
    ],
)
def test_what_the_platform_turns_down_is_one_line_that_says_what_it_takes(method, status, message):
    platform = Platform(status={method: status})
    with pytest.raises(RestError, match=message) as error:
        platform.perform(write_webhook(REST, "https://new.example/"))
    assert error.value.auth_failed == (status in (401, 403))
    assert platform.record == RECORD


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id": 5}', b'{"id": "x", "name": {}}'])
def test_what_is_no_record_is_never_written_back(body):
    asked = []

    def answer(request):
        asked.append(request.method)
        return Response(200, body=body)

    exchange = write_webhook(REST, "https://new.example/")
    with pytest.raises(RestError):
        exchange.send(answer(next(exchange)))
    assert asked == ["GET"]


def test_reading_asks_once():
    platform = Platform()
    assert platform.perform(read_webhook(REST)).secret == SECRET
    assert [request.method for request in platform.asked] == ["GET"]


@pytest.fixture
def platform():
    """The same as a real server."""
    platform = Platform()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = platform.answer(Request(self.command, self.path, tuple(self.headers.items()), body))
            self.send_response(answer.status)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def do_PUT(self):
            self.do_GET()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    platform_url = f"ws://127.0.0.1:{server.server_port}/v1.0/ws"
    yield platform, platform_url
    server.shutdown()
    thread.join()
    server.server_close()


FEED = '[feeds.{name}]\nprovider = "voipbin"\nurl = "{url}"\ntoken = {{ env = "TOKEN" }}\ncustomer_id = "abc"\n'


@pytest.fixture
def command(platform, tmp_path, monkeypatch, capsys):
    """Runs ``jackfield voipbin webhook``; its exit status, standard output and standard error."""
    monkeypatch.setenv("TOKEN", TOKEN)
    config = tmp_path / "gateway.toml"
    config.write_text(FEED.format(name="office", url=platform[1]))

    def run(action, *arguments):
        status = main(["voipbin", "webhook", action, str(config), *arguments])
        return status, *capsys.readouterr()

    run.config = config
    return run


def test_the_command_shows_the_settings_and_the_secret_only_if_asked_to(command):
    status, out, err = command("show")
    assert (status, err) == (0, "")
    assert out == "uri: https://old.example/\nmethod: POST\nsecret: there is one; --reveal-secret shows it\n"
    assert command("show", "--reveal-secret")[1].endswith(f"secret: {SECRET}\n")


@pytest.mark.parametrize(
    ("method", "warning"),
    [("", "many proxies drop the body"), ("DELETE", "many proxies drop the body"), ("PATCH", "sent by PATCH is lost")],
)
def test_the_command_warns_of_a_method_by_which_events_are_lost(command, platform, method, warning):
    platform[0].record["webhook_method"] = method
    assert warning in command("show")[1]
    platform[0].record["webhook_method"] = "PUT"
    assert "warning" not in command("show")[1]


def test_the_command_warns_of_a_limit_that_events_exceed(command):
    command.config.write_text(command.config.read_text() + "max_message_bytes = 1000000\n")
    assert "warning: what exceeds max_message_bytes, 1,000,000 bytes, is lost" in command("show")[1]


def test_the_command_sets_and_clears_and_keeps_the_rest(command, platform):
    platform, _ = platform
    status, out, _ = command("set", "--url", "https://new.example/webhooks/office", "--method", "PUT")
    assert (status, out.splitlines()[:2]) == (0, ["uri: https://new.example/webhooks/office", "method: PUT"])
    assert platform.record == RECORD | {"webhook_uri": "https://new.example/webhooks/office", "webhook_method": "PUT"}
    assert platform.asked[-1].header("authorization") == f"Bearer {TOKEN}"
    assert command("clear")[1].startswith("uri: none, so nothing is sent\n")
    assert platform.record == RECORD | {"webhook_uri": "", "webhook_method": "PUT"}


def test_what_the_platform_refuses_is_one_line_and_exit_status_1(command, platform):
    platform[0].status["PUT"] = 403
    status, out, err = command("clear")
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert "it needs the role customer admin" in err
    assert TOKEN not in err


def test_which_feed_is_meant_must_be_clear(command, platform):
    with command.config.open("a") as file:
        file.write(FEED.format(name="branch", url=platform[1]))
    status, _, err = command("show")
    assert status == 2
    assert "say which with --feed (there are: office, branch)" in err
    assert command("show", "--feed", "branch")[0] == 0
    assert "'nope' is not a feed of VoIPBIN's" in command("show", "--feed", "nope")[2]


def test_a_url_that_is_none_is_turned_down_before_anything_is_asked(command, platform):
    with pytest.raises(SystemExit) as error:
        command("set", "--url", "events.example/webhooks")
    assert error.value.code == 2
    assert platform[0].asked == []
