"""Vinix's gateway with a small contact centre behind it, as documented or as either generation of KAZOO really behaves.

Any path; the token with the first request; requests and errors as in `jackfield_vinix.simulated_socket`, events as in
`jackfield_vinix.event_writer`, REST as in `jackfield_vinix.simulated_rest`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any
from weakref import WeakSet

import attrs

from jackfield.plugin.http import Request, Response
from jackfield.plugin.options import field_help, ge
from jackfield.plugin.simulator import Refusal
from jackfield.simulation.day import Day
from jackfield.simulation.shift import Shift
from jackfield_vinix.event_writer import EventWriter, Published, write_day
from jackfield_vinix.families import OTHER_FAMILIES
from jackfield_vinix.kinds import FAMILIES
from jackfield_vinix.simulated_bus import Bus
from jackfield_vinix.simulated_rest import Interface
from jackfield_vinix.simulated_socket import SimulatedSocket
from jackfield_vinix.simulated_state import SimulatedState

__all__ = ["VinixSimulator"]

ACCOUNT = "4b31dd1d32ce6d249897c06332375d65"

MOST_QUEUED = 50

_STYLES = frozenset({"documented", "short", "worded", "narrow"})


def _count(text: str) -> Any:
    return attrs.field(default=0, validator=ge(0), metadata=field_help(text, live=True))


def _families(_instance: Any, _attribute: Any, value: str) -> None:
    known = (*FAMILIES, *OTHER_FAMILIES)
    if value not in ("", "all") and not set(value.split(",")) <= set(known):
        raise ValueError(f"{value!r} is not a list of {', '.join(known)}, and not all")


def _styles(also: str = "") -> Callable[[Any, Any, str], None]:
    known = {*_STYLES, also}

    def validate(_instance: Any, _attribute: Any, value: str) -> None:
        if value != also and not set(value.split(",")) <= _STYLES:
            raise ValueError(f"{value!r} is not a list of {', '.join(sorted(filter(None, known)))}")

    return validate


@attrs.define(eq=False)
class VinixSimulator:
    """The server; its public fields are the flags of ``jackfield simulate vinix``."""

    token: str = attrs.field(repr=False, metadata=field_help("an auth_token that is always valid"))
    rate: float = attrs.field(default=10.0, validator=attrs.validators.gt(0), metadata=field_help("events in a second"))
    seed: int = attrs.field(default=1, metadata=field_help("which day it is: the same seed gives the same events"))
    agents: int = attrs.field(
        default=0, validator=ge(0), metadata=field_help("how many agents work, in calls of minutes; 0: a few at once")
    )
    queues: int = attrs.field(default=3, validator=ge(1), metadata=field_help("how many queues these agents have"))
    speed: float = attrs.field(
        default=1.0, validator=attrs.validators.gt(0), metadata=field_help("how fast their time goes by")
    )
    account_id: str = attrs.field(default=ACCOUNT, metadata=field_help("the account whose events these are"))
    generation: int = attrs.field(
        default=4, validator=attrs.validators.in_((4, 5)), metadata=field_help("of KAZOO, 4 or 5: how it replies")
    )
    naming: str = attrs.field(
        default="documented",
        validator=attrs.validators.in_(("documented", "kazoo")),
        metadata=field_help("how events and fields of REST are named: documented, by Vinix, or kazoo"),
    )
    api_key: str = attrs.field(default="simulated", repr=False, metadata=field_help("the key that logs in"))
    username: str = attrs.field(
        default="simulated", metadata=field_help("the user who can log in, of account simulated")
    )
    password: str = attrs.field(default="simulated", repr=False, metadata=field_help("that user's password"))
    sync_seconds: float = attrs.field(
        default=60.0,
        validator=attrs.validators.gt(0),
        metadata=field_help("seconds between two syncs of each queue and recipient", live=True),
    )
    token_seconds: float = attrs.field(
        default=3600.0,
        validator=ge(0),
        metadata=field_help("how long a token from a login is valid", live=True),
    )
    accepts: str = attrs.field(
        default="any",
        validator=_styles("any"),
        metadata=field_help(
            "the bindings that are accepted: any, or some of documented,short,worded,narrow", live=True
        ),
    )
    barren: str = attrs.field(
        default="",
        validator=_styles(),
        metadata=field_help("the bindings that are accepted and bring nothing", live=True),
    )
    crashes_on: str = attrs.field(
        default="",
        validator=_styles(),
        metadata=field_help("the bindings that end the connection with 1011", live=True),
    )
    unsubscribed: str = attrs.field(
        default="",
        validator=_families,
        metadata=field_help(
            "families, such as queue,session, that another client unsubscribes now, for everybody; all: each of them",
            live=True,
        ),
    )
    unavailable: int = _count("how many of the next connections lead to a node without bh_qubicle")
    refused_tokens: int = _count("how many of the next tokens are refused, as if expired")
    unanswered: int = _count("how many of the next requests are carried out and never answered")
    answered_late: int = _count("how many of the next answers come only with the frame after them")
    calls: bool = attrs.field(
        default=True,
        metadata=field_help("whether the other families are served, and each contact's call has events of its own"),
    )
    inversions: float = attrs.field(
        default=0.08,
        validator=[attrs.validators.ge(0), attrs.validators.le(1)],
        metadata=field_help("share of events, from 0 to 1, that come after the one that followed them", live=True),
    )
    restarts: int = _count("how often the contact centre starts anew now: everything is created again, counters at 0")
    bus: Bus = attrs.field(init=False, repr=False)
    _writer: EventWriter = attrs.field(init=False, repr=False)
    _now: Callable[[], datetime] | None = attrs.field(default=None, init=False, repr=False)
    _sockets: WeakSet[SimulatedSocket] = attrs.field(factory=WeakSet, init=False, repr=False)
    _issued: dict[str, datetime | None] = attrs.field(factory=dict, init=False, repr=False)
    """Tokens from logins, with when they end."""

    def __attrs_post_init__(self) -> None:
        self.bus = Bus(self.account_id)
        self._writer = EventWriter(self.seed, self.account_id, self.generation, self.calls)

    @property
    def ping_every(self) -> None:
        """KAZOO 4 never pings, KAZOO 5 only if it is configured to."""
        return None

    @property
    def most_queued(self) -> int:
        """As KAZOO does by default (``max_queued_messages``)."""
        return MOST_QUEUED

    @property
    def state(self) -> SimulatedState:
        """How things stand."""
        return self._writer.state

    def url(self, authority: str) -> str:
        """Where clients connect; any path would do."""
        return f"ws://{authority}"

    def feed(self, url: str) -> dict[str, Any]:
        """A feed that connects to this server and backfills from it."""
        rest_url = f"{url.replace('ws', 'http', 1)}/v2"
        account = {"auth_token": self.token, "account_id": self.account_id}
        families: dict[str, Any] = {"families": ["call"]} if self.calls else {}
        return {"provider": "vinix", "url": url, "rest_url": rest_url} | account | families

    def admit(self, target: str, headers: Mapping[str, str]) -> Refusal | None:
        """Everybody who offers no sub-protocol, and in generation 5 no wrong token in a header."""
        if "sec-websocket-protocol" in headers:
            return Refusal(400, content_type="text/plain")
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if given and self.generation == 5 and not self.accepts_token(given):
            return Refusal(403, content_type="text/plain")
        return None

    def client(self) -> SimulatedSocket:
        """A connection that has not given a token yet."""
        lacks_qubicle = self.unavailable > 0
        self.unavailable -= lacks_qubicle
        socket = SimulatedSocket(self, lacks_qubicle)
        self._sockets.add(socket)
        return socket

    def unsubscribe_elsewhere(self, *families: str) -> None:
        """Another client unsubscribes from these families; without any, from all that there are."""
        for family in families or (*FAMILIES, *OTHER_FAMILIES):
            self.bus.remove(family)

    def events(self, now: Callable[[], datetime]) -> Iterator[Published | None]:
        """The day in qubicle's words, with everything repeated from time to time."""
        self._now = now
        return self._disordered(self._events(now))

    def _disordered(self, events: Iterator[Published | None]) -> Iterator[Published | None]:
        """Some of them one place later, within a second: KAZOO hands each message on in a process of its own."""
        chance = Random(self.seed)
        for event in events:
            if event is not None and chance.random() < self.inversions and self.rate >= 1:
                yield next(events)
            yield event

    def _events(self, now: Callable[[], datetime]) -> Iterator[Published | None]:
        synced: datetime | None = None
        shift = Shift(self.seed, now, self.agents, self.queues, self.speed) if self.agents else Day(self.seed, now)
        for published in write_day(self._writer, shift):
            if published is None:
                yield None
                continue
            if self.unsubscribed:
                families, self.unsubscribed = self.unsubscribed, ""
                self.unsubscribe_elsewhere(*(families.split(",") if families != "all" else ()))
            yield published
            while self.restarts > 0:
                self.restarts -= 1
                yield from self._writer.restart(now())
            at = datetime.fromtimestamp(published.seconds, now().tzinfo)
            if synced is None or at - synced >= timedelta(seconds=self.sync_seconds):
                if synced is not None:
                    yield from self._writer.sync(at)
                synced = at

    def answer(self, request: Request) -> Response:
        """The answer of the REST interface."""
        return Interface(self, self.state, lambda: self._sockets).answer(request)

    # -- for the sockets and REST ----------------------------------------------------------------------

    def now(self) -> datetime | None:
        """The clock of the day, once it has begun."""
        return self._now() if self._now is not None else None

    def accepts_token(self, token: str) -> bool:
        """Whether a token is valid now."""
        if token and self.refused_tokens > 0:
            self.refused_tokens -= 1
            return False
        if token in self._issued:
            ends, now = self._issued[token], self.now()
            return ends is None or now is None or now < ends
        return token == self.token

    def issue_token(self) -> str:
        """A token for a login."""
        token = hashlib.sha256(f"{self.seed}/{self.token}/{len(self._issued)}".encode()).hexdigest()
        now = self.now()
        self._issued[token] = now + timedelta(seconds=self.token_seconds) if now is not None else None
        return token
