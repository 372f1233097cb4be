"""What one connection asks for, in which spellings, and which of them the platform cuts the connection for.

VoIPBIN answers no subscription. One that it does not grant it answers by cutting the connection, without a word
and with all other subscriptions. So what was sent just before the cut is suspect. On the next connection the
suspects come last and one at a time (ever more where very many wait), and a text that has the connection cut again,
twice and alone, is left out for an hour: once might be the network. Whatever outlives its probation is innocent.

**Healing.** Each process of the deployed platform counts the subscriptions of a customer over all connections, and
counts one down for any unsubscribe, even from a topic that nobody holds. At zero everybody hears nothing any more,
without a word. The same subscription sent again counts up, which heals that at once; so it is sent again at a slow
pace. And nobody is silenced by us: what nobody wants any more is left out when the connection is renewed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import attrs

from jackfield.plugin.protocol import Action, Renew, Send, Subscribed, SubscriptionRefused
from jackfield_voipbin.spellings import is_current, is_prefix, named_event
from jackfield_voipbin.wire import subscription

__all__ = ["Subscribing", "Suspicion"]

PROBATION = 3
"""Ticks; the platform cuts the connection within a second."""
# So many suspects come one by one before the session's 30 s for an answer are over.
FEW = 9
STRIKES = 2
LEFT_OUT = timedelta(hours=1)
RENEW_SECONDS = 900.0
"""How long topics that nobody wants any more go on coming, before the connection is renewed without them."""
MOST_AGAIN = 100
# A cut connection has no code, or the one that stands for none; a stricter server may say that a policy was violated.
CUT = (None, 1006, 1008)


@attrs.define
class Suspicion:
    """What earlier connections have taught; handed on from one to the next."""

    suspects: dict[str, int] = attrs.field(factory=dict)
    """Texts that may be why the connection was cut, and how often each was alone when it was."""
    guilty: dict[str, datetime] = attrs.field(factory=dict)
    """Texts that are why, and until when they are left out."""

    def cut(self, on_probation: list[str], at: datetime) -> None:
        """The connection was cut while these had just been sent."""
        for text in on_probation:
            strikes = self.suspects.get(text, 0) + (len(on_probation) == 1)
            self.suspects[text] = strikes
            if strikes >= STRIKES:
                del self.suspects[text]
                self.guilty[text] = at + LEFT_OUT

    def forgive(self, at: datetime) -> None:
        """What was left out for long enough gets another chance, as a suspect that one strike is enough for."""
        for text in [text for text, until in self.guilty.items() if until <= at]:
            del self.guilty[text]
            self.suspects[text] = STRIKES - 1


@attrs.define
class Subscribing:
    """The subscriptions of one connection: topics as they are planned, texts as they are sent."""

    _spellings: Callable[[str], tuple[str, ...]]
    """The texts in which a topic is sent."""
    _refusal: Callable[[str], str]
    """Why the platform would not grant a text; empty where it may."""
    suspicion: Suspicion = attrs.field(factory=Suspicion)
    unsubscribes: bool = True
    """Whether an unsubscribe is sent for what nobody wants any more."""
    resubscribe_seconds: float = 0.0
    """How often what is subscribed to is subscribed to again; 0 for never."""
    event: str = ""
    """The one event that the connection is subscribed to by name, so that it is what every bare frame is about."""
    _surplus: set[str] = attrs.field(factory=set)
    """Texts that were sent and that nobody needs any more."""
    _since_again: float = 0.0
    _since_surplus: float = 0.0
    _needed_by: dict[str, set[str]] = attrs.field(factory=dict)
    """The topics that each text stands for; of those texts that are sent or wait to be."""
    _age: dict[str, int] = attrs.field(factory=dict)
    """How many ticks ago each text was sent."""
    _at_once: int = 1
    """How many suspects come next."""
    since: dict[str, datetime | None] = attrs.field(factory=dict)
    """The topics that are asked for, and since when; ``None`` until the time is known."""

    @property
    def sent(self) -> tuple[str, ...]:
        """The texts that were sent."""
        return tuple(self._age)

    def subscribe(self, topic: str) -> Iterator[Action]:
        """Ask for a topic in each spelling but the suspects, and count it as granted; refuse it where none is left."""
        texts = dict.fromkeys(self._spellings(topic)).keys()
        faults = {text: fault for text in texts if (fault := self._fault(text))}
        if not any(map(is_current, texts - faults.keys())):
            yield SubscriptionRefused(topic, next(iter(faults.values())))
            return
        for text in texts:
            if not self._fault(text):
                self._needed_by.setdefault(text, set()).add(topic)
                self._surplus.discard(text)
                if text not in self._age and text not in self.suspicion.suspects:
                    yield self._send(text)
        yield from self._confirm(topic)

    def unsubscribe(self, topic: str) -> Iterator[Action]:
        """Want a topic no more; unsubscribe, letter for letter, from what was sent for it alone, or let it be."""
        self.since.pop(topic, None)
        for text in [text for text, topics in self._needed_by.items() if topic in topics]:
            self._needed_by[text].discard(topic)
            if not self._needed_by[text]:
                del self._needed_by[text]
                if not self.unsubscribes:
                    self._surplus |= {text} & self._age.keys()
                elif self._age.pop(text, None) is not None:
                    self._know_event()
                    yield Send(subscription("unsubscribe", text))

    def refused(self, text: str, reason: str) -> Iterator[Action]:
        """The server has said that it does not grant a text; the topic is refused where no other spelling is left."""
        self._age.pop(text, None)
        self._surplus.discard(text)
        self._know_event()
        self.suspicion.suspects.pop(text, None)
        for topic in sorted(self._needed_by.pop(text, ())):
            if not any(topic in topics and is_current(other) for other, topics in self._needed_by.items()):
                self.since.pop(topic, None)
                for topics in self._needed_by.values():
                    topics.discard(topic)
                yield SubscriptionRefused(topic, reason)

    def tick(self, at: datetime, passed: float) -> Iterator[Action]:
        """Let those go that outlived their probation, send the next suspect once nothing is on probation, and heal."""
        self.date(at)
        for text in self._age:
            self._age[text] += 1
            if self._age[text] >= PROBATION:
                self.suspicion.suspects.pop(text, None)
        waiting = [text for text in self._needed_by if text not in self._age]
        if waiting and not self._on_probation():
            for text in self._next(waiting):
                yield self._send(text)
                for topic in sorted(self._needed_by[text]):
                    yield from self._confirm(topic)
        self._since_again += passed
        if 0 < self.resubscribe_seconds <= self._since_again:
            yield from self.again(one_of_each_scope=True)
        self._since_surplus = self._since_surplus + passed if self._surplus else 0.0
        if self._since_surplus >= RENEW_SECONDS:
            self._since_surplus = 0.0
            yield Renew(f"{len(self._surplus)} topics that nobody selects any more are left out")

    def again(self, *, one_of_each_scope: bool = False) -> Iterator[Action]:
        """Send again what was granted: one text for each scope, by which the platform counts, or up to a hundred."""
        self._since_again = 0.0
        granted = [text for text, age in self._age.items() if age >= PROBATION and text not in self._surplus]
        if one_of_each_scope:
            granted = list({":".join(text.split(":")[:2]): text for text in granted}.values())
        for text in granted[-MOST_AGAIN:]:
            yield Send(subscription("subscribe", text))

    def _next(self, waiting: list[str]) -> list[str]:
        """What was alone when the connection was cut, alone again; else one, or ever more where very many wait.

        So a cut by the network costs no topic its answer in time.
        """
        strikes = {text: self.suspicion.suspects.get(text, 0) for text in waiting}
        if strikes[worst := max(waiting, key=strikes.__getitem__)]:
            return [worst]
        at_once = self._at_once
        if at_once > 1 or len(waiting) > FEW:
            self._at_once *= 2
        return waiting[:at_once]

    def date(self, at: datetime) -> None:
        """What was asked for and has no moment yet has been asked for since now."""
        self.since = {topic: moment or at for topic, moment in self.since.items()}

    def closed(self, code: int | None, at: datetime) -> None:
        """The connection is down: who is to blame?"""
        if code in CUT:
            self.suspicion.cut(self._on_probation(), at)
        self.suspicion.forgive(at)

    def _on_probation(self) -> list[str]:
        return [text for text, age in self._age.items() if age < PROBATION]

    def _fault(self, text: str) -> str:
        if text in self.suspicion.guilty:
            return f"the platform cut the connection each time it was asked for {text}; it is left out for an hour"
        return self._refusal(text)

    def _send(self, text: str) -> Action:
        self._age[text] = 0
        self._know_event()
        return Send(subscription("subscribe", text))

    def _know_event(self) -> None:
        # What has a wildcard brings nothing of what comes bare.
        texts = [text for text in self._age if "*" not in text]
        named = {named_event(text) for text in texts} - {""}
        (name,) = named if len(named) == 1 else ("",)
        alone = all(text.endswith(f":{name}") for text in texts) and not is_prefix(name)
        self.event = name if alone else ""

    def _confirm(self, topic: str) -> Iterator[Action]:
        """It is granted once all its spellings are sent: one of them may bring nothing, whatever the server says."""
        unsent = any(topic in topics for text, topics in self._needed_by.items() if text not in self._age)
        if topic not in self.since and not unsent:
            self.since[topic] = None
            yield Subscribed(topic)
