"""The documented dialect as a protocol: one connection to Vinix's gateway, without I/O.

A topic is requested as the documentation spells it and, where the server does not accept that, in the other spellings
that are known, under one name all the while. The token travels in each request, and the server quotes it in its
refusal, so the token is cut out of every text of the server's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import ClassVar

import attrs

from jackfield.errors import RestError
from jackfield.plugin.frames import decode_payload
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.protocol import Action, Backfill, Disconnect, Emit, Ignore, Renew, Send
from jackfield_vinix.backfill import backfill
from jackfield_vinix.bindings import Learned
from jackfield_vinix.refusals import hide_token, refusals_in
from jackfield_vinix.requests import PendingRequest, Requests
from jackfield_vinix.rest import Rest
from jackfield_vinix.silence import Silence
from jackfield_vinix.state import AccountState
from jackfield_vinix.subscribing import Subscribing
from jackfield_vinix.translate import translate
from jackfield_vinix.wire import Frame, read_frame

__all__ = ["VinixProtocol"]


@attrs.define
class VinixProtocol:
    """A `jackfield.plugin.protocol.FeedProtocol` for qubicle bindings, which `SupportsBackfill` by REST."""

    backfill_verifies: ClassVar[bool] = False
    """KAZOO's REST knows how calls, queues and agents stand, and not what happened between two queries."""

    feed: str
    account_id: str = ""
    _auth_token: str = attrs.field(default="", repr=False)
    _rest: Rest | None = None
    _name: str = ""
    """Of this connection, in the server's list of them."""
    _silent_seconds: float = 0.0
    _unsubscribes: bool = False
    _renew_after: float = 0.0
    """Seconds after which the connection is renewed even where all looks well; 0 for never."""
    _before: VinixProtocol | None = attrs.field(default=None, repr=False)
    learned: Learned = attrs.field(factory=Learned)
    """Of the server, by this connection and those before it."""
    state: AccountState = attrs.field(factory=AccountState)
    """How things stand, as far as events and REST say."""
    _requests: Requests = attrs.field(init=False)
    _subscribing: Subscribing = attrs.field(init=False)
    silence: Silence = attrs.field(init=False)
    _seconds: float = attrs.field(default=0.0, init=False)
    """Since the connection came up."""

    def __attrs_post_init__(self) -> None:
        factor = 1
        if self._before is not None:
            self.learned, self.state = self._before.learned, self._before.state
            factor = self._before.silence.factor
            self._before = None  # else every connection's protocol would be kept for ever
        self._requests = Requests(self._auth_token, self.account_id, self._name)
        self._subscribing = Subscribing(self.account_id, self._requests, self.learned, self._unsubscribes)
        self.silence = Silence(self._silent_seconds, factor)

    def opened(self) -> Iterable[Action]:
        """Nothing: the token goes with each request."""
        return ()

    def subscribe(self, topic: str) -> Iterable[Action]:
        """Ask; the reply decides."""
        return self._subscribing.subscribe(topic)

    def unsubscribe(self, topic: str) -> Iterable[Action]:
        """Want it no more; the server is asked to end it only where that is configured."""
        return self._subscribing.unsubscribe(topic)

    def received(self, frame: bytes, at: datetime) -> Iterable[Action]:
        """An event or a reply; `FrameError` for anything else."""
        read = read_frame(frame)
        if read.action == "reply":
            return self._replied(read, frame)
        if read.action == "event" or not read.action:
            event = translate(read, frame, self.feed, self.account_id, at, self.state)
            self.silence.broken(at)
            self._subscribing.brought(event.address.resource)
            return (Emit(event),)
        # What is shown is cut after the token is, for a piece of a token would not be known as one.
        action = hide_token(read.action, self._auth_token)[:40] if isinstance(read.action, str) else "no text"
        return (Ignore(f"action {action!r}, which is neither a reply nor an event"),)

    def tick(self, at: datetime, passed: float) -> Iterator[Action]:
        """Send what had to wait, give up on what is not answered, and wonder about silence."""
        for each in self._requests.tick():
            if isinstance(each, Send):
                yield each
            elif each.action == "ping":
                self.silence.answered(ponged=False)
            elif each.action == "subscribe":
                yield from self._subscribing.unanswered(each.binding)
        yield from self._subscribing.tick(at, passed)
        yield from self._age(passed)
        if self._subscribing.held:
            yield from self._listen(at, passed)

    def _age(self, passed: float) -> Iterator[Action]:
        """Renew in time: a subscription that stalled without a word is served again on a new connection only."""
        before, self._seconds = self._seconds, self._seconds + passed
        if before < self._renew_after <= self._seconds:
            yield Renew(f"planned after {self._renew_after:.0f} s")

    def closed(self, code: int | None, at: datetime) -> None:
        """Remember what the server may have broken over."""
        pending = self._requests.longest_open()
        if code == 1011 and pending is not None and pending.action == "subscribe":
            self._subscribing.crashed(pending.binding)

    def backfill(self, since: datetime | None, at: datetime) -> HTTPFlow[Iterable[Action]]:
        """How things stand by REST, and what must have happened meanwhile."""
        if self._rest is None:
            raise RestError("no rest_url is configured, so a gap cannot be backfilled", auth_failed=True)
        found = yield from backfill(self._rest, self.account_id, self.feed, self.state, at, whole=since is not None)
        if self.silence.asking:
            held: bool | None = None
            with suppress(RestError):  # what the backfill has found is emitted all the same
                held = yield from self._subscribing.listed(self._rest, self._name)
            self.silence.vouch(False if found.missed else held)
        return map(Emit, found.events)

    def _listen(self, at: datetime, passed: float) -> Iterator[Action]:
        silence = self.silence
        match silence.tick(at, passed, by_rest=self._rest is not None):
            case "ask":
                yield from self._requests.ask(PendingRequest("ping"))
                if self._rest is not None:
                    yield Backfill(f"no event for {silence.limit:g} s")
            case "renew":
                self._subscribing.silent()
                reason = f"no event for {silence.quiet:.0f} s; {silence.evidence}"
                yield Disconnect(f"{reason}: subscribing anew", missed_since=silence.since)

    def _replied(self, reply: Frame, raw: bytes) -> Iterator[Action]:
        # Success is all that a reply to a subscription needs: KAZOO 4 answers some with data of the reply before.
        granted = reply.status == "success"
        refusals = [] if granted else refusals_in(decode_payload(reply.data, raw)[0], self._auth_token)
        succeeded = granted or (reply.status is None and not refusals)
        pending = self._requests.answered(reply.request_id)
        yield Ignore(f"reply to {pending.action if pending else 'nothing that we asked'}")
        if pending is not None and pending.action == "ping":
            self.silence.answered(ponged=True)
        elif pending is not None and any(each.subject == "rate" for each in refusals):
            self._requests.again(pending)
        elif pending is not None and pending.action == "subscribe":
            if succeeded:
                yield from self._subscribing.granted(pending.binding)
            else:
                yield from self._subscribing.refused(pending.binding, refusals)
        yield from self._requests.flush()
        if any(each.subject == "token" for each in refusals):
            yield self._token_refused("; ".join(map(str, refusals)))

    def _token_refused(self, reason: str) -> Disconnect:
        """Log in once more at once; if that does not help, hurrying will not."""
        renewable = self._rest is not None and self._rest.renewable and not self.learned.token_refused
        self.learned.token_refused = True
        return Disconnect(f"the vendor refused the token: {reason}", auth_failed=not renewable)
