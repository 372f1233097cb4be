"""`jackfield._webhooks.receiver`: one feed's webhooks, as its provider reads and answers them."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import attrs
import pytest
import trio

from jackfield import open_gateway
from jackfield._webhooks.receiver import WebhookReceiver
from jackfield.addresses import Address
from jackfield.config import ConnectionOptions, Feed, WebhooksOptions
from jackfield.errors import WebhookError
from jackfield.events import Event
from jackfield.plugin.http import Request, Response
from jackfield.plugin.secrets import Secret
from jackfield.plugin.webhook import Webhook, WebhookAnswer
from jackfield.reports._counters import FeedCounters
from jackfield_voipbin.webhook import sign

MOST = 262_144  # the least that max_message_bytes can be
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
KEY = b"a-key-of-nobody"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@attrs.frozen
class Options:
    token: Secret = attrs.field(factory=lambda: Secret("text", "hunter2"))


def signature(url, fields):
    """As Twilio makes it: over the URL, and the form's fields by name."""
    text = url + "".join(name + value for name, value in sorted(fields))
    return base64.b64encode(hmac.digest(KEY, text.encode(), hashlib.sha1)).decode()


def read(request):
    """A vendor that signs the URL and the form, challenges, and wants an answer of its own."""
    query = dict(request.query)
    if "challenge" in query:
        return WebhookAnswer(response=Response(200, {"content-type": "text/plain"}, query["challenge"].encode()))
    fields = request.form() if request.method == "POST" else ()
    if not hmac.compare_digest(request.headers.get("x-signature", ""), signature(request.url, fields)):
        raise WebhookError(401, "not signed by the vendor")
    who = dict(fields).get("CallSid") or query["CallSid"]
    event = Event(who, "call.updated", Address("acme", "a", "1", "call", who, "updated"), None, request.at, "office")
    return WebhookAnswer([event], Response(200, {"content-type": "text/xml"}, b"<Response/>"))


@pytest.fixture
def published():
    return []


@pytest.fixture
def receiver(published):
    async def publish(events):
        await trio.lowlevel.checkpoint()
        published.extend(events)
        return len(events)

    def make(protocol=None, **options):
        webhook = Webhook(read)
        feed = Feed("office", "acme", Options(), ConnectionOptions(max_message_bytes=MOST))
        return WebhookReceiver(
            feed,
            webhook,
            FeedCounters(NOW),
            [].append,
            publish,
            [].append,
            WebhooksOptions(**options),
            lambda: NOW,
            protocol=lambda: protocol,
        )

    return make


def request(method, target, url, fields=(), body=b"", **headers):
    signed = {"Host": "inside:8080", "X-Signature": signature(url, fields), **FORM, **headers}
    return Request(method, target, tuple(signed.items()), body)


async def test_a_challenge_is_answered_as_the_vendor_expects_it(receiver, published):
    answer = await receiver().receive(Request("GET", "/webhooks/office?challenge=a%20b"))
    assert (answer.status, answer.headers, answer.body) == (200, {"content-type": "text/plain"}, b"a b")
    assert published == []


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "http://inside:8080/webhooks/office?x=1&CallSid=C"),
        ({"public_url": "https://hooks.example/"}, "https://hooks.example/webhooks/office?x=1&CallSid=C"),
    ],
)
async def test_a_signature_over_the_url_that_the_vendor_knows_is_verified(receiver, published, options, url):
    target = "/webhooks/office?x=1&CallSid=C"
    answer = await receiver(**options).receive(request("GET", target, url))
    assert answer.status == 200
    form = (("CallSid", "D"), ("From", "+15550100"))
    body = b"CallSid=D&From=%2B15550100"
    answer = await receiver(**options).receive(request("POST", target, url, form, body))
    assert (answer.status, answer.body) == (200, b"<Response/>")
    assert [(event.id, event.origin, event.received) for event in published] == [
        ("C", "webhook", NOW),
        ("D", "webhook", NOW),
    ]


