"""Topics that are wanted, no longer wanted, and wanted again, on connections that break: any order must come out right.

::

    def test_churn():
        subscription_churn(Conformance())

Hypothesis draws the steps, as often as the active profile says.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import attrs
from hypothesis import given
from hypothesis import strategies as st

from jackfield.plugin.protocol import Action, FeedProtocol, Subscribed, SubscriptionRefused
from jackfield.plugin.provider import Provider
from jackfield.testing._by_hand import HandDriven, logged_in
from jackfield.testing._harness import FEED, Vendor

if TYPE_CHECKING:
    from jackfield.testing._provider_declaration import ProviderDeclaration

__all__ = ["subscription_churn"]

MOST_STEPS = 12
MOST_TOPICS = 4
DROP = -1
# A protocol may ask at a pace, or wait with what a connection was cut over.
SETTLE_TICKS = 600


def subscription_churn(suite: ProviderDeclaration) -> None:
    """Try it with the provider and the vendor of a suite."""
    topics = suite.some_topics(MOST_TOPICS)
    steps = st.lists(
        st.tuples(st.integers(DROP, len(topics) - 1), st.sampled_from([False, False, True])),
        min_size=2,
        max_size=MOST_STEPS,
    )

    @given(steps)
    def law(drawn: list[tuple[int, bool]]) -> None:
        churn = _Churn(suite)
        for number, (step, hurried) in enumerate(drawn):
            if step == DROP:
                churn.drop()
            else:
                churn.toggle(topics[step], hurried=hurried and number + 1 < len(drawn))
            if churn.hurried:
                continue
            shown = [
                DROP_WORD if each == DROP else topics[each] + " before an answer" * late
                for each, late in drawn[: number + 1]
            ]
            missing = sorted(churn.wanted - churn.active - churn.refused)
            assert not missing, f"after {shown} the protocol neither confirms nor refuses {missing}"
            served = suite.served(churn.vendor)
            missing = sorted(churn.wanted & churn.active - set(served)) if served is not None else []
            assert not missing, f"after {shown} {missing} count as active, and the vendor does not serve them"
            surplus = sorted(set(served) - churn.wanted) if served is not None and suite.unsubscribes else []
            assert not surplus, f"after {shown} the vendor goes on serving {surplus}, which nobody wants"

    law()


DROP_WORD = "a lost connection"


@attrs.define(eq=False)
class _Churn:
    """A feed's connections, one after the other."""

    _suite: ProviderDeclaration
    wanted: set[str] = attrs.field(factory=set)
    active: set[str] = attrs.field(factory=set)
    refused: set[str] = attrs.field(factory=set)
    """What the protocol gave up, and said so: a topic over which two connections were cut may be the reason."""
    vendor: Vendor | None = None
    _driven: HandDriven = attrs.field(init=False)
    _provider: Provider | None = None
    _seconds: int = 0

    def __attrs_post_init__(self) -> None:
        self._connect(None)

    @property
    def hurried(self) -> bool:
        """Whether answers are outstanding."""
        return self._driven.hurried

    def toggle(self, topic: str, *, hurried: bool) -> None:
        """Want a topic, or want it no longer; when `hurried` without waiting for the vendor's answers by REST."""
        self._driven.hurried |= hurried
        if topic in self.wanted:
            self.wanted.discard(topic)
            self.active.discard(topic)
            self.refused.discard(topic)
            actions = self._driven.unsubscribe(topic)
        else:
            self.wanted.add(topic)
            actions = self._driven.subscribe(topic)
        self._note(actions)
        if not hurried:
            self._settle(self._driven.catch_up())

    def drop(self) -> None:
        """Lose the connection, and connect again."""
        at = self._suite.moment(self._seconds)
        with contextlib.suppress(Exception):  # a rule of its own is about that
            self._driven.protocol.closed(None, at)
        self.active.clear()
        self.refused.clear()
        self._connect(self._driven.protocol)

    def _connect(self, before: FeedProtocol | None) -> None:
        self._provider = logged_in(self._suite.provider, self._suite.rest, self._provider)
        self.vendor = self._suite.vendor()
        protocol = self._provider.protocol(FEED, before)
        self._driven = HandDriven(protocol, self.vendor, self._suite.rest, self._suite.moment(self._seconds))
        self._settle(self._driven.begin(sorted(self.wanted)))

    def _settle(self, actions: list[Action]) -> None:
        self._note(actions)
        for _ in range(SETTLE_TICKS):
            if self.wanted <= self.active | self.refused:
                return
            self._seconds += 1
            self._note(self._driven.tick(self._suite.moment(self._seconds)))

    def _note(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Subscribed):
                self.active.add(action.topic)
            elif isinstance(action, SubscriptionRefused):
                self.active.discard(action.topic)
                self.refused.add(action.topic)
