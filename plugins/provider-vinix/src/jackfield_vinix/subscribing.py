"""Topics and the bindings that serve them on one connection: asked for one way after another, and never twice over.

Several topics may end up on one binding, such as those of single queues on that of all queues; each copy of an event
that a second binding would bring is one too many.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

import attrs

from jackfield.plugin.protocol import Action, Disconnect, Subscribed, SubscriptionRefused
from jackfield_vinix.bindings import Learned, Spelling, binding_spellings
from jackfield_vinix.families import family_of_binding
from jackfield_vinix.refusals import Refusal
from jackfield_vinix.requests import ANSWER_TICKS, PendingRequest, Requests
from jackfield_vinix.subscription import Subscription, lost_beside

__all__ = ["Subscribing"]

# Subscribing twice is a success and adds nothing, so asking again is safe.
MOST_ASKS = 3
# Behind one address there may be nodes with and without qubicle; after so many of the latter it is not chance.
MOST_NODES = 3
# What keeps a server from granting anything, a module not loaded or an account not set up yet, may be mended meanwhile.
BARREN_SECONDS = 300.0
# Of two spellings that are asked for together, one has brought an event; the other has so much longer for it.
SHOWN_SECONDS = 3.0


@attrs.define
class Subscribing:
    """The subscriptions of one connection, from the topics' side and from the server's."""

    _account_id: str
    _requests: Requests
    _learned: Learned
    _unsubscribes: bool = False
    """Whether the server is asked to end what nobody wants any more. KAZOO then ends it for its other clients too."""
    _subscriptions: dict[str, Subscription] = attrs.field(factory=dict)
    """By binding."""
    _surplus: dict[str, Subscription] = attrs.field(factory=dict)
    """By binding, what nobody wants any more and the server still serves, until the connection is renewed."""
    _tried: dict[str, dict[str, list[Refusal]]] = attrs.field(factory=dict)
    """By topic, the bindings that were refused for it."""
    _heard: set[tuple[str, str]] = attrs.field(factory=set)
    """Family and binding, as events name them, of which events have come since the last of them was asked for."""
    _seconds_shown: float = 0.0
    """How long ago it showed that one of two spellings brings events."""
    _elsewhere: bool = False
    """Whether this node has nothing of qubicle."""
    _barren_since: datetime | None = None
    """Since when something is wanted and nothing is active."""
    _barren: float = 0.0
    """Seconds since then."""

    @property
    def held(self) -> list[str]:
        """The active bindings."""
        return [binding for binding, subscription in self._subscriptions.items() if subscription.held]

    @property
    def families(self) -> set[str]:
        """The families that something active brings events of."""
        return {each.spelling.family for each in self._subscriptions.values() if each.held}

    def family_of(self, binding: str) -> str | None:
        """The family of a binding that is active."""
        known = self._subscriptions.get(binding)
        return known.spelling.family if known is not None and known.held else None

    @property
    def whole_families(self) -> set[str]:
        """Those of which all events are brought."""
        return {each.spelling.family for each in self._subscriptions.values() if each.held and each.spelling.wide}

    def subscribe(self, topic: str) -> Iterator[Action]:
        """Ask for a topic."""
        self._tried[topic] = {}
        yield from self._try_next(topic)

    def unsubscribe(self, topic: str) -> Iterator[Action]:
        """Want a topic no more, nor its binding where that serves no other."""
        self._tried.pop(topic, None)
        for binding, subscription in list(self._subscriptions.items()):
            if subscription.topics.pop(topic, "served") is None and not subscription.topics:
                yield from self._release(binding)
        wanted = {each.spelling.family for each in self._subscriptions.values()}
        for binding, surplus in list(self._surplus.items()):
            if surplus.beside and surplus.spelling.family not in wanted:
                surplus.beside = False
                if self._unsubscribes and surplus.held:
                    yield from self._end(binding)

    def granted(self, binding: str) -> Iterator[Action]:
        """The server serves a binding."""
        if (surplus := self._surplus.get(binding)) is not None:  # nobody waits for it any more
            surplus.held = True
            if self._unsubscribes and not surplus.beside:
                yield from self._end(binding)
        subscription = self._subscriptions.get(binding)
        if subscription is None:
            return
        if subscription.held:
            return
        subscription.held = True
        self._learned.confirmed(subscription.spelling.style)
        if subscription.heard:
            self._learned.brought(subscription.spelling.style)
        if subscription.spelling.wide:
            yield from self._take_over(subscription)
        if all(each.held for each in self._subscriptions.values()):
            self._learned.unavailable = 0
        for topic in sorted(subscription.topics):
            yield Subscribed(topic)

    def refused(self, binding: str, refusals: list[Refusal]) -> Iterator[Action]:
        """The server does not serve a binding: try the next spelling where that may help."""
        beside = self._surplus.pop(binding, None)
        spelling = bool(refusals) and all(each.subject == "binding" for each in refusals)
        if beside is not None and spelling:
            self._learned.failed(beside.spelling.style)
        subscription = self._subscriptions.get(binding)
        if subscription is None or subscription.held:
            return
        del self._subscriptions[binding]
        if spelling:
            self._learned.failed(subscription.spelling.style)
        for topic in sorted(subscription.topics):
            self._tried[topic][binding] = refusals
            if spelling:
                yield from self._try_next(topic)
            else:
                yield SubscriptionRefused(topic, "; ".join(map(str, refusals)) or "refused without a reason")

    def again(self, families: Collection[str]) -> Iterator[Action]:
        """Ask once more for what is active: generation 4 then subscribes anew itself, should that be lost."""
        for binding, subscription in self._subscriptions.items():
            if subscription.held and subscription.spelling.family in families:
                yield from self._requests.ask(PendingRequest("subscribe", binding))

    def unanswered(self, binding: str) -> Iterator[Action]:
        """No answer came in time: ask again a few times, unless events show that it is served."""
        subscription = self._subscriptions.get(binding) or self._surplus.get(binding)
        if subscription is None or subscription.held or not (subscription.topics or subscription.beside):
            return
        if subscription.heard:
            yield from self.granted(binding)
        elif subscription.asks < MOST_ASKS:
            subscription.asks += 1
            yield from self._requests.ask(PendingRequest("subscribe", binding))
        elif not subscription.topics:
            del self._surplus[binding]
        elif self._beside_held(subscription):
            del self._subscriptions[binding]
            for topic in sorted(subscription.topics):
                self._tried[topic][binding] = []
                yield from self._try_next(topic)
        else:
            for topic in sorted(subscription.topics):
                yield SubscriptionRefused(topic, f"no answer within {ANSWER_TICKS} s, {MOST_ASKS} times")

    def _beside_held(self, main: Subscription) -> bool:
        """Whether the other spelling, which was asked for beside this one, is granted."""
        family = main.spelling.family
        return any(each.beside and each.held and each.spelling.family == family for each in self._surplus.values())

    def tick(self, at: datetime, passed: float) -> Iterator[Action]:
        """Try anew on another connection where nothing is granted for long."""
        if not self._tried or self.held:
            self._barren_since = None
        elif self._barren_since is None:
            self._barren_since, self._barren = at, 0.0
        else:
            self._barren += passed
        if self._barren_since is not None and self._barren >= BARREN_SECONDS:
            reason = f"no subscription was granted in {BARREN_SECONDS:.0f} s: trying another connection"
            yield Disconnect(reason, missed_since=self._barren_since)

    def brought(self, family: str, binding: str) -> None:
        """An event of a family has come, by this binding; empty where the server does not say by which."""
        if (family, binding) in self._heard:
            return
        self._heard.add((family, binding))
        known = self._subscriptions.get(binding) or self._surplus.get(binding)
        own = [each for each in self._subscriptions.values() if each.spelling.family == family]
        # What is held has brought it; else what is still unanswered is served already.
        for subscription in [known] if known is not None else [each for each in own if each.held] or own:
            subscription.heard = True
            if subscription.held:
                self._learned.brought(subscription.spelling.style)

    def decided(self, passed: float) -> bool:
        """Whether it has shown for long enough which of two spellings brings events, so that one is needless."""
        if (losers := lost_beside(self._surplus.values(), list(self._subscriptions.values()))) is None:
            return False
        self._seconds_shown += passed
        if self._seconds_shown < SHOWN_SECONDS:
            return False
        for loser in losers:
            self._learned.failed(loser.spelling.style)
        for each in self._surplus.values():
            each.beside = False
        return True

    def crashed(self, binding: str) -> None:
        """The connection broke while a binding was requested."""
        if (subscription := self._subscriptions.get(binding) or self._surplus.get(binding)) is not None:
            self._learned.crashed(subscription.spelling.style)

    def silent(self) -> None:
        """Nothing comes although everything is granted; perhaps some spellings are granted and mean nothing."""
        for subscription in self._subscriptions.values():
            if not subscription.heard:
                self._learned.silent(subscription.spelling.style)

    def _try_next(self, topic: str) -> Iterator[Action]:
        tried = self._tried[topic]
        candidates = self._learned.ordered(binding_spellings(topic, self._account_id))
        for binding, subscription in [*self._subscriptions.items(), *self._surplus.items()]:
            spelling = subscription.spelling
            if subscription.beside:
                continue
            if subscription.held and spelling.wide and spelling.family == candidates[0].family:
                subscription.topics[topic] = None
                self._surplus.pop(binding, None)
                self._subscriptions[binding] = subscription
                yield Subscribed(topic)
                return
        for spelling in candidates:
            if spelling.binding not in tried:
                if (pending := self._subscriptions.get(spelling.binding)) is not None:
                    pending.topics[topic] = None
                    return
                if (surplus := self._surplus.pop(spelling.binding, None)) is not None:
                    surplus.topics, surplus.beside = {topic: None}, False
                    self._subscriptions[spelling.binding] = surplus
                    if surplus.held:
                        yield Subscribed(topic)
                    elif surplus.asks >= MOST_ASKS:
                        surplus.asks = 1
                        yield from self._requests.ask(PendingRequest("subscribe", spelling.binding))
                    return
                self._subscriptions[spelling.binding] = Subscription(spelling, {topic: None})
                self._heard.clear()
                yield from self._requests.ask(PendingRequest("subscribe", spelling.binding))
                yield from self._ask_beside(spelling, candidates)
                return
        yield self._exhausted(topic, tried)

    def _ask_beside(self, spelling: Spelling, candidates: list[Spelling]) -> Iterator[Action]:
        """Until a spelling has brought an event, ask for the short or the documented one with it.

        A server may grant one and bring nothing by it; each public client of KAZOO's uses the short one.
        """
        style = "documented" if spelling.style == "short" else "short"
        other = next((each for each in candidates if each.style == style), None)
        if other is None or self._learned.is_proven(spelling.style) or self._learned.has_failed(style):
            return
        if other.binding not in self._subscriptions and other.binding not in self._surplus:
            self._surplus[other.binding] = Subscription(other, beside=True)
            yield from self._requests.ask(PendingRequest("subscribe", other.binding))

    def _exhausted(self, topic: str, tried: dict[str, list[Refusal]]) -> Action:
        refusals = [refusal for each in tried.values() for refusal in each]
        reason = "; ".join(dict.fromkeys(map(str, refusals)))
        # A family beside the contact centre's that is not served is no reason to lose a connection that serves that.
        if family_of_binding(topic) is None and all(each.elsewhere for each in refusals):
            self._learned.unavailable += not self._elsewhere
            self._elsewhere = True
            if self._learned.unavailable <= MOST_NODES:
                return Disconnect(f"{reason}: trying another connection, which may lead to another node")
        return SubscriptionRefused(topic, f"{reason}; tried {', '.join(tried)}")

    def _take_over(self, wide: Subscription) -> Iterator[Action]:
        """All other bindings of its family have become needless."""
        for binding, subscription in list(self._subscriptions.items()):
            if subscription is not wide and subscription.spelling.family == wide.spelling.family:
                wide.topics |= subscription.topics
                yield from self._release(binding)

    def _release(self, binding: str) -> Iterator[Action]:
        subscription = self._subscriptions.pop(binding)
        subscription.topics.clear()
        self._surplus[binding] = subscription
        if self._unsubscribes and subscription.held:
            yield from self._end(binding)

    def _end(self, binding: str) -> Iterator[Action]:
        """Unsubscribe; only ever what this connection was granted."""
        del self._surplus[binding]
        yield from self._requests.ask(PendingRequest("unsubscribe", binding))
