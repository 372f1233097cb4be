"""A provider without a fault, of a vendor that can do everything that a vendor can."""

import hashlib
import hmac
import json
import uuid
from datetime import UTC, datetime

import attrs
from hypothesis import strategies as st

from faulty.dialect import KINDS, SOURCE, AcmeDialect
from jackfield.errors import FrameError, JackfieldError, NoTopicError, RestError, WebhookError
from jackfield.events import Event, content_id
from jackfield.plugin.http import Request, Response
from jackfield.plugin.options import field_help, is_url
from jackfield.plugin.protocol import Emit, Ignore, Send, Subscribed, SubscriptionRefused
from jackfield.plugin.protocol import Request as Ask
from jackfield.plugin.secrets import Secret
from jackfield.plugin.transport import Endpoint
from jackfield.plugin.webhook import Webhook
from jackfield.testing import ProviderSuite, WebhookSuite, post

SAMPLE = "tok-s3cret"


@attrs.define
class AcmeProtocol:
    feed: str
    _token: str = attrs.field(repr=False)
    _asked: dict[int, str] = attrs.field(factory=dict)
    _number: int = 0

    def opened(self):
        return ()

    def subscribe(self, topic):
        self._number += 1
        self._asked[self._number] = topic
        return (self.send("subscribe", topic),)

    def unsubscribe(self, topic):
        return (self.send("unsubscribe", topic),)

    def send(self, verb, topic):
        return Send(json.dumps({"do": verb, "number": self._number, "topic": topic, "token": self._token}))

    def tick(self, at, passed):
        return ()

    def closed(self, code, at):
        pass

    def received(self, frame, at):
        document = decoded(frame)
        if "answer" in document:
            return self.answered(document)
        if "topic" not in document:
            return (Ignore("nothing that we know"),)
        return (Emit(self.event(document, frame, at)),)

    def answered(self, answer):
        number = answer["answer"]
        topic = self._asked.pop(number, None) if isinstance(number, int) else None
        if topic is None:
            return (Ignore("answer to nothing that we asked"),)
        return (Subscribed(topic), Ignore("answer")) if answer.get("ok") is True else self.refused(topic, answer)

    def refused(self, topic, answer):
        return SubscriptionRefused(topic, f"it says {answer.get('error')}"), Ignore("refusal")

    def event(self, document, frame, at, origin="live"):
        topic, name = document.get("topic"), document.get("name")
        try:
            address = AcmeDialect().address_of(topic, name)
            if not all(isinstance(each, str) and each for each in address):
                raise ValueError("an empty segment")
        except (ValueError, AttributeError, TypeError) as error:
            raise FrameError(f"no topic: {error}", frame) from None
        return Event(
            id=self.identify(document, frame),
            kind=self.kind(address),
            address=address,
            time=moment(document.get("at")),
            received=at,
            feed=self.feed,
            native_type=name,
            native_topic=topic,
            origin=origin,
            data=self.payload(document),
        )

    def payload(self, document):
        return document.get("data")

    def identify(self, document, frame):
        given = document.get("id")
        return given if isinstance(given, str) and given else content_id(frame)

    def kind(self, address):
        return KINDS.get(address.resource, {}).get(address.event) or f"unmapped.{word(address.resource)}"

    def backfill(self, since, at):
        answer = yield Request("GET", "https://acme.example/events?since=x")
        found = answer.json()
        if answer.status != 200 or not isinstance(found, list):
            raise RestError(f"no list of events, with status {answer.status}")
        texts = [json.dumps(each).encode() for each in found]
        return [Emit(self.event(decoded(text), text, at, self.origin())) for text in texts]

    def origin(self):
        return "backfill"


def decoded(frame):
    try:
        document = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"not valid JSON: {error}", frame) from None
    if not isinstance(document, dict):
        raise FrameError("no object", frame)
    return document


def word(text):
    return "".join(each if each in "abcdefghijklmnopqrstuvwxyz0123456789_" else "_" for each in text).strip("_") or "x"


def moment(text):
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


