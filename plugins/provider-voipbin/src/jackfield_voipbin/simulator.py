"""VoIPBIN's server with a small contact centre behind it, as documented or as deployed.

The profile ``documented`` answers subscriptions, knows wildcards and sends envelopes with dotted names. ``wrapped``,
``head`` and ``2026-10`` are the deployed platform before and since July 2026, and of October: topics are prefixes,
nothing is answered, the connection is cut for what is not granted; events are ``{type, data}``, or the bare resource,
several times over; any client's unsubscribe may silence everybody. All have REST and webhooks. What the server says of
a day is in `jackfield_voipbin.documented`, `jackfield_voipbin.deployed` and `jackfield_voipbin.october`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import attrs
import msgspec

from jackfield.plugin.http import Request, Response
from jackfield.plugin.options import field_help, ge
from jackfield.plugin.simulator import Refusal, WebhookDelivery
from jackfield.simulation.shift import Shift
from jackfield_voipbin.answering import error_body, listing, query_of, record, refusal, set_record
from jackfield_voipbin.clients import Client, Profile, ScopeCounts
from jackfield_voipbin.credentials import Credential, read_credential
from jackfield_voipbin.deployed import DeployedWriter
from jackfield_voipbin.documented import DocumentedWriter
from jackfield_voipbin.october import OctoberWriter
from jackfield_voipbin.published import Published, Writer
from jackfield_voipbin.simulated_state import SimulatedState
from jackfield_voipbin.tokens import make_token
from jackfield_voipbin.webhook import SIGNATURE, sign

__all__ = ["VoipbinSimulator"]

PATHS = ("/v1.0/ws", "/v1.0/service_agents/ws")
# The documented events of agents and queues are no states of what these would list.
NO_DOCUMENTED_LISTS = frozenset({"agents", "queuecalls"})
# The documentation's own example of a customer.
CUSTOMER = "550e8400-e29b-41d4-a716-446655440000"
PROFILES = ("documented", "wrapped", "head", "2026-10")
ADMISSIONS = ("valid", "expired", "delegate")
PING_SECONDS = 10.0


def _one_of(*choices: str) -> Callable[[Any, Any, str], None]:
    def validate(_instance: Any, _attribute: Any, value: str) -> None:
        if value not in choices:
            raise ValueError(f"{value!r} is none of {', '.join(choices)}")

    return validate


def _filled(_instance: Any, _attribute: Any, value: str) -> None:
    if not value:
        raise ValueError("must not be empty")


def _topics(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.split(","))))


@attrs.define
class VoipbinSimulator:
    """The server; its fields are the flags of ``jackfield simulate voipbin``."""

    token: str = attrs.field(
        repr=False, validator=_filled, metadata=field_help("the token or access key (vb_…) that clients must give")
    )
    rate: float = attrs.field(default=10.0, validator=attrs.validators.gt(0), metadata=field_help("events in a second"))
    seed: int = attrs.field(default=1, metadata=field_help("which day it is: the same seed gives the same events"))
    agents: int = attrs.field(
        default=0, validator=ge(0), metadata=field_help("how many agents work, in calls of minutes; 0: a few at once")
    )
    queues: int = attrs.field(default=3, validator=ge(1), metadata=field_help("how many queues these agents have"))
    speed: float = attrs.field(
        default=1.0, validator=attrs.validators.gt(0), metadata=field_help("how fast their time goes by")
    )
    customer_id: str = attrs.field(default=CUSTOMER, metadata=field_help("the customer whose events these are"))
    profile: Profile = attrs.field(
        default="documented",
        validator=_one_of(*PROFILES),
        metadata=field_help(
            "as documented, or the deployed platform before (wrapped) and since July 2026 (head), or of 2026-10"
        ),
    )
    username: str = attrs.field(default="", metadata=field_help("who can log in with password; empty for nobody"))
    password: str = attrs.field(default="", repr=False, metadata=field_help("the password of username"))
    permission: int = attrs.field(
        default=0x20, metadata=field_help("the roles of tokens from a login: 16 agent, 32 admin, 64 manager", live=True)
    )
    webhook_uri: str = attrs.field(
        default="", metadata=field_help("where webhooks are sent; empty for nowhere", live=True)
    )
    webhook_method: str = attrs.field(default="POST", metadata=field_help("by which method; empty is GET", live=True))
    webhook_secret: str = attrs.field(
        default="", repr=False, metadata=field_help("signs webhooks; empty for no signature", live=True)
    )
    ignore_topics: str = attrs.field(
        default="",
        metadata=field_help("subscriptions that begin with these, comma-separated, bring nothing", live=True),
    )
    refuse_topics: str = attrs.field(
        default="", metadata=field_help("topics that begin with these, comma-separated, are not granted", live=True)
    )
    admission: Literal["valid", "expired", "delegate"] = attrs.field(
        default="valid",
        validator=_one_of(*ADMISSIONS),
        metadata=field_help("valid; expired (HTTP 401); or delegate, which gets HTTP 200 and no websocket", live=True),
    )
    _customer: dict[str, Any] = attrs.field(factory=dict, init=False, repr=False)
    _issued: set[str] = attrs.field(factory=set, init=False, repr=False)
    _state: SimulatedState = attrs.field(factory=SimulatedState, init=False, repr=False)
    _scopes: ScopeCounts = attrs.field(factory=ScopeCounts, init=False, repr=False)
    _admitted: Credential | None = attrs.field(default=None, init=False, repr=False)
    """The credential that came last, which is that of the next client."""

    @property
    def ping_every(self) -> float:
        """As the platform does."""
        return PING_SECONDS

    def url(self, authority: str) -> str:
        """Where clients connect."""
        return f"ws://{authority}{PATHS[0]}"

    def feed(self, url: str) -> dict[str, Any]:
        """A feed that connects to this server."""
        return {"provider": "voipbin", "url": url, "token": self.token, "customer_id": self.customer_id}

    def admit(self, target: str, headers: Mapping[str, str]) -> Refusal | None:
        """404 off the path, 401 without a credential, both in the platform's envelope; 200 for a delegate."""
        if urlsplit(target).path not in PATHS:
            return Refusal(404, error_body(404, "ROUTE_NOT_FOUND"))
        given = self._credential(target, headers)
        if isinstance(given, str):
            return Refusal(401, error_body(401, given))
        if given.identity == "delegate" or self.admission == "delegate":
            return Refusal(200)
        self._admitted = given
        return None

    def _credential(self, target: str, headers: Mapping[str, str]) -> Credential | str:
        """The first credential that is given, in the platform's order; or the reason why it is none."""
        query = query_of(target)
        token = query.get("token") or headers.get("authorization", "").removeprefix("Bearer ")
        text = token or query.get("accesskey", "")
        if not text:
            return "AUTHENTICATION_REQUIRED"
        # As documented an access key may be in token's place too; as deployed each only in its own.
        misplaced = self.profile != "documented" and text.startswith("vb_") == bool(token)
        if self.admission == "expired" or misplaced or text not in {self.token, *self._issued}:
            return "INVALID_CREDENTIALS"
        return read_credential(text)

    def client(self) -> Client:
        """A connection without subscriptions."""
        return Client(self.profile, self._refusal_for(self._admitted), self._ignores, self._scopes)

    def _refusal_for(self, credential: Credential | None) -> Callable[[str], str]:
        def refusal_of(topic: str) -> str:
            if topic.startswith(_topics(self.refuse_topics)):
                return "refused"
            scope, scope_id, *_ = (*topic.split(":"), "")
            if credential is not None and (why := credential.refusal(topic)):
                return why
            return "not yours" if scope == "customer_id" and scope_id != self.customer_id else ""

        return refusal_of

    def _ignores(self, pattern: str) -> bool:
        return pattern.startswith(_topics(self.ignore_topics))

    def events(self, now: Callable[[], datetime]) -> Iterator[Published | None]:
        """The day, in the words of the profile; REST knows of an event from the moment that it happens."""
        writer = self._writer(now)
        shift = Shift(self.seed, now, self.agents, self.queues, self.speed) if self.agents else None
        for queue in shift.lines if shift is not None else ():
            about = {"id": writer.id_of("queue", queue.number), "customer_id": self.customer_id, "name": queue.name}
            self._state.list_queue(about | {"tm_create": now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")})
        for event in writer.day(shift):
            if event is not None:
                self._state.record(event)
            yield event

    def _writer(self, now: Callable[[], datetime]) -> Writer:
        about = (self.seed, self.customer_id, now)
        if self.profile == "documented":
            return DocumentedWriter(*about)
        if self.profile == "2026-10":
            return OctoberWriter(*about)
        return DeployedWriter(*about, service="webhook" if self.profile == "wrapped" else "")

    # -- REST ----------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Response:
        """What REST answers; logging in is outside of ``/v1.0`` and needs no credential."""
        parts = urlsplit(request.url).path.strip("/").split("/")
        if (request.method, parts) == ("POST", ["auth", "login"]):
            return self._login(request)
        if parts[0] != "v1.0" or len(parts) < 2:
            return refusal(404, "ROUTE_NOT_FOUND")
        credential = self._credential(request.url, {name.lower(): value for name, value in request.headers})
        if isinstance(credential, str):
            return refusal(401, credential)
        if parts[1:] == ["customer"]:
            if request.method == "GET":
                return record(self._customer_record(), self.webhook_secret, credential)
            if request.method == "PUT":
                answer = set_record(self._customer_record(), request, credential)
                self.webhook_uri = self._customer["webhook_uri"]
                self.webhook_method = self._customer["webhook_method"]
                return answer
        if request.method != "GET":
            return refusal(404, "ROUTE_NOT_FOUND")
        if self.profile == "documented" and parts[1] in NO_DOCUMENTED_LISTS:
            return refusal(404, "ROUTE_NOT_FOUND")
        return listing(self._state, parts[1:], request.url, credential)

    def _login(self, request: Request) -> Response:
        try:
            given = msgspec.json.decode(request.body)
        except msgspec.DecodeError:
            given = None
        if not self.username or given != {"username": self.username, "password": self.password}:
            return Response(400)
        agent_id = hashlib.sha256(self.username.encode()).hexdigest()[:32]
        token = make_token(self.customer_id, permission=self.permission, agent_id=agent_id)
        self._issued.add(token)
        body = msgspec.json.encode({"username": self.username, "token": token})
        return Response(200, {"content-type": "application/json"}, body)

    def _customer_record(self) -> dict[str, Any]:
        if not self._customer:
            self._customer |= {"id": self.customer_id, "name": "Example Ltd.", "detail": "", "email": "me@example.com"}
            self._customer |= {"phone_number": "+15550199000", "address": "1 Example Street", "status": "active"}
        self._customer |= {"webhook_method": self.webhook_method, "webhook_uri": self.webhook_uri}
        return self._customer

    # -- webhooks ------------------------------------------------------------------------------------

    def webhooks_of(self, event: Published) -> Iterable[WebhookDelivery]:
        """The event in one request, if the customer has a webhook: three attempts, a second apart."""
        if not self.webhook_uri.startswith(("http://", "https://")):
            return ()
        body = msgspec.json.encode({"type": event.event_type, "data": event.data})
        headers = [("Content-Type", "application/json"), ("User-Agent", "Go-http-client/1.1")]
        if self.webhook_secret:
            headers.append((SIGNATURE, sign(self.webhook_secret, body)))
        return (WebhookDelivery(Request(self.webhook_method or "GET", self.webhook_uri, tuple(headers), body)),)