class Remembering:
    def __init__(self, *, fails=False):
        self.came, self.fails = [], fails

    def came_by_webhook(self, events):
        if self.fails:
            raise RuntimeError("a bug")
        self.came += events


async def test_the_connections_protocol_is_let_know_of_what_is_committed_and_a_bug_in_it_costs_nothing(
    receiver, published
):
    url = "http://inside:8080/webhooks/office?CallSid=C"
    protocol, broken = Remembering(), receiver(Remembering(fails=True))
    assert (await receiver(protocol).receive(request("GET", "/webhooks/office?CallSid=C", url))).status == 200
    assert protocol.came == published
    assert [event.id for event in protocol.came] == ["C"]
    assert (await broken.receive(request("GET", "/webhooks/office?CallSid=C", url))).status == 200
    assert sum("a bug" in reason for reason in broken._counters.ignored) == 1


async def test_a_forged_signature_is_rejected_and_counted(receiver, published):
    office = receiver()
    url = "http://inside:8080/webhooks/office?CallSid=C"
    answer = await office.receive(request("GET", "/webhooks/office?CallSid=D", url))
    assert answer.status == 401
    assert office._counters.webhooks.rejections == {"not signed by the vendor": 1}
    assert published == []


async def test_a_body_that_is_not_the_form_that_the_provider_reads_is_rejected(receiver):
    answer = await receiver().receive(request("POST", "/", "http://inside:8080/", body=b"{}", **{"content-type": "x"}))
    assert answer.status == 415


async def test_a_request_from_another_server_is_limited_as_those_of_our_own(receiver):
    answer = await receiver().receive(Request("POST", "https://app.example/hook", (), b"x" * (MOST + 1)))
    assert (answer.status, answer.body) == (413, b'{"error":"the body is larger than 262144 bytes"}')
    assert (await receiver().receive(Request("PATCH", "https://app.example/hook", (), b"x"))).status == 405


async def test_a_programs_own_server_hands_webhooks_to_the_gateway():
    feed = {"provider": "voipbin", "customer_id": "abc", "receive": "webhook", "webhook_secret": "s3cret"}
    config = {"feeds": {"office": feed}, "webhooks": {"embedded": True}}
    body = b'{"type":"call_progressing","data":{"id":"c1","customer_id":"abc"}}'
    async with open_gateway(config) as gateway:
        with gateway.listen("call.*") as events:
            good = Request("POST", "https://app.example/hook", (("X-VoIPBIN-Signature", sign("s3cret", body)),), body)
            assert (await gateway.post("office", good)).status == 200
            assert (await events.take())[0].origin == "webhook"
        assert (await gateway.post("office", attrs.evolve(good, headers=()))).status == 401
        assert (await gateway.post("nope", good)).status == 404
        state = gateway.state()
        assert state.feeds["office"].webhooks.accepted == 1
        assert sum(state.feeds["office"].webhooks.rejections.values()) == 1
        assert sum(state.unroutable_webhooks.values()) == 1


@pytest.mark.parametrize("secret", ["/hook?token=s3cret", "s3cret"])
def test_a_whole_request_shows_nothing_that_may_be_secret(receiver, secret):
    whole = receiver()._whole(Request("POST", f"/x?{secret}", (("X-Signature", secret),), secret.encode()))
    assert "s3cret" not in repr(whole)


GOOD = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("headers", "trace"),
    [
        ((), None),
        ((("Traceparent", GOOD), ("Tracestate", "a=1"), ("tracestate", "b=2")), (GOOD, "a=1,b=2")),
        ((("traceparent", "00-gibberish"), ("tracestate", "a=1")), None),
        ((("tracestate", "a=1"),), None),
    ],
)
async def test_the_trace_that_a_webhook_names_is_that_of_its_events(receiver, published, headers, trace):
    url = "http://inside:8080/webhooks/office?CallSid=C"
    asked = request("GET", "/webhooks/office?CallSid=C", url)
    answer = await receiver().receive(attrs.evolve(asked, headers=(*asked.headers, *headers)))
    assert (answer.status, [event.trace for event in published]) == (200, [trace])
