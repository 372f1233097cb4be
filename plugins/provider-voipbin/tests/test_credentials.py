"""`jackfield_voipbin.credentials`, and the options that use them: which credential it is, and what it may do."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import RestError, SecretError
from jackfield.plugin.http import Response
from jackfield.plugin.secrets import Secret
from jackfield.testing import strategies
from jackfield_voipbin import Voipbin
from jackfield_voipbin.credentials import read_credential

NOW = datetime.now(UTC)


def jwt(claims):
    parts = (b'{"alg":"HS256","typ":"JWT"}', json.dumps(claims).encode(), b"signature")
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def agent(permission=0x20, customer="C", agent_id="A", **more):
    return jwt({"agent": {"id": agent_id, "customer_id": customer, "permission": permission}} | more)


def perform(exchange, *answers):
    """The requests of an exchange, and what it ends with."""
    requests, waiting = [next(exchange, None)], list(answers)
    while True:
        try:
            requests.append(exchange.send(waiting.pop(0)))
        except StopIteration as done:
            return requests, done.value


def settled(feed):
    """What an exchange without requests ends with."""
    with pytest.raises(StopIteration) as done:
        next(feed.authenticate())
    return done.value.value


SEGMENT = st.from_regex(r"[A-Za-z0-9_-]{1,30}", fullmatch=True)


@given(st.tuples(SEGMENT, SEGMENT, SEGMENT).map(".".join))
def test_three_base64url_parts_are_a_token(text):
    assert read_credential(text).kind == "token"
    assert read_credential(text, "accesskey").kind == "accesskey"


@given(SEGMENT.map(lambda text: f"vb_{text}"))
def test_what_begins_like_an_access_key_and_is_no_token_is_one(text):
    assert read_credential(text).kind == "accesskey"
    assert read_credential(text, "token").kind == "token"


@given(st.text())
def test_any_text_is_a_credential_that_does_not_show(text):
    credential = read_credential(text)
    assert credential.text == text
    assert len(text) < 8 or text not in repr(credential)


@given(strategies.json_values())
def test_whatever_a_token_claims_it_is_read(claims):
    credential = read_credential(jwt(claims))
    assert credential.kind == "token"
    assert isinstance(credential.customer_id, str)


def test_a_token_says_whose_it_is():
    credential = read_credential(agent(0x40))
    assert (credential.customer_id, credential.agent_id, credential.permission) == ("C", "A", 0x40)


@pytest.mark.parametrize(
    ("token", "topic", "refusal"),
    [
        (agent(0x20), "customer_id:C:call:*", ""),
        (agent(0x40), "customer_id:C:", ""),
        (agent(0x10), "customer_id:C:call:*", "need the role customer admin or manager"),
        (agent(0x10), "agent_id:A:call:*", ""),
        (agent(0x20), "agent_id:B:call:*", "the token is that of agent A"),
        (agent(0x20), "customer_id:D:call:*", "customer C, not of D"),
        (agent(0x01), "customer_id:D:call:*", ""),
        (agent(0x01), "agent_id:B:call:*", ""),
        ("vb_key", "customer_id:C:call:*", ""),
        ("vb_key", "agent_id:A:call:*", "an access key is not an agent"),
        ("opaque", "agent_id:A:call:*", ""),
        (
            jwt({"type": "direct", "direct": {"customer_id": "C", "allowed_resource_types": ["aicall"]}}),
            "customer_id:C:call:*",
            "limited to one resource's topics of: aicall",
        ),
        (
            jwt({"type": "direct", "direct": {"customer_id": "C", "allowed_resource_types": ["aicall"]}}),
            "customer_id:C:aicall:",
            "",
        ),
        (jwt({"type": "direct", "direct": {}}), "agent_id:A:call:*", "a direct token is not an agent's"),
    ],
)
def test_what_the_platform_would_cut_the_line_for_is_refused_with_what_would_help(token, topic, refusal):
    found = read_credential(token).refusal(topic)
    assert refusal in found
    assert bool(refusal) == bool(found)


@pytest.mark.parametrize(
    ("options", "parameter"),
    [
        ({"token": agent()}, "token="),
        ({"token": "vb_key"}, "accesskey="),
        ({"token": "vb_key", "credential": "token"}, "token="),
        ({"token": "secret", "credential": "accesskey"}, "accesskey="),
    ],
)
def test_the_url_holds_the_credential_under_its_own_name(options, parameter):
    feed = Voipbin(**options | {"token": Secret("text", options["token"])}, customer_id="C")
    assert parameter in feed.endpoint().url


def test_a_login_is_made_before_each_connection_and_shows_whose_feed_it_is():
    feed = Voipbin(username="me@example.com", password=Secret("text", "pass word"), url="ws://host:1/v1.0/ws")
    for token in (agent(), agent(expire=f"{(NOW + timedelta(days=7)).isoformat()}")):
        (request,), ready = perform(feed.authenticate(), Response(200, {}, json.dumps({"token": token}).encode()))
        assert (str(request), request.url) == ("POST /auth/login", "http://host:1/auth/login")
        assert json.loads(request.body) == {"username": "me@example.com", "password": "pass word"}
        assert ready.source.scope_id == "C"
        assert ready.endpoint().url == f"ws://host:1/v1.0/ws?token={token}"
        assert ready.protocol("office").customer_id == "C"
        assert "pass word" not in repr(feed) + repr(request)
        assert token not in repr(ready)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_login_that_is_turned_down_says_whose_and_not_the_password(status):
    feed = Voipbin(username="me", password=Secret("text", "hidden"))
    with pytest.raises(RestError, match=rf"user name 'me' or its password \(HTTP {status}\)") as caught:
        perform(feed.authenticate(), Response(status))
    assert caught.value.auth_failed


def test_a_login_that_fails_otherwise_is_tried_again():
    feed = Voipbin(username="me", password=Secret("text", "hidden"))
    with pytest.raises(RestError, match="HTTP 429") as caught:
        perform(feed.authenticate(), Response(429, {"Retry-After": "7"}))
    assert (caught.value.auth_failed, caught.value.retry_after) == (False, 7.0)
    with pytest.raises(RestError, match="holds no token"):
        perform(feed.authenticate(), Response(200, {}, b"{}"))
    with pytest.raises(SecretError, match="'me' must log in first"):
        feed.endpoint()


def test_an_access_key_asks_the_platform_whose_it_is_unless_it_is_configured():
    feed = Voipbin(Secret("text", "vb_key"), url="wss://host/v1.0/ws")
    (request,), ready = perform(feed.authenticate(), Response(200, {}, b'{"id":"C"}'))
    assert request.url == "https://host/v1.0/customer?accesskey=vb_key"
    assert ready.source.scope_id == "C"
    _, ready = perform(Voipbin(Secret("text", "vb_key"), "C").authenticate(), Response(200, {}, b'{"id":"C"}'))
    assert ready.source.scope_id == "C"
    with pytest.raises(RestError, match=r"GET /v1.0/customer: HTTP 401: INVALID_CREDENTIALS: no") as caught:
        perform(feed.authenticate(), Response(401, {}, b'{"error":{"reason":"INVALID_CREDENTIALS","message":"no"}}'))
    assert caught.value.auth_failed


def test_an_access_key_of_another_customer_is_named_before_connecting():
    feed = Voipbin(Secret("text", "vb_key"), "C")
    with pytest.raises(RestError, match="the access key is that of customer D, and customer_id says C") as caught:
        perform(feed.authenticate(), Response(200, {}, b'{"id":"D"}'))
    assert caught.value.auth_failed


@pytest.mark.parametrize("status", [403, 404, 500])
def test_an_access_key_that_cannot_be_checked_is_used(status):
    _, ready = perform(Voipbin(Secret("text", "vb_key"), "C").authenticate(), Response(status))
    assert ready.source.scope_id == "C"


def test_a_token_in_a_file_is_read_anew_for_each_connection(tmp_path):
    path = tmp_path / "token"
    feed = Voipbin(Secret("file", str(path)))
    for customer in ("C", "D"):
        path.write_text(agent(customer=customer))
        assert settled(feed).source.scope_id == customer


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        (agent(expire="2020-01-01T00:00:00.000000Z"), "the token expired at 2020-01-01"),
        (jwt({"type": "delegate", "aud": "voipbin-api"}), "a delegate's token opens no websocket"),
        (agent(customer="D"), "the token is that of customer D, and customer_id says C"),
    ],
)
def test_a_token_that_is_of_no_use_is_refused_before_connecting(token, problem):
    with pytest.raises(RestError, match=problem) as caught:
        settled(Voipbin(Secret("text", token), "C"))
    assert caught.value.auth_failed


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, "neither token nor username"),
        ({"token": Secret("text", "t"), "username": "u", "password": Secret("text", "p")}, "both token and username"),
        ({"username": "u"}, "go together"),
        ({"password": Secret("text", "p"), "token": Secret("text", "t")}, "go together"),
        ({"token": Secret("text", "t"), "rest_url": "ftp://x"}, "'ftp://x' is not a valid https:// or http:// URL"),
    ],
)
def test_credentials_that_do_not_go_together_are_a_fault(options, problem):
    with pytest.raises(ValueError, match=problem):
        Voipbin(**options)


def test_rest_may_be_elsewhere():
    feed = Voipbin(Secret("text", "vb_key"), url="wss://host/v1.0/ws", rest_url="http://other:8")
    assert next(feed.authenticate()).url.startswith("http://other:8/v1.0/customer")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("550E8400-E29B-41D4-A716-446655440000", "550e8400-e29b-41d4-a716-446655440000"),
        ("Abc123", "Abc123"),
        (None, None),
    ],
)
def test_a_customers_uuid_is_written_as_the_platform_compares_it(written, meant):
    assert Voipbin(Secret("text", "vb_key"), written).customer_id == meant
