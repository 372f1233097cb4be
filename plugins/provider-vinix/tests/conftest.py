"""What the plugin's tests share: a protocol that talks with a simulated server, without sockets and without time."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import attrs
import pytest

from jackfield.errors import RestError
from jackfield.plugin.http import Response
from jackfield.plugin.protocol import Backfill, Disconnect, Emit, Ignore, Send, Subscribed, SubscriptionRefused
from jackfield.plugin.secrets import Secret
from jackfield.plugin.simulator import CloseConnection
from jackfield_vinix import Vinix
from jackfield_vinix.simulator import ACCOUNT, VinixSimulator

START = datetime(2026, 11, 21, 9, tzinfo=UTC)
TOKEN = "s3cret"


def drive(exchange, answer):
    """Perform an exchange with a function that answers; what it ends with."""
    try:
        request = next(exchange)
        while True:
            request = exchange.send(answer(request))
    except StopIteration as done:
        return done.value


@attrs.define(eq=False)
class Talk:
    """One feed and one simulated server; `connect` makes a new connection between them, as a session would."""

    simulator: VinixSimulator
    options: dict = attrs.field(factory=dict)
    at: datetime = START
    did: list = attrs.field(factory=list)
    """Every action but `Send` and `Ignore`."""
    sent: list = attrs.field(factory=list)
    """Every request, as objects."""
    replies: list = attrs.field(factory=list)
    asked: list = attrs.field(factory=list)
    """Every request by REST."""
    provider: object = None
    day: object = None
    protocol: object = None
    socket: object = None
    code: object = None
    rest_status: int = 0
    """What every request by REST is answered with, where it is not 0."""
    proven: bool = True
    """Whether events have come by each spelling before, so that none is asked for beside another."""
    mangle: object = None
    """Makes the frames that arrive of those of one event."""

    def __attrs_post_init__(self):
        feed = (
            self.simulator.feed("ws://127.0.0.1:5555")
            | {"idle_check_seconds": 60.0, "renew_seconds": 0.0}
            | self.options
        )
        del feed["provider"]
        names = ("auth_token", "api_key", "password")
        self.provider = Vinix(**{k: _secret(v) if k in names and v else v for k, v in feed.items()})
        self.day = self.simulator.events(self.now)

    def now(self):
        return self.at

    def connect(self, *topics):
        if self.protocol is not None:
            self.protocol.closed(self.code, self.at)
        self.drop()
        self.code = None
        provider = drive(self.provider.authenticate(), self.answer)
        return self.open(provider.protocol("support", self.protocol), *topics)

    def open(self, protocol, *topics):
        self.protocol = protocol
        for style in ("documented", "short", "worded", "one", "one, worded") if self.proven else ():
            if not self.protocol.learned.has_failed(style):
                self.protocol.learned.brought(style)
        self.socket = self.simulator.client()
        self.perform(self.protocol.opened())
        for topic in topics:
            self.perform(self.protocol.subscribe(topic))
        return self

    def renew(self, *topics):
        """Another connection, which is subscribed before this one is closed."""
        socket, protocol = self.socket, self.protocol
        self.socket = self.protocol = None
        provider = drive(self.provider.authenticate(), self.answer)
        self.open(provider.protocol("support", protocol), *topics)
        socket.closed()
        protocol.closed(None, self.at)
        return self

    def drop(self):
        """The connection is down."""
        if self.socket is not None:
            self.socket.closed()
        self.socket = None

    def answer(self, request):
        self.asked.append(request)
        if self.rest_status:
            return Response(self.rest_status)
        parts = urlsplit(request.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        return self.simulator.answer(attrs.evolve(request, url=target))

    def perform(self, actions):
        for action in tuple(actions):
            match action:
                case Send(text):
                    self.sent.append(json.loads(text))
                    if self.socket is not None:
                        self.hear(self.socket.received(text))
                case Ignore():
                    pass
                case Disconnect():
                    self.did.append(action)
                    self.drop()
                case Backfill():
                    self.did.append(action)
                    with suppress(RestError):
                        self.backfill(None)
                case _:
                    self.did.append(action)

    def hear(self, frames):
        for frame in list(frames):
            if isinstance(frame, CloseConnection):
                self.code = frame.code
                self.drop()
                return
            if '"reply"' in frame:
                self.replies.append(json.loads(frame))
            self.perform(self.protocol.received(frame.encode(), self.at))

    def happen(self, events=1):
        """Let things happen, one each second."""
        for _ in range(events):
            self.at += timedelta(seconds=1)
            event = next(self.day)
            if self.socket is not None:
                frames = list(self.socket.frames_for(event))
                self.hear(frames if self.mangle is None else self.mangle(frames))

    def tick(self, seconds=1):
        """Let time go by in which nothing happens."""
        for _ in range(seconds):
            self.at += timedelta(seconds=1)
            if self.socket is not None:
                self.perform(self.protocol.tick(self.at, 1.0))

    def backfill(self, since):
        actions = drive(self.protocol.backfill(since, self.at), self.answer)
        self.perform(actions)

    def of(self, kind):
        return [action for action in self.did if isinstance(action, kind)]

    @property
    def confirmed(self):
        return [action.topic for action in self.of(Subscribed)]

    @property
    def rejected(self):
        return [action.topic for action in self.of(SubscriptionRefused)]

    @property
    def events(self):
        return [action.event for action in self.of(Emit)]

    @property
    def disconnects(self):
        return self.of(Disconnect)

    @property
    def gaps(self):
        return [disconnect for disconnect in self.disconnects if disconnect.missed_since is not None]

    @property
    def asked_for(self):
        """The bindings that were asked for, in order."""
        return [each["data"]["binding"] for each in self.sent if each["action"] == "subscribe"]


def _secret(text):
    return Secret("text", text)


FAMILIES = tuple(f"qubicle.{family}.{ACCOUNT}.*" for family in ("queue", "recipient", "session"))


@pytest.fixture
def talk():
    """Makes a feed that talks with a simulated server of these options, by default of the contact centre alone."""

    def make(*, feed=None, proven=True, **options):
        return Talk(VinixSimulator(TOKEN, **{"calls": False, "inversions": 0.0} | options), feed or {}, proven=proven)

    make.families = FAMILIES
    make.drive = drive
    make.start = START
    return make


SERVERS = [
    pytest.param({"generation": 4, "naming": "kazoo"}, id="4-kazoo"),
    pytest.param({"generation": 5, "naming": "documented"}, id="5-documented"),
    pytest.param({"generation": 4, "naming": "documented"}, id="4-documented", marks=pytest.mark.thorough),
    pytest.param({"generation": 5, "naming": "kazoo"}, id="5-kazoo", marks=pytest.mark.thorough),
]


@pytest.fixture(params=SERVERS)
def server(request):
    """Each generation in each naming."""
    return request.param
