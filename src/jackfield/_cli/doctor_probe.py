"""What ``jackfield doctor`` observes of a feed: its servers, one connection, and what comes by it; nothing is kept."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

import attrs
import trio

from jackfield._cli.doctor_dial import DIAL_SECONDS, dial
from jackfield._cli.observed import Exchange, Host, Observed
from jackfield._feed.session import Session
from jackfield._loading.guard import provider_code
from jackfield._net.dial import Network
from jackfield._net.http_client import drive, open_client
from jackfield._routing.planner import FeedPlan
from jackfield.config import Feed
from jackfield.errors import JackfieldError, RestError
from jackfield.events import Event
from jackfield.plugin.diagnosis import Finding, SupportsDiagnosis
from jackfield.plugin.http import HTTPFlow, Request, Response
from jackfield.plugin.provider import SupportsSync, display_url
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import redact_url
from jackfield.reports import FeedState, FeedStateChanged, GapSuspected, Report
from jackfield.selectors import EVERYTHING, Selector

__all__ = ["Examination"]

T = TypeVar("T")

MOST_ATTEMPTS = 3


@attrs.define(eq=False)
class Examination:
    """One feed, from its names to its events."""

    feed: Feed
    selectors: tuple[Selector, ...]
    """What its routes select; everything where they select nothing."""
    seconds: float
    """How long to listen."""
    redact: Redactor
    come_to: Callable[[str], object] = lambda _text: None
    """Called with what is being done."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    seen: Observed = attrs.field(init=False)
    _session: Session = attrs.field(init=False)
    _plan: FeedPlan = attrs.field(init=False)
    _began: float = attrs.field(factory=trio.current_time)
    _state: FeedState = FeedState.DISCONNECTED
    _changed: trio.Event = attrs.field(factory=trio.Event)
    _rest_urls: dict[str, str] = attrs.field(factory=dict)
    _rest_failed: bool = False
    """Whether the exchange before this moment has failed, so that what ends now is a login."""

    def __attrs_post_init__(self) -> None:
        self.seen = Observed(self.feed.name, self.now(), self.feed.webhook_only)
        self._plan = FeedPlan(self.feed.provider, self.feed.webhook_only)
        self._plan.add(self.selectors or (EVERYTHING,))
        self._session = Session(
            self.feed,
            self._take,
            self._observe,
            random.Random(),
            rest=self._perform,
            replan=self._replan,
            redact=self.redact,
        )
        self._session.wanted.set(self._plan.topics)

    @property
    def _network(self) -> Network:
        return Network.of(self.feed.connection)

    async def run(self) -> list[Finding]:
        """Look at everything; returns what only the provider can say of it."""
        if url := display_url(self.feed.provider):
            self.come_to(f"dialling {url}")
            self.seen.hosts.append(await self._dial(url, "events"))
        if not self.feed.webhook_only:
            await self._connect()
        for url in self._rest_urls.values():
            if (host := await self._dial(url, "REST")).name not in {each.name for each in self.seen.hosts}:
                self.seen.hosts.append(host)
        self._note()
        return self._diagnose()

    async def _dial(self, url: str, purpose: str) -> Host:
        return await dial(url, purpose, getattr(self.feed.provider, "ca_file", None), self._network)

    async def _connect(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._session.run)
            self.come_to("connecting")
            with trio.move_on_after(self.feed.connection.handshake_timeout + DIAL_SECONDS):
                while self._state is not FeedState.SUBSCRIBED and not self._hopeless():
                    await self._changed.wait()
            if self._state is FeedState.SUBSCRIBED:
                await self._listen()
            elif not self.seen.exchanges:
                await self._standing()
            self._note()
            self._session.stop()
            with trio.move_on_after(3.0):
                while self._state is not FeedState.DISCONNECTED:
                    await self._changed.wait()
            nursery.cancel_scope.cancel()

    def _hopeless(self) -> bool:
        seen = self.seen
        rejected = any(each[2] for each in seen.attempts)
        return bool(seen.attempts) and (rejected or seen.open_seconds is None or len(seen.attempts) >= MOST_ATTEMPTS)

    async def _listen(self) -> None:
        before = await self._standing()
        began = trio.current_time()
        while (left := self.seconds - (trio.current_time() - began)) > 0:
            self.come_to(
                f"listening, {self.seconds - left:.0f} of {self.seconds:.0f} s, {len(self.seen.events)} events"
            )
            await trio.sleep(min(left, 0.5))
        self.seen.listened_seconds = trio.current_time() - began
        if before is not None and not self.seen.events and (after := await self._standing()) is not None:
            self.seen.moved = len(before ^ after)

    async def _standing(self) -> frozenset[tuple[str, str]] | None:
        """What REST lists, each thing by its state; ``None`` where it does not."""
        provider = self._session.provider
        if not isinstance(provider, SupportsSync):
            return None
        self.come_to("asking REST how things stand")
        self.seen.lists_state = True
        try:
            with provider_code():
                listed = (await self._perform(provider.sync())).listed
        except JackfieldError as error:
            self.seen.sync_problem = self.redact(str(error))
            return None
        return frozenset((each.kind, each.id) for each in listed)

    def _note(self) -> None:
        stats = self._session.stats
        self.seen.topics = tuple(sorted(stats.topics)) or self.seen.topics
        self.seen.refused = {
            topic: self.redact(why) for topic, why in stats.refused_topics.items()
        } or self.seen.refused
        self.seen.wanted = tuple(sorted(self._plan.topics))
        self.seen.unselected = (
            [f"{each.selector}: {each.reason}" for each in self._plan.show().entries if each.reason]
            if self.selectors
            else []
        )
        self.seen.unreadable = [self.redact(str(each)) for each in stats.last_unreadable]
        self.seen.ignored = dict(stats.ignored)

    def _diagnose(self) -> list[Finding]:
        provider = self._session.provider
        if not isinstance(provider, SupportsDiagnosis):
            return []
        protocol = self._session.protocol if self.seen.open_seconds is not None else None
        try:
            with provider_code():
                return list(provider.diagnose(protocol, self.seen.events, self.now()))
        except JackfieldError as error:
            return [Finding("provider", "warning", f"its own diagnosis fails: {error}")]

    # -- what the session calls --------------------------------------------------------------------

    def _take(self, events: list[Event], *_: object) -> None:
        self.seen.events += [each for each in events if each.origin == "live" and not each.kind.startswith("stream.")]

    def _replan(self) -> None:
        self._plan.replace_provider(self._session.provider)
        self._session.wanted.set(self._plan.topics)

    def _observe(self, report: Report) -> None:
        match report:
            case FeedStateChanged(state=state, reason=reason):
                self._state = state
                self._enter(state, reason)
                self._changed.set()
                self._changed = trio.Event()
            case GapSuspected():
                self.seen.gaps = [*self.seen.gaps, self.redact(f"events may be missing: {report.cause}")]

    def _enter(self, state: FeedState, reason: str) -> None:
        elapsed = trio.current_time() - self._began
        match state:
            case FeedState.CONNECTING:
                self._began = trio.current_time()
            case FeedState.CONNECTED if self.seen.open_seconds is None:
                self.seen.opened = display_url(self._session.provider) or "the vendor"
                self.seen.open_seconds = elapsed
                self._began = trio.current_time()
            case FeedState.SUBSCRIBED if self.seen.subscribed_seconds is None:
                self.seen.subscribed_seconds = elapsed
            case FeedState.DISCONNECTED if reason:
                loss = self._session.loss
                rejected = loss is not None and loss.auth_failed
                self.seen.attempts.append((self.redact(reason), self._rest_failed, rejected))

    async def _perform(self, exchange: HTTPFlow[T], /) -> T:
        """Perform an exchange, and note how long each request takes and what time the server has."""
        async with open_client(network=self._network) as send:
            try:
                result = await drive(exchange, partial(self._send, send))
            except RestError:
                self._rest_failed = True
                raise
        self._rest_failed = False
        return result

    async def _send(self, send: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
        parts = urlsplit(request.url)
        self._rest_urls.setdefault(parts.netloc, f"{parts.scheme}://{parts.netloc}")
        what, began = f"{request.method} {redact_url(request.url)}", trio.current_time()
        try:
            response = await send(request)
        except RestError as error:
            self.seen.exchanges.append(Exchange(what, trio.current_time() - began, problem=self.redact(error.reason)))
            raise
        seconds = trio.current_time() - began
        skew = clock_skew(response.headers.get("date", ""), self.now(), seconds)
        self.seen.exchanges.append(Exchange(what, seconds, response.status, skew_seconds=skew))
        return response


def clock_skew(date: str, now: datetime, seconds: float) -> float | None:
    """How far a server's clock is ahead of ours, by its ``Date`` in an answer that took so long; 0 within its grain."""
    try:
        said = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return None
    if said.tzinfo is None:
        return None
    ahead = (said - now).total_seconds()
    # It was written at some moment of the exchange, and is cut to whole seconds.
    if -1.0 - seconds <= ahead <= 0.0:
        return 0.0
    return ahead if ahead > 0 else ahead + 1.0 + seconds
