"""`jackfield_vinix.login`, `rest` and `account`: a fresh token for each connection, and no secret anywhere else."""

import json
import re
import tomllib
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.config import build_config
from jackfield.errors import ConfigError, RestError, SecretError
from jackfield.plugin.http import Response
from jackfield.plugin.provider import SupportsAuthentication, SupportsHandshakeBackoff
from jackfield.plugin.secrets import Secret
from jackfield_vinix import Vinix, jackfield_providers
from jackfield_vinix.login import by_api_key, by_user, hash_of
from jackfield_vinix.rest import Rest, payload
from jackfield_vinix.simulator import ACCOUNT

BASE = "https://api.vinixglobal.com/v2"
KEY = {"auth_token": None, "api_key": "simulated", "account_id": None}
USER = {"auth_token": None, "username": "Simulated", "password": "simulated", "account_id": None}


def answers(*responses):
    """A server that gives these answers, one after another, and remembers what it was asked."""
    left, asked = list(responses), []

    def answer(request):
        asked.append(request)
        return left.pop(0)

    answer.asked = asked
    return answer


def seen(status, body, **headers):
    return Response(status, headers, json.dumps(body).encode())


GRANTED = seen(201, {"auth_token": "fresh", "data": {"account_id": "ACC"}, "status": "success"})


# By the command-conversation tools md5sum and sha1sum, of the text user@example.com:Passw0rd.
HASHES = {"md5": "910669c8a89b3f9928d4a2091668cc9d", "sha": "f3d58f67b68f7f5791c01be9f56792bf6d208c27"}


@pytest.mark.parametrize("method", HASHES)
def test_credentials_are_hashed_as_kazoo_does_and_the_case_of_the_name_does_not_count(method):
    whole = HASHES[method]
    assert hash_of("User@Example.COM", "Passw0rd", method) == whole
    assert hash_of("user@example.com", "passw0rd", method) != whole


def test_an_api_key_is_put_where_the_reference_says(talk):
    server = answers(GRANTED)
    granted = talk.drive(by_api_key(f"{BASE}/", Secret("text", "k3y"))(), server)
    assert (granted.token, granted.account_id) == ("fresh", "ACC")
    (request,) = server.asked
    assert (request.method, request.url) == ("PUT", f"{BASE}/api_auth")
    assert json.loads(request.body) == {"data": {"api_key": "k3y"}}
    assert "fresh" not in repr(granted)
    assert "k3y" not in repr(request)


@pytest.mark.parametrize("account", [{"account_name": "acme"}, {"account_realm": "acme.example"}])
def test_a_user_logs_in_with_a_hash_and_the_account(talk, account):
    server = answers(GRANTED)
    talk.drive(by_user(BASE, "user", Secret("text", "pw"), account, "sha")(), server)
    assert server.asked[0].url == f"{BASE}/user_auth"
    assert json.loads(server.asked[0].body)["data"] == {
        "credentials": hash_of("user", "pw", "sha"),
        "method": "sha",
        **account,
    }


@pytest.mark.parametrize(
    ("response", "problem", "refused"),
    [
        (
            seen(401, {"message": "invalid_credentials k3y"}),
            "PUT /v2/api_auth: HTTP 401: invalid_credentials ***",
            True,
        ),
        (seen(403, {"message": "no"}), "HTTP 403: no", True),
        (seen(404, {"data": "k3y", "message": "bad identifier"}), "HTTP 404: bad identifier", True),
        (seen(404, {"data": {"k3y": {"message": "k3y"}}, "message": "bad identifier"}), "*** (the token", True),
        (
            seen(
                400,
                {
                    "data": {"account_name": {"not_found": {"message": "could not be found", "cause": "k3y"}}},
                    "message": "validation error",
                },
            ),
            "HTTP 400: validation error; account_name: could not be found",
            True,
        ),
        (seen(404, {}), "is rest_url right", False),
        (Response(404, {}, b"<html>"), "is rest_url right", False),
        (seen(400, {}), "HTTP 400", False),
        (seen(429, {}, **{"retry-after": "7"}), "HTTP 429", False),
        (Response(502, {}, b"<html>"), "HTTP 502", False),
        (Response(201, {}, b"<html>"), "is not valid JSON", False),
        (seen(201, {"data": {}}), "the answer holds no auth_token", False),
        (seen(201, [1]), "the answer holds no auth_token", False),
        (seen(201, {"auth_token": 5, "data": "x"}), "the answer holds no auth_token", False),
    ],
)
def test_a_login_that_fails_says_why_without_the_secret(talk, response, problem, refused):
    with pytest.raises(RestError, match=re.escape(problem)) as caught:
        talk.drive(by_api_key(BASE, Secret("text", "k3y"))(), answers(response))
    assert caught.value.auth_failed is refused
    assert caught.value.retry_after == (60.0 if response.status == 429 else response.retry_after)
    assert "k3y" not in str(caught.value)


