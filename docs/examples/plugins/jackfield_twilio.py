"""Twilio for Jackfield: status callbacks of calls and messages, and event streams; everything comes by webhook.

Twilio signs the URL that it was given, with the query, and the sorted fields of the form behind it (HMAC-SHA-1 under
the account's auth token); of a JSON body the URL holds the SHA-256. The test event of an event stream is answered with
its id, by which an operator validates the stream.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import attrs
import msgspec

from jackfield.addresses import AddressPattern, Source
from jackfield.errors import FrameError, JackfieldError, WebhookError
from jackfield.events import Event, content_id
from jackfield.kinds import unmapped_kind
from jackfield.plugin.frames import decode_frame, iso_moment
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.http import Response
from jackfield.plugin.options import field_help
from jackfield.plugin.protocol import Action, Emit, FeedProtocol, Ignore
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.secrets import Secret
from jackfield.plugin.single_topic import ReadOnly, SingleTopic
from jackfield.plugin.transport import Endpoint
from jackfield.plugin.webhook import Webhook, WebhookAnswer, WebhookRequest

jackfield_api = 1
PROVIDER = "twilio"
SIGNATURE = "x-twilio-signature"
TEST_EVENT = "com.twilio.eventstreams.test-event"

# A resource's fields: its id, and its state.
RESOURCES = {"call": ("CallSid", "CallStatus"), "message": ("MessageSid", "MessageStatus")}
KINDS = {
    "call": {
        **dict.fromkeys(("queued", "initiated"), "call.initiated"),
        "ringing": "call.alerting",
        **dict.fromkeys(("in-progress", "answered"), "call.connected"),
        "completed": "call.cleared",
        **dict.fromkeys(("busy", "failed", "no-answer", "canceled"), "call.failed"),
    },
    "message": {
        **dict.fromkeys(("receiving", "received"), "message.received"),
        "sent": "message.sent",
        **dict.fromkeys(
            ("accepted", "scheduled", "queued", "sending", "delivered", "undelivered", "failed", "read"),
            "message.delivery_updated",
        ),
    },
}


def sign(token: str, url: str, form: Iterable[tuple[str, str]] = ()) -> str:
    """The value of the header `X-Twilio-Signature`."""
    text = url + "".join(name + value for name, value in sorted(set(form)))
    return b64encode(hmac.new(token.encode(), text.encode("utf-8", "surrogateescape"), hashlib.sha1).digest()).decode()


def dialect(account: str) -> SingleTopic:
    """What an account sends: which, is set up at Twilio."""
    return SingleTopic(Source(PROVIDER, "account", account), _kinds_of, "webhooks", (*RESOURCES, "stream_event"))


def _kinds_of(pattern: AddressPattern) -> frozenset[str]:
    resources = [pattern.resource] if pattern.resource else [*RESOURCES, "stream_event"]
    found = set()
    for each in resources:
        states = [pattern.event] if pattern.event else [*KINDS.get(each, ()), "any other"]
        found |= {KINDS.get(each, {}).get(state, unmapped_kind(each)) for state in states}
    return frozenset(found)


@attrs.frozen
class Reader:
    """What a body means: the fields of a form, or a list of CloudEvents."""

    feed: str
    account: str

    def read(self, frame: bytes, at: datetime) -> Iterable[Action]:
        """What came by webhook, for ``jackfield decode``."""
        if frame.lstrip()[:1] in (b"[", b"{"):
            events, tests = self.stream(decode_frame(msgspec.json.decode, frame), frame, at)
            return (*map(Emit, events), *(Ignore("test event") for _ in tests))
        try:
            fields = _fields(parse_qsl(frame.decode("ascii"), keep_blank_values=True, errors="strict"))
        except ValueError:
            raise FrameError("neither a form nor JSON", frame) from None
        return (Emit(self.form(fields, frame, at)),)

    def form(self, fields: Mapping[str, str], raw: bytes, at: datetime) -> Event:
        for resource, (identity, state) in RESOURCES.items():
            word = fields.get(state) or fields.get("SmsStatus" if resource == "message" else state)
            if fields.get(identity) and word:
                return self._event(
                    resource,
                    fields[identity],
                    word,
                    at,
                    id=content_id(json.dumps(sorted(fields.items())).encode()),
                    time=_rfc_2822(fields.get("Timestamp")),
                    correlation=fields.get("ParentCallSid") or fields[identity],
                    data=dict(fields),
                )
        raise FrameError("neither a call's nor a message's status: no CallSid and CallStatus, no MessageSid", raw)

    def stream(self, document: Any, raw: bytes, at: datetime) -> tuple[list[Event], list[str]]:
        """The events of a stream, and the ids of test events."""
        if not isinstance(document, list) or not document or not all(isinstance(each, dict) for each in document):
            raise FrameError("not a list of CloudEvents", raw)
        events, tests = [], []
        for each in document:
            name, identity = each.get("type"), each.get("id")
            if not (isinstance(name, str) and name and isinstance(identity, str) and identity):
                raise FrameError("not a CloudEvent: type and id are missing", raw)
            if name == TEST_EVENT:
                data = each.get("data")
                tests.append(str(data.get("test_id", "")) if isinstance(data, dict) else "")
            else:
                time = iso_moment(each.get("time"))
                made = self._event("stream_event", identity, name, at, id=content_id(identity.encode()), time=time)
                events.append(attrs.evolve(made, data=each))
        return events, tests

    def _event(self, resource: str, identity: str, word: str, at: datetime, **more: Any) -> Event:
        kind = KINDS.get(resource, {}).get(word, unmapped_kind(resource))
        address = dialect(self.account).address_of(f"{resource}:{identity}", word)
        return Event(kind=kind, address=address, received=at, feed=self.feed, native_type=word, **more)


def _fields(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in pairs if name != "bodySHA256"}


def _rfc_2822(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text or "").astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None


@attrs.frozen
class TwilioWebhook:
    """Verifies and reads requests; the ``read`` of a `Webhook`."""

    reader: Reader
    token: Secret

    def __call__(self, request: WebhookRequest) -> WebhookAnswer:
        is_json = request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
        form = () if is_json or not request.body else request.form()
        self._verify(request, form)
        if not is_json:
            fields = _fields([*request.query, *form])
            return WebhookAnswer((self.reader.form(fields, request.body, request.at),), Response(204))
        self._verify_body(request)
        events, tests = self.reader.stream(decode_frame(msgspec.json.decode, request.body), request.body, request.at)
        answer = json.dumps({"test_id": tests[0]}).encode() if tests else b"{}"
        return WebhookAnswer(events, Response(200, {"content-type": "application/json"}, answer))

    def _verify(self, request: WebhookRequest, form: Sequence[tuple[str, str]]) -> None:
        given = request.headers.get(SIGNATURE, "").encode("utf-8", "surrogateescape")
        token = self.token.reveal()
        right = [sign(token, url, form).encode() for url in _spellings(request.url)]
        if not any(hmac.compare_digest(each, given) for each in right):
            raise WebhookError(401, "X-Twilio-Signature is not that of this URL and form under auth_token")

    def _verify_body(self, request: WebhookRequest) -> None:
        digest = dict(request.query).get("bodySHA256", "")
        if not hmac.compare_digest(hashlib.sha256(request.body).hexdigest().encode(), digest.lower().encode()):
            raise WebhookError(401, "bodySHA256 in the URL is not that of the body")


def _spellings(url: str) -> tuple[str, ...]:
    """The URL without and with the port that its scheme implies: Twilio's products do not agree on that."""
    parts = urlsplit(url)
    port = {"http": 80, "https": 443}.get(parts.scheme)
    if parts.port == port:
        return url, urlunsplit(parts._replace(netloc=parts.netloc.removesuffix(f":{port}")))
    return (url, urlunsplit(parts._replace(netloc=f"{parts.netloc}:{port}"))) if parts.port is None else (url,)


