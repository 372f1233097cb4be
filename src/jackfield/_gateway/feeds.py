"""The feeds of a running gateway: each with its session, and with the plan of what it is to be subscribed to."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import partial

import attrs

from jackfield._feed.continuity import Continuity
from jackfield._feed.intake import JournalIntake
from jackfield._feed.login import resumes
from jackfield._feed.recorder import Deliver
from jackfield._feed.session import Session
from jackfield._journal import Journal
from jackfield._loading.registry import Registry
from jackfield._routing.planner import FeedPlan
from jackfield.config import Feed
from jackfield.errors import JackfieldError
from jackfield.plugin.provider import Plan
from jackfield.selectors import Selector

__all__ = ["Feeds"]


@attrs.define(eq=False)
class Feeds:
    """The sessions by their feeds' names, and what they are wanted for."""

    _journal: Journal
    _registry: Registry
    _rng: random.Random
    _deliver: Callable[[str], Deliver]
    """The way in for one feed's events."""
    sessions: dict[str, Session] = attrs.field(factory=dict)
    plans: dict[str, FeedPlan] = attrs.field(factory=dict)

    def open(self, feed: Feed, pause: str) -> Session:
        """A session for a feed, to be run; `pause` says why none ran since the last, where there was one."""
        account = self._journal.accounts().get(feed.name)
        continuity = Continuity()
        if account is not None and not resumes(feed, self._journal.token(feed.name)):
            continuity = Continuity.resumed(account, pause)
        session = self.sessions[feed.name] = Session(
            feed,
            self._deliver(feed.name),
            self._registry.observe,
            self._rng,
            continuity=continuity,
            replan=partial(self._replan, feed.name),
            intake=JournalIntake(self._journal, feed.name),
            keep_account=partial(self._journal.note, feed.name),
            redact=self._registry.redact,
        )
        self.plans[feed.name] = FeedPlan(feed.provider, feed.webhook_only)
        return session

    def plan(self, name: str) -> Plan:
        """What a feed is to be subscribed to now, and why; `JackfieldError` where there is no such feed."""
        if name not in self.sessions:
            raise JackfieldError(f"no feed {name!r}; there are: {', '.join(self.sessions) or 'none'}")
        return self.plans[name].show()

    def select(self, selectors: Iterable[Selector]) -> None:
        """Let every feed subscribe to what is newly needed."""
        for name, plan in self.plans.items():
            plan.add(selectors)
            self.sessions[name].wanted.set(plan.topics)

    def deselect(self, selectors: Iterable[Selector]) -> None:
        """Undo one `select` of the same."""
        for name, plan in self.plans.items():
            plan.remove(selectors)
            self.sessions[name].wanted.set(plan.topics)

    def _replan(self, name: str) -> None:
        """A login has shown whose feed it is, so that its topics are other ones."""
        session, plan = self.sessions[name], self.plans[name]
        plan.replace_provider(session.provider)
        session.wanted.set(plan.topics)
