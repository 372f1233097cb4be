"""The feeds of a running gateway: each with its session, and with the plan of what it is to be subscribed to."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

import attrs
import trio

from jackfield._feed.continuity import Continuity
from jackfield._feed.intake import JournalIntake
from jackfield._feed.reconfiguring import configure, renew, revert
from jackfield._feed.recorder import Deliver
from jackfield._feed.session import Session
from jackfield._gateway.shutdown import Task, Tasks
from jackfield._journal import Journal
from jackfield._journal.downtime import Account
from jackfield._loading.registry import Registry
from jackfield._routing.planner import FeedPlan
from jackfield.config import Feed
from jackfield.errors import JackfieldError
from jackfield.plugin.provider import Plan, Provider, resumes
from jackfield.reports import FeedState
from jackfield.reports._counters import FeedCounters, remember
from jackfield.selectors import Selector

__all__ = ["CLOSE_SECONDS", "Feeds"]

# Feeds close their connections by the close handshake; a vendor that does not answer is not waited for longer.
CLOSE_SECONDS = 4.0
RENEW_SECONDS = 30.0
"""Within which a connection by another configuration must have taken over; a subscription may take as long."""
LOOK_SECONDS = 0.05


class SharedWay(Deliver, Protocol):
    """The way in of a feed that is shared with other gateways."""

    def keep(self, note: Callable[[Account], object], account: Account) -> None:
        """Keep the account of its session."""
        ...


@attrs.define(eq=False)
class Feeds:
    """The sessions by their feeds' names, and what they are wanted for."""

    _journal: Journal
    _registry: Registry
    _rng: random.Random
    _deliver: Callable[[str], Deliver]
    """The way in for one feed's events."""
    _payloads_read: Callable[[], bool]
    shared: Callable[[Feed], bool] = lambda _: False
    """Whether other gateways share a feed, so that its session is run while this one is to hold it."""
    sessions: dict[str, Session] = attrs.field(factory=dict)
    plans: dict[str, FeedPlan] = attrs.field(factory=dict)
    _selected: Counter[Selector] = attrs.field(factory=Counter)
    """What any feed is wanted for, and how often."""
    _running: dict[str, Task] = attrs.field(factory=dict)
    _former: dict[str, FeedCounters] = attrs.field(factory=dict)
    """What feeds that are gone have counted: one of the same name counts on, since its metrics are the same series."""
    _logged_in: dict[str, Provider] = attrs.field(factory=dict)
    """By what each feed was connected before its last `renew`."""

    def open(self, feed: Feed, pause: str, way: SharedWay | None = None, account: Account | None = None) -> Session:
        """A session for a feed, to be run; `pause` says why none ran since the last, where there was one.

        A feed that is shared with other gateways has a way in of its own, and the account of who held it last.
        """
        deliver, note = self._deliver(feed.name), partial(self._journal.note, feed.name)
        if way is None:
            account = account or self._journal.accounts().get(feed.name)
        else:
            deliver, note = way, partial(way.keep, note)
        continuity = Continuity()
        if account is not None and not resumes(feed.provider, self._journal.token(feed.name)):
            continuity = Continuity.resumed(account, pause)
        session = self.sessions[feed.name] = Session(
            feed,
            deliver,
            self._registry.observe,
            self._rng,
            continuity=continuity,
            replan=partial(self._replan, feed.name),
            intake=JournalIntake(self._journal, feed.name, self._payloads_read),
            keep_account=note,
            redact=self._registry.redact,
        )
        if (before := self._former.pop(feed.name, None)) is not None:
            session.stats.count_on(before)
        plan = self.plans[feed.name] = FeedPlan(feed.provider, feed.webhook_only)
        plan.add(self._selected.elements())
        session.wanted.set(plan.topics)
        return session

    def start(self, name: str, tasks: Tasks) -> None:
        """Run a feed's session, unless that is another's to do."""
        if not self.shared(self.sessions[name].feed):
            self.run(name, tasks)

    def run(self, name: str, tasks: Tasks) -> None:
        """Run a feed's session."""
        self._running[name] = tasks.feeds.start(self.sessions[name].run)

    def start_all(self, tasks: Tasks) -> None:
        """Start all that are open."""
        for name in self.sessions:
            self.start(name, tasks)

    def stop_all(self) -> None:
        """Let every session end."""
        for session in self.sessions.values():
            session.stop()

    async def stop(self, name: str) -> None:
        """Close a feed's connection."""
        self.sessions[name].stop()
        if (task := self._running.pop(name, None)) is not None:
            await task.finish(CLOSE_SECONDS)

    async def remove(self, name: str) -> None:
        """Close a feed's connection, and forget the feed."""
        await self.stop(name)
        remember(self._former, name, self.sessions[name].stats)
        del self.sessions[name], self.plans[name]
        self._logged_in.pop(name, None)

    async def renew(self, feed: Feed) -> str:
        """Have a feed go on by another configuration, its connections overlapping; why it cannot, if it cannot."""
        self._logged_in[feed.name] = self.sessions[feed.name].provider
        configure(self.sessions[feed.name], feed)
        self._replan(feed.name)
        return await renew(self.sessions[feed.name], RENEW_SECONDS)

    def revert(self, feed: Feed) -> None:
        """Let a feed whose `renew` has failed be as it was."""
        revert(self.sessions[feed.name], feed, self._logged_in[feed.name])
        self._replan(feed.name)

    async def subscribed(self, name: str) -> None:
        """Wait until a feed is, for a while at most."""
        with trio.move_on_after(RENEW_SECONDS / 2):
            while True:
                if self.sessions[name].stats.state in (FeedState.SUBSCRIBED, FeedState.LISTENING):
                    return
                await trio.sleep(LOOK_SECONDS)

    def plan(self, name: str) -> Plan:
        """What a feed is to be subscribed to now, and why; `JackfieldError` where there is no such feed."""
        if name not in self.sessions:
            raise JackfieldError(f"no feed {name!r}; there are: {', '.join(self.sessions) or 'none'}")
        return self.plans[name].show()

    def select(self, selectors: Iterable[Selector]) -> None:
        """Let every feed subscribe to what is newly needed."""
        selectors = tuple(selectors)
        self._selected.update(selectors)
        for name, plan in self.plans.items():
            plan.add(selectors)
            self.sessions[name].wanted.set(plan.topics)

    def deselect(self, selectors: Iterable[Selector]) -> None:
        """Undo one `select` of the same."""
        selectors = tuple(selectors)
        self._selected -= Counter(selectors)
        for name, plan in self.plans.items():
            plan.remove(selectors)
            self.sessions[name].wanted.set(plan.topics)

    def _replan(self, name: str) -> None:
        """A login has shown whose feed it is, so that its topics are other ones."""
        session, plan = self.sessions[name], self.plans[name]
        plan.replace_provider(session.provider)
        session.wanted.set(plan.topics)
