"""The example plugin of Twilio behind a real HTTP server: signatures, forms, queries, and what it answers."""

import hashlib
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
import trio

import jackfield_twilio
from jackfield import open_gateway
from jackfield.plugin.http import Request
from jackfield.plugin.secrets import Secret
from jackfield_twilio import Reader, Twilio, sign

TOKEN = "12345"
ACCOUNT = "AC" + "0" * 32
PUBLIC = "https://hooks.example"
PATH = "/webhooks/sms-and-voice"
FORM = {
    "CallSid": "CA1234567890ABCDE",
    "AccountSid": ACCOUNT,
    "CallStatus": "in-progress",
    "From": "+15550100",
    "To": "+15550101",
    "Direction": "inbound",
    "Timestamp": "Thu, 01 Jan 2026 12:00:00 +0000",
    "SequenceNumber": "2",
}
STREAM = [
    {
        "specversion": "1.0",
        "type": "com.twilio.voice.insights.call-event.answered",
        "id": "EZ1",
        "time": "2026-01-01T12:00:00Z",
        "data": {"call_sid": "CA1"},
    }
]
CHALLENGE = [
    {"specversion": "1.0", "type": "com.twilio.eventstreams.test-event", "id": "EZ0", "data": {"test_id": "T7"}}
]


def test_the_signature_is_that_of_twilios_own_documentation():
    url = "https://example.com/myapp.php?foo=1&bar=2"
    form = {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675310", "Digits": "1234", "From": "+14158675310"}
    assert sign("12345", url, {**form, "To": "+18005551212"}.items()) == "L/OH5YylLD5NRKLltdqwSvS0BnU="


@pytest.fixture
async def gateway():
    document = {
        "webhooks": {"listen": "127.0.0.1:0", "public_url": PUBLIC},
        "feeds": {"sms-and-voice": {"provider": "twilio", "account": ACCOUNT, "auth_token": TOKEN}},
    }
    async with open_gateway(document, plugins=[jackfield_twilio]) as gateway:
        yield gateway


async def send(gateway, method="POST", query="", form=None, body=b"", signature=None, content_type=None):
    """What the gateway answers to a request of Twilio's, by its HTTP server."""
    target = PATH + (f"?{query}" if query else "")
    if form is not None:
        body, content_type = urlencode(form).encode(), "application/x-www-form-urlencoded; charset=UTF-8"
    signature = sign(TOKEN, PUBLIC + target, (form or {}).items()) if signature is None else signature
    headers = [("X-Twilio-Signature", signature), ("Content-Type", content_type)]
    request = Request(method, PUBLIC + target, tuple((n, v) for n, v in headers if v), body)
    return await gateway.post("sms-and-voice", request)


async def sent(gateway, **request):
    with gateway.listen("twilio/**") as events, trio.fail_after(5):
        answer = await send(gateway, **request)
        return answer, [await anext(aiter(events)) for _ in range(answer.status < 300)]


async def test_a_signed_form_is_an_event(gateway):
    answer, [event] = await sent(gateway, form=FORM)
    assert answer.status == 204
    assert (event.kind, event.origin) == ("call.connected", "webhook")
    assert str(event.address) == f"twilio/account/{ACCOUNT}/call/CA1234567890ABCDE/in-progress"
    assert event.time == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert event.data == FORM


async def test_a_signed_post_with_a_query_is_an_event_with_both(gateway):
    _, [event] = await sent(gateway, query="desk=7&foo=a%20b", form=FORM)
    assert event.data == {"desk": "7", "foo": "a b", **FORM}


async def test_a_signed_get_is_an_event(gateway):
    answer, [event] = await sent(gateway, method="GET", query=urlencode({**FORM, "CallStatus": "completed"}))
    assert (answer.status, event.kind) == (204, "call.cleared")


@pytest.mark.parametrize(
    "request_",
    [
        {"form": FORM, "signature": sign("another token", PUBLIC + PATH, FORM.items())},
        {"form": FORM, "signature": ""},
        {"form": FORM, "signature": "ünïcode"},
        {"form": FORM, "query": "a=1", "signature": sign(TOKEN, PUBLIC + PATH, FORM.items())},
        {"form": {**FORM, "CallStatus": "completed"}, "signature": sign(TOKEN, PUBLIC + PATH, FORM.items())},
        {"method": "GET", "query": urlencode(FORM), "signature": sign(TOKEN, PUBLIC + PATH)},
        {"body": b"[]", "content_type": "application/json", "query": f"bodySHA256={hashlib.sha256(b'x').hexdigest()}"},
        {"body": b"[]", "content_type": "application/json"},
    ],
)
async def test_what_is_forged_is_unauthorised_and_counted(gateway, request_):
    answer = await send(gateway, **request_)
    assert answer.status == 401
    assert TOKEN.encode() not in answer.body
    stats = gateway.state().feeds["sms-and-voice"]
    assert (stats.webhooks.accepted, sum(stats.webhooks.rejections.values()), stats.events) == (0, 1, 0)


def signed_json(document):
    body = json.dumps(document).encode()
    return {"body": body, "content_type": "application/json", "query": f"bodySHA256={hashlib.sha256(body).hexdigest()}"}


async def test_a_stream_of_cloudevents_is_events(gateway):
    answer, [event] = await sent(gateway, **signed_json(STREAM))
    assert (answer.status, event.kind, event.native_type) == (200, "unmapped.stream_event", STREAM[0]["type"])


async def test_a_challenge_is_answered_and_is_no_event(gateway):
    answer = await send(gateway, **signed_json(CHALLENGE))
    assert (answer.status, answer.json()) == (200, {"test_id": "T7"})
    assert gateway.state().feeds["sms-and-voice"].events == 0


async def test_a_copy_is_accepted_and_delivered_once(gateway):
    for _ in range(2):
        assert (await send(gateway, form=FORM)).status == 204
    stats = gateway.state().feeds["sms-and-voice"].webhooks
    assert (stats.accepted, stats.copies) == (2, 1)


@pytest.mark.parametrize("form", [{"Nothing": "here"}, {"CallSid": "CA1"}])
async def test_what_twilio_does_not_send_is_rejected_although_it_is_signed(gateway, form):
    assert (await send(gateway, form=form)).status == 400


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"MessageSid": "SM1", "MessageStatus": "delivered"}, "message.delivery_updated"),
        ({"MessageSid": "SM1", "SmsStatus": "received", "Body": "hi"}, "message.received"),
        ({"CallSid": "CA1", "CallStatus": "no-answer"}, "call.failed"),
        ({"CallSid": "CA1", "CallStatus": "teleported"}, "unmapped.call"),
    ],
)
def test_each_state_has_its_kind(fields, kind):
    (emit,) = Reader("feed", ACCOUNT).read(urlencode(fields).encode(), datetime.now(UTC))
    assert emit.event.kind == kind


def test_twilio_signs_some_urls_with_their_port():
    for url in ("https://hooks.example:443/x", "https://hooks.example/x", "http://h:80/x", "http://h/x"):
        assert len(set(jackfield_twilio._spellings(url))) == 2
    assert jackfield_twilio._spellings("https://h:8443/x") == ("https://h:8443/x",)


def test_the_account_of_a_feed_is_its_source():
    assert Twilio(ACCOUNT, Secret("text", TOKEN)).source == ("twilio", "account", ACCOUNT)