@attrs.frozen
class Acme:
    url: str = attrs.field(
        default="wss://acme.example/events", validator=is_url("wss", "ws"), metadata=field_help("the websocket's URL")
    )
    token: Secret = attrs.field(default=Secret("text", SAMPLE), metadata=field_help("the account's token"))

    source = SOURCE
    protocols = AcmeProtocol
    dialect = AcmeDialect()

    def endpoint(self):
        return Endpoint(f"{self.url}?token={self.token.reveal()}")

    def protocol(self, feed, before=None):
        return self.protocols(feed, self.token.reveal())

    def authenticate(self, before=None):
        answer = yield Request("POST", "https://acme.example/login")
        found = answer.json()
        if answer.status != 200 or not isinstance(found, dict) or not isinstance(found.get("token"), str):
            raise RestError("the login was refused", auth_failed=True)
        return self

    def webhook(self, feed):
        protocol = self.protocol(feed)

        def read(request):
            if not self.is_signed(request):
                raise WebhookError(401, "not signed")
            return [protocol.event(decoded(request.body), request.body, request.at, "webhook")]

        return Webhook(read)

    def is_signed(self, request):
        given = request.headers.get(SIGNATURE, "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, sign(request.body).encode())


SIGNATURE = "x-acme-signature"


def sign(body):
    return hmac.new(SAMPLE.encode(), body, hashlib.sha256).hexdigest()


class AcmeVendor:
    def __init__(self, *, refuses):
        self.refuses = refuses
        self.topics = set()

    def received(self, frame):
        asked = json.loads(frame)
        if self.refuses:
            return [json.dumps({"answer": asked["number"], "ok": False, "error": f"{asked['token']} is no token"})]
        (self.topics.add if asked["do"] == "subscribe" else self.topics.discard)(asked["topic"])
        return [json.dumps({"answer": asked["number"], "ok": True})]


EXAMPLES = [
    {"topic": "call/1", "name": "started", "id": "e1", "at": "2026-01-01T12:00:00Z", "data": {"from": "+1", "n": 1.5}},
    {"topic": "call/1", "name": "ended", "id": "e2", "at": "2026-01-01T14:01:00+02:00", "data": {"why": ["busy"]}},
    {"topic": "agent/ann%2Fx", "name": "ready", "data": None},
    {"topic": "agent/bob", "name": "asleep", "data": {"since": "noon"}},
]


class AcmeSuite(ProviderSuite):
    provider = Acme()
    acknowledges = refuses = authenticates = backfills = webhooks = signs = True

    def posts(self):
        return [post(body, {SIGNATURE: sign(body)}) for body in self.examples()]

    def examples(self):
        return [json.dumps(each).encode() for each in EXAMPLES]

    def copies(self):
        return [[json.dumps(EXAMPLES[0] | {"copy": number}).encode() for number in range(3)]]

    def vendor(self, *, refuses=False):
        return AcmeVendor(refuses=refuses)

    def served(self, vendor):
        return None if vendor is None else vendor.topics

    def rest(self, request: Request):
        assert request.url in ("/login", "/events?since=x")
        body = {"token": SAMPLE} if request.url == "/login" else [EXAMPLES[0]]
        return Response(200, body=json.dumps(body).encode())


HELLO = json.dumps({"hello": "from Acme"})


class GreetingVendor(AcmeVendor):
    """Speaks first, and answers nothing before that."""

    greeted = False

    def opened(self):
        self.greeted = True
        return [HELLO]

    def received(self, frame):
        return super().received(frame) if self.greeted else []


@attrs.define
class WaitingProtocol(AcmeProtocol):
    """Waits for the greeting before it subscribes."""

    greeted: bool = False
    waiting: list = attrs.field(factory=list)

    def subscribe(self, topic):
        if self.greeted:
            return super().subscribe(topic)
        self.waiting.append(topic)
        return ()

    def received(self, frame, at):
        if frame == HELLO.encode():
            self.greeted = True
            asked = [each for topic in self.waiting for each in self.subscribe(topic)]
            return (Ignore("greeting"), *asked)
        return super().received(frame, at)


class WaitingAcme(Acme):
    protocols = WaitingProtocol


class GreetedSuite(AcmeSuite):
    """A vendor that speaks first."""

    provider = WaitingAcme()

    def vendor(self, *, refuses=False):
        return GreetingVendor(refuses=refuses)


@attrs.define
class RestProtocol(AcmeProtocol):
    """Subscribes by REST, and confirms once the vendor has answered."""

    def subscribe(self, topic):
        return (Ask(lambda: self.asking("PUT", topic), f"subscribe to {topic}"),)

    def unsubscribe(self, topic):
        return (Ask(lambda: self.asking("DELETE", topic), f"unsubscribe from {topic}"),)

    def asking(self, method, topic):
        answer = yield Request(method, f"https://acme.example/topics/{topic.replace('/', ':')}")
        if method == "DELETE":
            return ()
        return (Subscribed(topic),) if answer.status == 200 else (SubscriptionRefused(topic, "the vendor says no"),)


class RestAcme(Acme):
    protocols = RestProtocol


class RestSuite(AcmeSuite):
    """A vendor that is subscribed to by REST."""

    provider = RestAcme()
    acknowledges = False
    served_topics = ()

    def vendor(self, *, refuses=False):
        self.refusing, self.served_topics = refuses, ()

    def served(self, vendor):
        return self.served_topics

    def rest(self, request):
        if not request.url.startswith("/topics/"):
            return super().rest(request)
        topic = request.url.removeprefix("/topics/").replace(":", "/")
        if self.refusing:
            return Response(403)
        others = [each for each in self.served_topics if each != topic]
        self.served_topics = [*others, topic] if request.method == "PUT" else others
        return Response(200)


def require_uuid(text):
    try:
        uuid.UUID(text)
    except ValueError:
        raise NoTopicError(f"{text!r} is not a UUID") from None


class UuidDialect(AcmeDialect):
    """Knows the ids of its vendor by their form."""

    def native_of(self, address):
        require_uuid(address.resource_id)
        return super().native_of(address)

    def topics_of(self, selector):
        if selector.address.resource_id is not None:
            require_uuid(selector.address.resource_id)
        return super().topics_of(selector)


class UuidAcme(Acme):
    dialect = UuidDialect()


class UuidSuite(AcmeSuite):
    """A vendor whose ids are UUIDs."""

    provider = UuidAcme()
    ids = st.uuids().map(str)

    def examples(self):
        made = enumerate(super().examples())
        return [
            body.replace(b"/", f"/{uuid.UUID(int=number)}#".encode()).split(b"#")[0] + b'", ' + body.split(b", ", 1)[1]
            for number, body in made
        ]


class PostedAcme(Acme):
    def endpoint(self):
        raise JackfieldError("Acme sends everything by webhook")

    def webhook(self, feed):
        return attrs.evolve(super().webhook(feed), websocket=False)


class PostedSuite(WebhookSuite):
    """A vendor that sends everything by webhook."""

    provider = PostedAcme()
    authenticates = backfills = signs = True
    examples, rest, copies, posts = AcmeSuite.examples, AcmeSuite.rest, AcmeSuite.copies, AcmeSuite.posts