def test_a_secret_is_read_anew_for_each_login(talk, monkeypatch):
    login = by_api_key(BASE, Secret("env", "VINIX_KEY_FOR_TESTS"))
    with pytest.raises(SecretError):
        talk.drive(login(), answers())
    monkeypatch.setenv("VINIX_KEY_FOR_TESTS", "now")
    server = answers(GRANTED)
    talk.drive(login(), server)
    assert b"now" in server.asked[0].body


# -- what a configuration may say ----------------------------------------------------------------------

TABLE = """
[feeds.support]
provider = "vinix"
url = "wss://events.example:5555"
{}
[[routes]]
select = ["**"]
sinks = []
"""


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("", "no way to authenticate is given: give auth_token, or api_key, or username with password"),
        ('auth_token = "t"', "account_id is required with auth_token"),
        ('auth_token = "t"\napi_key = "k"\naccount_id = "A"', "both auth_token and api_key are given"),
        ('api_key = "k"', "a login needs rest_url; Vinix's is https://api.vinixglobal.com/v2"),
        ('api_key = "k"\nrest_url = "ftp://x"', "'ftp://x' is not a valid https:// or http:// URL"),
        ('api_key = "k"\npassword = "p"\nrest_url = "https://x"', "password without username"),
        ('username = "u"\nrest_url = "https://x"', "username needs password, and either account_name or account_realm"),
        ('username = "u"\npassword = "p"\nrest_url = "https://x"', "either account_name or account_realm"),
        (
            'username = "u"\npassword = "p"\naccount_name = "a"\naccount_realm = "b"\nrest_url = "https://x"',
            "either account_name or account_realm",
        ),
        ('auth_token = "t"\naccount_id = "A"\nidle_check_seconds = -1', "-1.0 is not at least 0"),
        ('auth_token = "t"\naccount_id = "A"\npassword_hash = "crypt"', "'crypt' is none of 'md5', 'sha'"),
    ],
)
def test_options_that_do_not_go_together_are_reported(options, problem):
    providers = {spec.name: spec for spec in jackfield_providers()}
    with pytest.raises(ConfigError) as caught:
        build_config(tomllib.loads(TABLE.format(options)), providers=providers, sinks={})
    assert problem in str(caught.value)


# -- a feed that logs in ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [KEY, USER | {"account_name": "simulated"}, USER | {"account_realm": "simulated.example"}]
)
@pytest.mark.parametrize("password_hash", ["md5", "sha"])
def test_a_login_says_the_account_and_gives_each_connection_a_token_of_its_own(talk, server, options, password_hash):
    conversation = talk(feed=options | {"password_hash": password_hash}, **server)
    assert isinstance(conversation.provider, SupportsAuthentication)
    assert conversation.provider.source.scope_id == "unknown"
    for _ in range(3):
        conversation.connect(*talk.families)
    tokens = [each["auth_token"] for each in conversation.sent]
    assert len(set(tokens)) == 3
    assert len(conversation.confirmed) == 9
    provider = talk.drive(conversation.provider.authenticate(), conversation.answer)
    assert provider.source == ("vinix", "account", ACCOUNT)
    assert not any(token in repr(provider) + repr(conversation.protocol) for token in tokens)


def test_an_account_that_is_configured_goes_before_the_logins_own(talk):
    conversation = talk(feed=KEY | {"account_id": "child"}).connect()
    assert conversation.protocol.account_id == "child"


def test_a_login_that_says_no_account_asks_for_it(talk):
    feed = Vinix("wss://x", api_key=Secret("text", "k"), rest_url=BASE)
    with pytest.raises(RestError, match="does not say whose it is: set account_id"):
        talk.drive(feed.authenticate(), answers(seen(201, {"auth_token": "t", "data": {}})))


def test_a_configured_token_needs_no_login(talk):
    conversation = talk().connect(*talk.families)
    assert conversation.asked == []
    assert len(conversation.confirmed) == 3


def test_a_refused_token_is_renewed_at_once_but_only_once(talk):
    conversation = talk(feed=KEY, refused_tokens=3).connect(talk.families[0])
    conversation.connect(talk.families[0])
    conversation.connect(talk.families[0])
    assert [disconnect.auth_failed for disconnect in conversation.disconnects] == [False, True, True]
    conversation.connect(talk.families[0])
    assert conversation.confirmed == [talk.families[0]]
    conversation.simulator.refused_tokens = 1
    conversation.connect(talk.families[0])
    assert not conversation.disconnects[-1].auth_failed


def test_a_refused_token_that_nobody_can_renew_is_never_tried_in_a_hurry(talk):
    conversation = talk(refused_tokens=2)
    conversation.connect(talk.families[0]).connect(talk.families[0])
    assert [disconnect.auth_failed for disconnect in conversation.disconnects] == [True, True]
    assert "s3cret" not in str(conversation.disconnects)


