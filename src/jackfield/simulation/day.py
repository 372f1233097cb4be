"""A small contact centre's day, in no vendor's terms: what happens, to whom, one thing after another.

Callers arrive, wait, are offered to agents, talk, hang up; agents log on, take breaks, wrap up;
messages come and are answered. Each of these is an activity, a generator that yields one event at
a time; the day interleaves a few activities by a seeded draw, so that the same seed gives the same
day, endlessly, and every state follows one that it may follow. Both simulators publish this day, each
in its vendor's words.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import attrs

from jackfield.simulation._scenario import Scenario
from jackfield.simulation.scenario import Agent, Contact, Message, Queue, ScenarioEvent

__all__ = ["Day"]

_CALLERS = ("Ada Byron", "Zoë Müller", "Pat O'Neil", "Jane Roe", "李 娜", "Åsa Lind", "Omar Haddad", "Tui Rangi")
_AGENTS = ("alice", "bob", "carol")
_QUEUES = ("Support", "Sales")
_TALK = (
    ("in", "Hello, my invoice shows the wrong amount."),
    ("out", "I am sorry to hear that. May I have the invoice number?"),
    ("in", "It is 4711."),
    ("out", "Thank you. I have corrected it, a new one is on its way."),
    ("in", "Wonderful, thanks for your help!"),
)
_QUESTIONS = ("What are your hours?", "Where is my parcel?", "STOP", "Can I change my booking to Friday?")

ACTIVITIES_AT_ONCE = 3

Activity = Generator["ScenarioEvent | None", None, None]


@attrs.define
class Day(Scenario):
    """An endless iterator of events; iterate one object once."""

    queues: list[Queue] = attrs.field(factory=lambda: [Queue(n, name) for n, name in enumerate(_QUEUES)])
    agents: list[Agent] = attrs.field(factory=lambda: [Agent(n, name) for n, name in enumerate(_AGENTS)])
    waiting: int = 0
    """How many contacts are in queues."""

    def __iter__(self) -> Iterator[ScenarioEvent]:
        yield from filter(None, self._opening())
        # One visit alone comes first, so that whoever watches sees a whole one before several mix.
        activities = [self._visit()]
        at_once = 1
        while True:
            while len(activities) < at_once:
                activities.append(self._next_activity())
            activity = self._rng.choice(activities)
            try:
                event = next(activity)
            except StopIteration:
                activities.remove(activity)
                at_once = ACTIVITIES_AT_ONCE
            else:
                if event is not None:
                    yield event

    def _next_activity(self) -> Activity:
        activities = (self._visit, self._chat, self._break, self._conference, self._upkeep)
        return self._rng.choices(activities, weights=(12, 4, 3, 1, 2))[0]()

    def _opening(self) -> Activity:
        for queue in self.queues:
            yield self._happens("queue_started", queue=queue)
        for agent in self.agents:
            yield self._happens("agent_logged_on", agent=agent)
        for agent in self.agents:
            yield self._ready(agent)

    def _take_agent(self) -> Agent | None:
        free = [agent for agent in self.agents if agent.free]
        if not free:
            return None
        agent = self._rng.choice(free)
        agent.free = False
        return agent

    def _visit(self) -> Activity:
        contact = Contact(self._number(), self._rng.choice(_CALLERS), self._rng.choice(self.queues))
        for what in ("call_started", "call_alerting", "call_answered", "flow_step"):
            yield self._happens(what, contact)
        self.waiting += 1
        contact.position = self.waiting
        yield self._happens("queued", contact)
        if self._rng.random() < 0.1:
            self.waiting -= 1
            yield self._happens("abandoned", contact)
            return
        while True:
            while (agent := self._take_agent()) is None:
                yield None
            contact.agent, agent.state = agent, "offered"
            yield self._happens("offered", contact)
            if (luck := self._rng.random()) >= 0.2:
                break
            yield self._happens("rejected" if luck < 0.12 else "rescinded", contact)
            yield self._ready(agent)
        self.waiting -= 1
        agent.state, agent.handled = "handling", agent.handled + 1
        yield self._happens("connected", contact)
        yield from self._conversation(contact)
        yield self._happens("hung_up", contact)
        agent.state = "wrapup"
        yield self._happens("wrapup_started", contact)
        yield self._happens("wrapup_ended", contact)
        yield self._ready(agent)

    def _conversation(self, contact: Contact) -> Activity:
        listened = self._rng.random()
        if listened < 0.15:
            yield self._happens("supervised", contact)
        for words in _TALK[: self._rng.randint(2, len(_TALK))]:
            contact.turn += 1
            yield self._happens("said", contact, words=words)
        if listened < 0.15:
            yield self._happens("unsupervised", contact)
        elif listened < 0.2:
            yield self._happens("supervision_failed", contact)

    def _chat(self) -> Activity:
        question = Message(self._number(), self._rng.choice(_CALLERS), self._rng.choice(_QUESTIONS))
        yield self._happens("message_received", message=question)
        answer = Message(self._number(), question.customer, "Thank you for your message!", "queued")
        yield self._happens("message_sent", message=answer)
        for answer.status in ("sent", "delivered" if self._rng.random() < 0.9 else "failed"):
            yield self._happens("message_progressed", message=answer)

    def _break(self) -> Activity:
        if (agent := self._take_agent()) is None:
            return
        queue = self._rng.choice(self.queues)
        match self._rng.randrange(3):
            case 0:
                agent.state = "away"
                yield self._happens("agent_away", agent=agent)
                yield self._ready(agent)
            case 1:
                yield self._happens("agent_paused", agent=agent, queue=queue)
                yield self._happens("agent_resumed", agent=agent, queue=queue)
                agent.free = True
            case _:
                yield self._happens("external_call_started", agent=agent)
                yield self._happens("external_call_ended", agent=agent)
                agent.free = True

    def _conference(self) -> Activity:
        contact = Contact(self._number(), self._rng.choice(_CALLERS), self.queues[0])
        yield self._happens("conference_started", contact)
        for word in ("conference_joined", "conference_joined", "conference_left", "conference_left"):
            contact.turn += 1 if word == "conference_joined" else -1
            yield self._happens(word, contact)
        yield self._happens("conference_ended", contact)

    def _upkeep(self) -> Activity:
        yield self._happens("queue_seen", queue=self._rng.choice(self.queues))
        yield self._happens("agent_seen", agent=self._rng.choice(self.agents))
        if self._rng.random() < 0.2:
            number = str(self._number())
            for state in ("run", "stopping", "stop"):
                yield self._happens("campaign_changed", words=(number, state))
            yield self._happens("number_provisioned", words=(number, "active"))
