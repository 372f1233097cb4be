"""`jackfield_voipbin.rest`: requests with our credential, and what an answer means."""

import pytest

from jackfield.errors import RestError
from jackfield.plugin.http import Response
from jackfield_voipbin.credentials import read_credential
from jackfield_voipbin.rest import Rest, base_of

TOKEN = Rest("https://host", read_credential("a.b.c"))
KEY = Rest("https://host", read_credential("vb_key"), "ca.pem")


@pytest.mark.parametrize(
    ("websocket", "base"),
    [
        ("wss://api.voipbin.net/v1.0/ws", "https://api.voipbin.net"),
        ("ws://127.0.0.1:8001/v1.0/ws?x=1", "http://127.0.0.1:8001"),
        ("wss://host/behind/v1.0/service_agents/ws", "https://host/behind"),
    ],
)
def test_rest_is_where_the_websocket_is(websocket, base):
    assert base_of(websocket) == base


def test_a_token_goes_into_a_header_and_an_access_key_into_the_query():
    request = next(TOKEN.get("calls", page_size=100))
    assert (request.url, request.header("authorization")) == ("https://host/v1.0/calls?page_size=100", "Bearer a.b.c")
    request = next(KEY.get("calls", page_token="2026-01-01T00:00:00Z"))
    assert request.url == "https://host/v1.0/calls?accesskey=vb_key&page_token=2026-01-01T00%3A00%3A00Z"
    assert (request.header("authorization"), request.ca_file) == ("", "ca.pem")
    assert "vb_key" not in repr(request) + str(request) + repr(KEY)


@pytest.mark.parametrize(
    ("answer", "problem", "refused"),
    [
        (Response(403, {}, b'{"error":{"reason":"PERMISSION_DENIED"}}'), "PERMISSION_DENIED .it needs the role", True),
        (Response(401), r"GET /v1.0/calls: HTTP 401$", True),
        (Response(404, {}, b'{"error":{"reason":"ROUTE_NOT_FOUND"}}'), "HTTP 404: ROUTE_NOT_FOUND", False),
        (Response(500, {}, b"oops"), "HTTP 500", False),
        (Response(502, {}, b"[]"), "HTTP 502", False),
        (Response(503, {}, b'{"error":[]}'), "HTTP 503", False),
    ],
)
def test_what_is_no_success_says_what_was_asked_and_why(answer, problem, refused):
    exchange = TOKEN.get("calls")
    next(exchange)
    with pytest.raises(RestError, match=problem) as caught:
        exchange.send(answer)
    assert (caught.value.status, caught.value.auth_failed) == (answer.status, refused)


def test_a_customer_without_an_id_is_reported():
    exchange = KEY.customer_id()
    next(exchange)
    with pytest.raises(RestError, match="holds no id; set customer_id"):
        exchange.send(Response(200, {}, b"[]"))