def test_a_crowded_server_is_left_alone_for_a_minute(talk):
    provider = talk.drive(talk().provider.authenticate(), None)
    assert isinstance(provider, SupportsHandshakeBackoff)
    assert [provider.retry_after(status) for status in (429, 400, 403, 503)] == [60.0, 0.0, 0.0, 0.0]


# -- REST --------------------------------------------------------------------------------------------------


def rest(renewed="fresh"):
    def renew():
        return renewed
        yield

    return Rest(BASE, "stale", renew, "ca.pem")


def test_a_question_carries_the_token_and_both_forms_of_an_answer_are_read(talk):
    for body in ({"data": {"x": 1}, "status": "success"}, {"x": 1}):
        server = answers(seen(200, body))
        assert talk.drive(rest().get("accounts", "a/b", "x", page_size="5"), server) == {"x": 1}
        (request,) = server.asked
        assert request.url == f"{BASE}/accounts/a%2Fb/x?page_size=5"
        assert request.header("x-auth-token") == "stale"
        assert request.ca_file == "ca.pem"
    assert payload([1]) == [1]


def test_a_token_that_has_expired_is_renewed_once_for_each_question(talk):
    denied, fine = seen(401, {"message": "stale"}), seen(200, {"data": [1]})
    server = answers(denied, fine)
    interface = rest()
    assert talk.drive(interface.get("x"), server) == [1]
    assert [request.header("x-auth-token") for request in server.asked] == ["stale", "fresh"]
    assert interface.token == "fresh"
    with pytest.raises(RestError) as caught:
        talk.drive(rest().get("x"), answers(denied, seen(401, {"message": "fresh is wrong"})))
    assert caught.value.auth_failed
    assert str(caught.value).startswith("GET /v2/x: HTTP 401: *** is wrong (")


def test_an_error_of_rest_says_what_may_be_wrong_with_the_configuration(talk):
    for status, hint in ((401, "the token, the API key"), (403, "this account"), (404, "rest_url")):
        with pytest.raises(RestError, match=rf"HTTP {status} \(.*{hint}"):
            talk.drive(rest("stale").get("x"), answers(seen(status, {})))


def test_a_token_that_cannot_be_renewed_is_not_tried_twice(talk):
    with pytest.raises(RestError, match="HTTP 401"):
        talk.drive(rest("stale").get("x"), answers(seen(401, {})))


def test_a_list_is_followed_to_its_end_and_no_further_than_reason(talk):
    pages = [seen(200, {"data": [n], "next_start_key": f"k{n}"}) for n in range(3)]
    server = answers(*pages, seen(200, {"data": [3]}))
    assert talk.drive(rest().every("x"), server) == [0, 1, 2, 3]
    assert server.asked[-1].url.endswith("x?start_key=k2")
    assert talk.drive(rest().every("x"), lambda _: seen(200, {"data": [1], "next_start_key": "same"})) == [1, 1]
    endless = iter(range(1000))
    assert (
        len(talk.drive(rest().every("x"), lambda _: seen(200, {"data": [1], "next_start_key": f"{next(endless)}"})))
        == 100
    )


def test_the_servers_clock_is_read_from_its_answers(talk):
    at = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    interface = rest()
    talk.drive(interface.get("x"), answers(seen(200, [], date=format_datetime(at, usegmt=True))))
    assert interface.clock == at
    talk.drive(interface.get("x"), answers(seen(200, [], date="yesterday")))
    assert interface.clock == at
    talk.drive(interface.get("x"), answers(seen(200, [], date=format_datetime(at + timedelta(hours=1)))))
    assert interface.clock == at + timedelta(hours=1)


@given(st.binary() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps).map(str.encode))
def test_any_answer_is_read_or_reported(body):
    for status in (200, 404):
        exchange = rest().get("x")
        next(exchange)
        with suppress(StopIteration, RestError):
            exchange.send(Response(status, {}, body))


def test_a_feeds_requests_go_where_its_options_say(talk):
    conversation = talk(feed={"rest_url": f"{BASE}/"}).connect(talk.families[0])
    exchange = conversation.protocol.backfill(None, conversation.at)
    assert next(exchange).url == f"{BASE}/accounts/{ACCOUNT}/qubicle_queues"
    exchange.close()


@pytest.mark.parametrize("key", ["b", 63771048349, 0.5, ["account", 5], {"a": 1}])
def test_a_list_is_read_to_its_end_whatever_the_next_pages_key_is(talk, key):
    server = answers(seen(200, {"data": [1], "next_start_key": key}), seen(200, {"data": [2], "next_start_key": None}))
    assert talk.drive(rest().every("x"), server) == [1, 2]
    assert "start_key=" in server.asked[1].url
