"""`jackfield_voipbin.webhook`: what the platform posts, signed or not, and what anybody else posts."""

import hashlib
import hmac
import json
from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.config import build_config
from jackfield.errors import ConfigError, FrameError, SecretError, WebhookError
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.secrets import Secret
from jackfield.plugin.webhook import WebhookRequest
from jackfield_voipbin import Voipbin, jackfield_providers
from jackfield_voipbin.protocol import VoipbinProtocol
from jackfield_voipbin.webhook import SIGNATURE, Reader, sign

AT = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4"
CALL = {
    "id": "5f2c2c1e-0000-4000-8000-000000000001",
    "customer_id": "550e8400-e29b-41d4-a716-446655440000",
    "status": "progressing",
    "tm_create": "2026-08-20T09:15:00.120345Z",
    "tm_update": "2026-08-20T09:15:01.620345Z",
}
POSTED = b'{"type":"call_progressing","data":' + json.dumps(CALL).encode() + b"}"

signed = Reader("office", "abc", Secret("text", SECRET))
unsigned = Reader("office", "abc", None)


def events(reader, body, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return list(reader(WebhookRequest("POST", "/", "https://host.example/", named, body, AT)))


def test_a_post_is_the_event_that_its_websocket_copy_is():
    (posted,) = events(signed, POSTED, x_voipbin_signature=sign(SECRET, POSTED))
    (emitted,) = VoipbinProtocol("office", "abc").received(POSTED, AT)
    assert posted == emitted.event
    assert posted.kind == "call.connected"
    assert posted.data == CALL


@given(st.text(min_size=1), st.binary())
def test_the_signature_is_that_of_the_platform(secret, body):
    assert sign(secret, body) == "sha256=" + hmac.digest(secret.encode(), body, hashlib.sha256).hex()


@given(st.text())
def test_any_other_signature_is_refused_whatever_it_holds(signature):
    with pytest.raises(WebhookError) as refusal:
        events(signed, POSTED, x_voipbin_signature=signature)
    assert refusal.value.status == 401
    assert SECRET not in refusal.value.reason


@given(st.integers(0, len(POSTED) - 1), st.integers(1, 255))
def test_a_body_with_a_byte_changed_is_refused(position, change):
    changed = bytearray(POSTED)
    changed[position] ^= change
    with pytest.raises(WebhookError, match="not that of this body"):
        events(signed, bytes(changed), x_voipbin_signature=sign(SECRET, POSTED))


def test_a_post_without_a_signature_is_refused_with_what_would_help():
    with pytest.raises(WebhookError, match=f"there is no {SIGNATURE}; webhook_verify = false"):
        events(signed, POSTED)
    assert len(events(unsigned, POSTED)) == 1


def test_the_secret_is_read_anew_for_each_post(tmp_path):
    path = tmp_path / "secret"
    reader = attrs.evolve(signed, secret=Secret("file", str(path)))
    for secret in ("first", "second"):
        path.write_text(secret)
        assert events(reader, POSTED, x_voipbin_signature=sign(secret, POSTED))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_any_json_that_a_flow_posts_is_one_event_with_its_payload_whole(payload):
    (event,) = events(unsigned, json.dumps(payload).encode())
    assert event.kind == "unmapped.unknown"
    assert event.data == payload
    assert json.loads(event.to_json())["data"] == payload


@pytest.mark.parametrize("answer", [{"type": "ack", "action": "x"}, {"type": "error", "code": "X"}])
def test_a_post_is_never_taken_for_the_answer_to_a_subscription(answer):
    (event,) = events(unsigned, json.dumps(answer).encode())
    assert (event.kind, event.data) == ("unmapped.unknown", answer)


@given(st.binary())
def test_any_bytes_are_an_event_or_one_error_with_the_bytes(body):
    try:
        assert len(events(unsigned, body)) == 1
    except FrameError as error:
        assert error.raw == body


def feed(**options):
    spec: ProviderSpec = jackfield_providers()[0]
    table = {"provider": "voipbin", "token": {"env": "VOIPBIN_TOKEN"}, "customer_id": "abc", **options}
    document = {"feeds": {"office": table}, "webhooks": {"listen": "127.0.0.1:0"}}
    return build_config(document, providers={"voipbin": spec}, sinks={}).feeds[0]


@pytest.fixture(autouse=True)
def _token(monkeypatch):
    monkeypatch.setenv("VOIPBIN_TOKEN", "x")
    monkeypatch.setenv("SECRET", SECRET)


def test_events_come_by_websocket_unless_something_else_is_asked_for():
    assert feed().webhook is None
    assert feed(receive="webhook", webhook_secret={"env": "SECRET"}).webhook_only
    assert not feed(receive="both", webhook_verify=False).webhook_only
    assert feed(receive="both", webhook_verify=False).webhook.read == Reader("office", "abc", None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "receive = 'webhook' needs webhook_secret, or webhook_verify = false for an installation before"),
        ({"webhook_secret": {"env": "SECRET"}, "webhook_verify": False}, "webhook_verify = false"),
    ],
)
def test_whether_posts_are_signed_must_be_said_once(options, message):
    with pytest.raises(ConfigError, match=message):
        feed(receive="webhook", **options)


def test_a_feed_by_webhook_alone_needs_no_token_but_must_say_whose_it_is():
    alone = {"receive": "webhook", "webhook_secret": Secret("text", SECRET)}
    office = Voipbin(customer_id="abc", **alone)
    assert not office.webhook("office").websocket
    assert office.source.scope_id == "abc"
    with pytest.raises(SecretError, match="neither token nor username, and needs one of them"):
        office.rest()
    with pytest.raises(ValueError, match="without a token needs customer_id"):
        Voipbin(**alone)
    with pytest.raises(ValueError, match="neither token nor username"):
        Voipbin(customer_id="abc", **alone | {"receive": "both"})


def test_a_post_that_does_not_say_whose_it_is_is_the_feeds_customers():
    reader = Voipbin(customer_id="abc", receive="webhook", webhook_verify=False).webhook("office").read
    (event,) = events(reader, b'{"type":"order_paid","data":{"id":"7"}}')
    assert str(event.address) == "voipbin/customer/abc/order/7/paid"


def test_the_secret_shows_nowhere():
    options = Voipbin(Secret("text", "x"), "abc", receive="webhook", webhook_secret=Secret("text", SECRET))
    assert SECRET not in repr(options) + repr(options.webhook("office"))


def test_a_flows_unsigned_post_is_accepted_where_that_is_configured_and_an_unsigned_event_never():
    flows = Reader("office", "abc", Secret("text", SECRET), flow_posts=True)
    (event,) = events(flows, b'{"order":5}')
    assert (event.kind, event.data) == ("unmapped.unknown", {"order": 5})
    for body in (POSTED, json.dumps(CALL).encode(), b'{"event_type":"call.ended","data":{}}'):
        with pytest.raises(WebhookError, match="an event without") as refusal:
            events(flows, body)
        assert refusal.value.status == 401
    with pytest.raises(WebhookError, match="not that of this body"):
        events(flows, b'{"order":5}', x_voipbin_signature="sha256=0")
    with pytest.raises(WebhookError, match="there is no"):
        events(signed, b'{"order":5}')
    feed = Voipbin(customer_id="abc", receive="webhook", webhook_secret=Secret("text", SECRET), webhook_flow_posts=True)
    assert list(feed.webhook("office").read(WebhookRequest("DELETE", "/", "https://x/", {}, b"[1]", AT)))
