"""Topics and the bindings that serve them on one connection: asked for one way after another, and never twice over.

Several topics may end up on one binding, such as those of single queues on that of all queues; each copy of an event
that a second binding would bring is one too many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import attrs

from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.protocol import Action, Disconnect, Subscribed, SubscriptionRefused
from jackfield_vinix.bindings import Form, Learned, forms
from jackfield_vinix.refusals import Refusal
from jackfield_vinix.requests import ANSWER_TICKS, Asked, Requests
from jackfield_vinix.rest import Rest

__all__ = ["Subscribing"]

# Subscribing twice is a success and adds nothing, so asking again is safe.
MOST_ASKS = 3
# Behind one address there may be nodes with and without qubicle; after so many of the latter it is not chance.
MOST_NODES = 3
# What keeps a server from granting anything, a module not loaded or an account not set up yet, may be mended meanwhile.
BARREN_SECONDS = 300.0


@attrs.define
class _Line:
    """A binding that was asked for, and holds once the server grants it."""

    form: Form
    topics: dict[str, None] = attrs.field(factory=dict)
    held: bool = False
    asks: int = 1
    heard: bool = False
    """Whether events come that only it can have brought."""


@attrs.define
class Subscribing:
    """The subscriptions of one connection, from the topics' side and from the server's."""

    _account_id: str
    _requests: Requests
    _learned: Learned
    _lines: dict[str, _Line] = attrs.field(factory=dict)
    """By binding."""
    _tried: dict[str, dict[str, list[Refusal]]] = attrs.field(factory=dict)
    """By topic, the bindings that were refused for it."""
    _heard: set[str] = attrs.field(factory=set)
    """Families of which events have come since the last of their bindings was asked for."""
    _elsewhere: bool = False
    """Whether this node has nothing of qubicle."""
    _barren_since: datetime | None = None
    """Since when something is wanted and nothing is active."""
    _barren: float = 0.0
    """Seconds since then."""

    @property
    def held(self) -> list[str]:
        """The bindings that are in force."""
        return [binding for binding, line in self._lines.items() if line.held]

    def subscribe(self, topic: str) -> Iterator[Action]:
        """Ask for a topic."""
        self._tried[topic] = {}
        yield from self._try_next(topic)

    def unsubscribe(self, topic: str) -> Iterator[Action]:
        """Give a topic back; its binding too, where it serves no other."""
        self._tried.pop(topic, None)
        for binding, line in list(self._lines.items()):
            if line.topics.pop(topic, "served") is None and not line.topics:
                yield from self._give_back(binding)

    def granted(self, binding: str) -> Iterator[Action]:
        """The server serves a binding."""
        line = self._lines.get(binding)
        if line is None:  # nobody waits for it any more
            yield from self._requests.ask(Asked("unsubscribe", binding))
            return
        if line.held:
            return
        line.held = True
        self._learned.confirmed(line.form.style)
        if line.heard:
            self._learned.brought(line.form.style)
        if line.form.wide:
            yield from self._take_over(line)
        if all(each.held for each in self._lines.values()):
            self._learned.unavailable = 0
        for topic in sorted(line.topics):
            yield Subscribed(topic)

    def refused(self, binding: str, refusals: list[Refusal]) -> Iterator[Action]:
        """The server does not serve a binding: try the next spelling where that may help."""
        line = self._lines.get(binding)
        if line is None or line.held:
            return
        del self._lines[binding]
        spelling = bool(refusals) and all(each.subject == "binding" for each in refusals)
        if spelling:
            self._learned.failed(line.form.style)
        for topic in sorted(line.topics):
            self._tried[topic][binding] = refusals
            if spelling:
                yield from self._try_next(topic)
            else:
                yield SubscriptionRefused(topic, "; ".join(map(str, refusals)) or "refused without a reason")

    def unanswered(self, binding: str) -> Iterator[Action]:
        """No answer came in time: ask again a few times, unless events show that it is served."""
        line = self._lines.get(binding)
        if line is None or line.held:
            return
        if line.heard:
            yield from self.granted(binding)
        elif line.asks < MOST_ASKS:
            line.asks += 1
            yield from self._requests.ask(Asked("subscribe", binding))
        else:
            for topic in sorted(line.topics):
                yield SubscriptionRefused(topic, f"no answer within {ANSWER_TICKS} s, {MOST_ASKS} times")

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

    def brought(self, family: str) -> None:
        """An event of a family has come."""
        if family in self._heard:
            return
        self._heard.add(family)
        lines = [line for line in self._lines.values() if line.form.family == family]
        # What is held has brought it; else what is still unanswered is served already.
        for line in [line for line in lines if line.held] or lines:
            line.heard = True
            if line.held:
                self._learned.brought(line.form.style)

    def crashed(self, binding: str) -> None:
        """The connection broke over a binding."""
        if (line := self._lines.get(binding)) is not None:
            self._learned.failed(line.form.style)

    def silent(self) -> None:
        """Nothing comes although everything is granted; perhaps some spellings are granted and mean nothing."""
        for line in self._lines.values():
            if not line.heard:
                self._learned.silent(line.form.style)

    def listed(self, rest: Rest, name: str) -> HTTPFlow[bool | None]:
        """Whether the server's list of connections has ours with its bindings; ``None`` where that cannot be known."""
        rows = yield from rest.every("accounts", self._account_id, "websockets")
        named = [row for row in rows if isinstance(row, dict) and row.get("name")]
        ours = [row for row in named if row["name"] == name]
        if rows and not named:
            return None
        families = {family for row in ours for family in _families(row.get("bindings"))}
        return {line.form.family for line in self._lines.values() if line.held} <= families

    def _try_next(self, topic: str) -> Iterator[Action]:
        tried = self._tried[topic]
        candidates = self._learned.ordered(forms(topic, self._account_id))
        for line in self._lines.values():
            if line.held and line.form.wide and line.form.family == candidates[0].family:
                line.topics[topic] = None
                yield Subscribed(topic)
                return
        for form in candidates:
            if form.binding not in tried:
                if (asked := self._lines.get(form.binding)) is not None:
                    asked.topics[topic] = None
                    return
                self._lines[form.binding] = _Line(form, {topic: None})
                self._heard.discard(form.family)
                yield from self._requests.ask(Asked("subscribe", form.binding))
                return
        yield self._exhausted(topic, tried)

    def _exhausted(self, topic: str, tried: dict[str, list[Refusal]]) -> Action:
        refusals = [refusal for each in tried.values() for refusal in each]
        reason = "; ".join(dict.fromkeys(map(str, refusals)))
        if all(each.elsewhere for each in refusals):
            self._learned.unavailable += not self._elsewhere
            self._elsewhere = True
            if self._learned.unavailable <= MOST_NODES:
                return Disconnect(f"{reason}: trying another connection, which may lead to another node")
        return SubscriptionRefused(topic, f"{reason}; tried {', '.join(tried)}")

    def _take_over(self, wide: _Line) -> Iterator[Action]:
        """All other bindings of its family have become needless."""
        for binding, line in list(self._lines.items()):
            if line is not wide and line.form.family == wide.form.family:
                wide.topics |= line.topics
                yield from self._give_back(binding)

    def _give_back(self, binding: str) -> Iterator[Action]:
        # Also what was not answered yet: it may be held all the same, and giving back too much is a success too.
        del self._lines[binding]
        yield from self._requests.ask(Asked("unsubscribe", binding))


def _families(bindings: Any) -> Iterable[str]:
    texts = bindings if isinstance(bindings, list) else []
    return (text.split(".")[1] for text in texts if isinstance(text, str) and text.count("."))
