"""The documented dialect as a protocol: one connection to Vinix's gateway, without I/O.

A topic is requested as the documentation spells it and, where the server does not accept that, in the other spellings
that are known, under one name all the while. The token travels in each request, and the server quotes it in its
refusal, so the token is cut out of every text of the server's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import ClassVar

import attrs

from jackfield.errors import RestError
from jackfield.events import Event
from jackfield.plugin.frames import decode_payload
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.protocol import Action, Backfill, Disconnect, Emit, GapSuspected, Ignore, Renew, Send
from jackfield_vinix.backfill import missed_by, states_of
from jackfield_vinix.bindings import Learned
from jackfield_vinix.reconcile import COUNTERS, Counters
from jackfield_vinix.refusals import hide_token, refusals_in
from jackfield_vinix.requests import Requests
from jackfield_vinix.rest import Rest
from jackfield_vinix.snapshot import query_snapshot
from jackfield_vinix.state import AccountState
from jackfield_vinix.subscribing import Subscribing
from jackfield_vinix.translate import translate
from jackfield_vinix.verification import Verification
from jackfield_vinix.wire import Frame, read_frame

__all__ = ["VinixProtocol"]

# A new connection is subscribed by then, the one before it is closed, and what was on its way has come.
SETTLED_SECONDS = 10.0
# An event of what REST already counts comes within this time.
ON_ITS_WAY_SECONDS = 10.0
# Every so many planned renewals with a silent family, the old connection is closed first: at generation 5 only that
# makes good for what another client has unsubscribed, but it is a short gap.
DOUBTS = 2


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
    verification: Verification = attrs.field(init=False)
    counters: Counters = attrs.field(factory=Counters, init=False)
    _silent: list[str] = attrs.field(factory=list, init=False)
    """The families that are being looked after by REST."""
    _recheck: float | None = attrs.field(default=None, init=False)
    """Seconds until what REST counts must be explained by events."""
    _renews: bool = attrs.field(default=False, init=False)
    """Whether it takes over from a connection that is still open."""
    _seconds: float = attrs.field(default=0.0, init=False)
    """Since the connection came up."""
    _read_at: datetime | None = attrs.field(default=None, init=False)
    """Of the latest read that brought an event; ``None`` once anything else has happened."""
    _noted: dict[str, str] = attrs.field(factory=dict, init=False)
    """Of the events of this read: their families, and the binding by which the last of each came."""

    def __attrs_post_init__(self) -> None:
        if (before := self._before) is not None:
            self.learned, self.state = before.learned, before.state
            self.verification, self.counters = before.verification, before.counters
            self._before = None  # else every connection's protocol would be kept for ever
        else:
            self.verification = Verification(self._silent_seconds)
        self._requests = Requests(self._auth_token, self.account_id, self._name)
        self._subscribing = Subscribing(self.account_id, self._requests, self.learned, self._unsubscribes)

    def opened(self) -> Iterable[Action]:
        """Nothing: the token goes with each request."""
        self._renews = self.verification.opened()
        return ()

    def subscribe(self, topic: str) -> Iterable[Action]:
        """Ask; the reply decides."""
        self._read_at = None
        return self._subscribing.subscribe(topic)

    def unsubscribe(self, topic: str) -> Iterable[Action]:
        """Want it no more; the server is asked to end it only where that is configured."""
        return self._subscribing.unsubscribe(topic)

    def received(self, frame: bytes, at: datetime) -> Iterable[Action]:
        """An event or a reply; `FrameError` for anything else."""
        read = read_frame(frame)
        if read.action == "reply":
            return self._replied(read, frame, at)
        if read.action == "event" or not read.action:
            event = translate(read, frame, self.feed, self.account_id, at, self.state)
            _, _, _, family, resource_id, word = event.address
            if at is not self._read_at:
                self._read_at, self._noted = at, {}
            binding = read.subscribed_key if type(read.subscribed_key) is str else ""
            if self._noted.get(family) != binding:  # what one event of a read shows, the others show no better
                self._noted[family] = binding
                self.verification.heard(family, at)
                self._subscribing.brought(family, binding)
            if self._rest is not None and family in COUNTERS:  # else nobody compares
                self.counters.note(resource_id, word)
            return (Emit(event),)
        # What is shown is cut after the token is, for a piece of a token would not be known as one.
        action = hide_token(read.action, self._auth_token)[:40] if isinstance(read.action, str) else "no text"
        return (Ignore(f"action {action!r}, which is neither a reply nor an event"),)

    def tick(self, at: datetime, passed: float) -> Iterator[Action]:
        """Send what had to wait, give up on what is not answered, and wonder about silence."""
        self._read_at = None
        for each in self._requests.tick():
            if isinstance(each, Send):
                yield each
            elif each.action == "subscribe":
                yield from self._subscribing.unanswered(each.binding)
        yield from self._subscribing.tick(at, passed)
        if families := self._subscribing.families:
            yield from self._verify(families, at, passed)
        yield from self._age(families, passed)
        yield from self.verification.statements()

    def _verify(self, families: set[str], at: datetime, passed: float) -> Iterator[Action]:
        """Look after families of which nothing comes."""
        silent = self.verification.tick(families, at, passed)
        if silent and self.learned.counts_anew:
            yield from self._subscribing.again(silent)
        self._silent = [each for each in silent if each in COUNTERS and each in self._subscribing.whole_families]
        if self._silent and self._rest is not None:
            yield Backfill(f"no event of {' and '.join(silent)} for {self._silent_seconds:g} s")
        self.verification.doubt(set(silent) - set(self._silent), at, f"none for {self._silent_seconds:g} s")
        if self._recheck is not None:
            self._recheck -= passed
            if self._recheck <= 0:
                self._recheck = None
                if (lost := self.counters.lost()) is not None:
                    yield GapSuspected(*lost)

    def _age(self, families: set[str], passed: float) -> Iterator[Action]:
        """Compare with REST when the connection is new, and renew it in time.

        A subscription that stalled without a word is served again on a new connection only. Where the connection
        before has been closed, which may have stalled this one, generation 4 subscribes anew if it is asked again.
        """
        before, self._seconds = self._seconds, self._seconds + passed
        if before < SETTLED_SECONDS <= self._seconds:
            if self._renews and self.learned.counts_anew:
                yield from self._subscribing.again(families)
            if self._rest is not None and families:
                yield Backfill("what REST counts is compared with what came")
        if self._subscribing.decided(passed):
            self._renew_after = self._seconds
            yield Renew("it has shown by which binding events come")
        elif before < self._renew_after <= self._seconds:
            silent = self.verification.silent(families)
            self.verification.renewals_in_doubt = self.verification.renewals_in_doubt + 1 if silent else 0
            if self.verification.renewals_in_doubt % DOUBTS or self.learned.counts_anew:
                yield Renew(f"planned after {self._renew_after:.0f} s")
            elif silent:
                reason = f"no {' and '.join(sorted(silent))} event since long, in spite of a new connection"
                yield Disconnect(f"{reason}: closing it before another one is opened")
            else:
                yield Renew(f"planned after {self._renew_after:.0f} s")

    def closed(self, code: int | None, at: datetime) -> None:
        """Remember what the server may have broken over, and up to when nothing is known."""
        pending = self._requests.longest_open()
        if code == 1011 and pending is not None and pending.action == "subscribe":
            self._subscribing.crashed(pending.binding)
        self.verification.closed(at)

    def backfill(self, since: datetime | None, at: datetime) -> HTTPFlow[Iterable[Action]]:
        """How things stand by REST, and what must have happened meanwhile."""
        if self._rest is None:
            raise RestError("no rest_url is configured, so a gap cannot be backfilled", auth_failed=True)
        silent = self._silent
        self.counters.begin()
        snapshot = yield from query_snapshot(self._rest, self.account_id)
        about = (snapshot, self.state, self.account_id, self.feed, at)
        if since is not None:  # a gap is announced: whatever is found belongs to it
            self.counters.rebase(snapshot, at)
            return map(Emit, states_of(*about) + missed_by(*about))
        self.counters.compare(snapshot, at, self._subscribing.whole_families)
        self._recheck = ON_ITS_WAY_SECONDS
        return self._compared(silent, missed_by(*about, silent) if silent else [], at)

    def _compared(self, silent: list[str], missed: list[Event], at: datetime) -> Iterator[Action]:
        """What came of a comparison because of silent families."""
        yield from map(Emit, missed)
        lost = self.counters.lost() if silent and not missed else None
        if silent and (missed or lost is not None):
            self._recheck = None
            self._subscribing.silent()
            reason = f"{len(missed)} changes by REST" if missed or lost is None else lost[1]
            since = self.verification.since(silent)
            what = f"no event of {' and '.join(silent)} for {self._silent_seconds:g} s"
            yield Disconnect(f"{what}, and yet {reason}", missed_since=since)
        else:
            self.verification.doubt(silent, at, f"none for {self._silent_seconds:g} s, and REST shows no change")
            yield from self.verification.statements()

    def _replied(self, reply: Frame, raw: bytes, at: datetime) -> Iterator[Action]:
        self._read_at = None
        # Success is all that a reply to a subscription needs: KAZOO 4 answers some with data of the reply before.
        granted = reply.status == "success"
        data = decode_payload(reply.data, raw)[0]
        refusals = [] if granted else refusals_in(data, self._auth_token)
        succeeded = granted or (reply.status is None and not refusals)
        pending = self._requests.answered(reply.request_id)
        yield Ignore(f"reply to {pending.action if pending else 'nothing that we asked'}")
        if pending is not None and any(each.subject == "rate" for each in refusals):
            self._requests.again(pending)
        elif pending is not None and pending.action == "subscribe":
            if succeeded:
                self.learned.counts_anew = isinstance(data, dict) and "subscriptions" not in data
                yield from self._subscribing.granted(pending.binding)
                if (family := self._subscribing.family_of(pending.binding)) is not None:
                    self.verification.served(family, at)
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
