"""`jackfield_voipbin.answering`, `simulated_state` and the simulator's webhooks: REST that agrees with the day."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from itertools import count, islice

import pytest

from jackfield.plugin.http import Request
from jackfield.plugin.simulator import Simulator, SupportsRest, SupportsWebhookDelivery
from jackfield_voipbin import simulated_state as module
from jackfield_voipbin.credentials import read_credential
from jackfield_voipbin.simulated_state import SimulatedState
from jackfield_voipbin.simulator import CUSTOMER, PROFILES, VoipbinSimulator
from jackfield_voipbin.tokens import make_token


def clock():
    moments = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second) for second in count())
    return lambda: next(moments)


class Scripted(VoipbinSimulator):
    """With what it has seen."""


def simulated(length=600, **options):
    found = Scripted(options.pop("token", "s3cret"), **options)
    found.seen = list(islice(found.events(clock()), length))
    return found


def ask(server, path, method="GET", body=None, **headers):
    sent = b"" if body is None else json.dumps(body).encode()
    return server.answer(
        Request(method, path, tuple({"Authorization": f"Bearer {server.token}", **headers}.items()), sent)
    )


def test_it_is_a_simulator_with_rest_and_webhooks():
    server: Simulator = simulated(1)
    assert isinstance(server, SupportsRest)
    assert isinstance(server, SupportsWebhookDelivery)


@pytest.mark.parametrize("profile", PROFILES)
def test_lists_show_the_last_state_of_everything_newest_first_page_by_page(profile):
    server = simulated(profile=profile)
    last = {event.data["id"]: event.data for event in server.seen if event.resource == "call"}
    found, token = [], ""
    while page := ask(server, f"/v1.0/calls?page_size=7&page_token={token}").json():
        assert len(page["result"]) <= 7
        assert bool(page["next_page_token"]) == bool(page["result"])
        if not page["result"]:
            break
        found += page["result"]
        token = page["next_page_token"]
    assert {call["id"]: call for call in found} == last
    assert len(found) == len(last)
    created = [call["tm_create"] for call in found]
    assert created == sorted(created, reverse=True)
    one = found[3]
    assert ask(server, f"/v1.0/calls/{one['id']}").json() == one


@pytest.mark.parametrize("size", ["0", "101", "x", "-1", ""])
def test_a_page_has_a_hundred_at_most(size):
    server = simulated(4000, profile="head")
    assert len(ask(server, f"/v1.0/activeflows?page_size={size}").json()["result"]) == 100


@pytest.mark.parametrize("profile", PROFILES)
def test_histories_tell_what_happened_newest_first(profile):
    server = simulated(profile=profile)
    call = next(event for event in server.seen if event.resource == "call").data["id"]
    seen = [event for event in server.seen if event.resource == "call" and event.data["id"] == call]
    result = ask(server, f"/v1.0/timelines/calls/{call}/events?page_size=1000").json()["result"]
    assert [item["event_type"] for item in reversed(result)] == [event.event_type for event in seen]
    assert [item["data"] for item in reversed(result)] == [event.data for event in seen]
    older = ask(server, f"/v1.0/timelines/calls/{call}/events?page_token={result[0]['timestamp']}").json()["result"]
    assert older == result[1:]


def test_transcripts_are_listed_for_one_transcription():
    server = simulated(profile="head")
    spoken = [event.data for event in server.seen if event.resource == "transcript"]
    wanted = spoken[0]["transcribe_id"]
    result = ask(server, f"/v1.0/transcripts?transcribe_id={wanted}").json()["result"]
    assert sorted(each["id"] for each in result) == sorted(
        each["id"] for each in spoken if each["transcribe_id"] == wanted
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/v1.0/webhooks", 404, "ROUTE_NOT_FOUND"),
        ("POST", "/v1.0/webhooks", 404, "ROUTE_NOT_FOUND"),
        ("POST", "/v1.0/calls", 404, "ROUTE_NOT_FOUND"),
        ("DELETE", "/v1.0/customer", 404, "ROUTE_NOT_FOUND"),
        ("POST", "/v1.0/auth/login", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/v1.0", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/v1.0/timelines/calls", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/v1.0/timelines/agents/x/events", 404, "ROUTE_NOT_FOUND"),
        ("GET", "/v1.0/calls/unknown", 404, "RESOURCE_NOT_FOUND"),
        ("PUT", "/v1.0/customer", 400, "INVALID_JSON"),
    ],
)
def test_what_there_is_not_is_reported_as_the_platform_tells_it(method, path, status, reason):
    answer = ask(simulated(1, profile="head"), path, method)
    assert (answer.status, answer.json()["error"]["reason"]) == (status, reason)


def test_who_may_not_read_is_reported_so():
    server = simulated(1, token=make_token(CUSTOMER, permission=0x10))
    for path in ("/v1.0/calls", "/v1.0/customer"):
        answer = ask(server, path)
        assert (answer.status, answer.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert ask(server, "/v1.0/calls", Authorization="").json()["error"]["reason"] == "AUTHENTICATION_REQUIRED"
    assert ask(server, "/v1.0/calls", Authorization="Bearer x").json()["error"]["reason"] == "INVALID_CREDENTIALS"


def test_a_login_gives_a_token_that_opens_everything_that_its_roles_open():
    server = simulated(1, username="me", password="pass", permission=0x40)
    assert ask(server, "/auth/login", "POST", {"username": "me", "password": "wrong"}).status == 400
    assert ask(server, "/auth/login", "POST", ["x"]).body == b""
    assert server.answer(Request("POST", "/auth/login", body=b"{")).status == 400
    token = ask(server, "/auth/login", "POST", {"username": "me", "password": "pass"}).json()["token"]
    credential = read_credential(token)
    assert (credential.kind, credential.customer_id, credential.permission) == ("token", CUSTOMER, 0x40)
    assert server.admit(f"/v1.0/ws?token={token}", {}) is None
    manager = ask(server, "/v1.0/customer", "PUT", {}, Authorization=f"Bearer {token}")
    assert manager.status == 403
    assert ask(VoipbinSimulator("s3cret"), "/auth/login", "POST", {"username": "", "password": ""}).status == 400


def test_setting_the_customers_record_blanks_what_is_not_given():
    server = simulated(1, webhook_secret="hidden")
    before = ask(server, "/v1.0/customer").json()
    assert (before["id"], before["name"], before["webhook_secret"]) == (CUSTOMER, "Example Ltd.", "hidden")
    answer = ask(server, "/v1.0/customer", "PUT", {"webhook_uri": "http://127.0.0.1:1/x", "webhook_method": "PUT"})
    assert "name" not in answer.json()
    assert "webhook_secret" not in answer.json()
    after = ask(server, "/v1.0/customer").json()
    assert (after["webhook_uri"], after.get("email")) == ("http://127.0.0.1:1/x", None)
    (posting,) = server.webhooks_of(server.seen[0])
    assert (posting.request.method, posting.request.url) == ("PUT", "http://127.0.0.1:1/x")
    ask(server, "/v1.0/customer", "PUT", before | {"webhook_uri": ""})
    assert list(server.webhooks_of(server.seen[0])) == []
    assert ask(server, "/v1.0/customer").json()["name"] == "Example Ltd."


@pytest.mark.parametrize("profile", PROFILES)
def test_an_event_is_posted_wrapped_and_signed_over_its_bytes(profile):
    server = simulated(1, profile=profile, webhook_uri="http://host/x", webhook_secret="hidden", webhook_method="")
    (posting,) = server.webhooks_of(server.seen[0])
    request = posting.request
    assert (request.method, posting.attempts, posting.wait) == ("GET", 3, 1.0)
    assert json.loads(request.body) == {"type": server.seen[0].event_type, "data": server.seen[0].data}
    signature = hmac.new(b"hidden", request.body, hashlib.sha256).hexdigest()
    assert request.header("x-voipbin-signature") == f"sha256={signature}"
    server.webhook_secret = ""
    (posting,) = server.webhooks_of(server.seen[0])
    assert posting.request.header("x-voipbin-signature") == ""
    assert "hidden" not in repr(server)


def test_the_simulated_state_forgets_the_oldest(monkeypatch):
    monkeypatch.setattr(module, "MOST_RESOURCES", 3)
    state = SimulatedState()
    for event in simulated(profile="head").seen:
        state.record(event)
    assert len(state.page("call", 100, "")) == 3
    assert set(state._histories) <= {
        each["id"] for name in ("call", "conference", "activeflow") for each in state.page(name, 100, "")
    }