@attrs.frozen
class Twilio:
    """A feed of one account."""

    account: str = attrs.field(
        validator=attrs.validators.min_len(1), metadata=field_help("the account's SID, AC and 32 digits")
    )
    auth_token: Secret = attrs.field(metadata=field_help("the account's auth token, which signs its webhooks"))

    @property
    def source(self) -> Source:
        return Source(PROVIDER, "account", self.account)

    @property
    def dialect(self) -> SingleTopic:
        return dialect(self.account)

    def endpoint(self) -> Endpoint:
        raise JackfieldError("Twilio sends everything by webhook; there is nothing to connect to")

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> ReadOnly:
        return ReadOnly(Reader(feed, self.account).read)

    def webhook(self, feed: str) -> Webhook:
        return Webhook(TwilioWebhook(Reader(feed, self.account), self.auth_token), websocket=False)


@hookimpl
def jackfield_providers() -> list[ProviderSpec]:
    """Offer the provider ``twilio``."""
    summary = "Twilio: the states of calls and messages, and event streams, by webhook"
    return [
        ProviderSpec(
            PROVIDER,
            summary,
            Twilio,
            dialects=lambda account: {"webhooks": dialect(account)},
            decoder=lambda feed: ReadOnly(Reader(feed, "unknown").read),
        )
    ]
