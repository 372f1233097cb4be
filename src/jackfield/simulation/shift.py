"""A contact centre's shift at a human scale: so many agents and queues, calls of minutes, waits, breaks.

`jackfield.simulation.day.Day` makes one thing happen after another, as fast as they are asked for. Here each thing
happens at its time: who iterates gets the events that are due, and ``None`` where none is. The same seed gives the
same shift, as long as it is iterated often.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from heapq import heappop, heappush

import attrs

from jackfield.simulation._scenario import Scenario
from jackfield.simulation.scenario import Agent, Contact, Message, Queue, ScenarioEvent

__all__ = ["Shift"]

QUEUES = ("Support", "Sales", "Billing", "Bookings", "Returns", "Technical", "Deliveries", "Complaints", "Contracts")
FIRST = (
    *("alice", "bob", "carol", "dmitri", "elena", "farid", "grace", "hugo", "ines", "jonas", "keiko", "liam"),
    *("maria", "nils", "olga", "paulo", "quinn", "rosa", "samir", "tove", "uma", "victor", "wanda", "yusuf"),
)
LAST = ("weber", "okafor", "lind", "costa", "novak", "haddad", "rangi")
CALLERS = (
    *("Ada Byron", "Zoë Müller", "Pat O'Neil", "Jane Roe"),
    *("Åsa Lind", "Omar Haddad", "Tui Rangi", "Jan Novák", "Lea Costa"),
)
TALK = (("in", "Hello, my invoice shows the wrong amount."), ("out", "Let me have a look. I have corrected it."))
QUESTIONS = ("What are your hours?", "Where is my parcel?", "Can I change my booking to Friday?")

TALK_SECONDS, WRAPUP_SECONDS, RING_SECONDS = (45.0, 420.0), (8.0, 45.0), (2.0, 9.0)
GIVE_UP_SECONDS = (25.0, 150.0)
"""At least, and on average after that."""
BUSY = 0.8
"""The share of their time that agents spend with contacts."""
BREAK_EVERY_SECONDS, BREAK_SECONDS = 1500.0, (120.0, 480.0)
MESSAGE_EVERY_SECONDS = 45.0
BEGIN_SECONDS = 4.0
"""Real ones until the first contact, so that who connects at once sees each from its beginning."""
LOOK_SECONDS = 1.0
"""How often a waiting contact sees whether an agent is free."""

Activity = Generator["ScenarioEvent | float", None, None]
"""What happens, and the seconds until the next thing does."""


@attrs.define
class Shift(Scenario):
    """An endless iterator of what is due, and ``None`` where nothing is; iterate one object once."""

    agents: int = 24
    queues: int = 6
    speed: float = 1.0
    """Seconds of the shift in one second."""
    _staff: list[Agent] = attrs.field(init=False)
    lines: list[Queue] = attrs.field(init=False)
    _waiting: dict[int, list[Contact]] = attrs.field(factory=dict)
    """By the number of a queue, those who wait in it, the first at the front."""
    _agenda: list[tuple[float, int, Activity]] = attrs.field(factory=list)
    _clock: float = 0.0
    """The second of the shift that it has come to."""

    def __attrs_post_init__(self) -> None:
        Scenario.__attrs_post_init__(self)
        names = [f"{first}.{last}" for last in LAST for first in FIRST]
        first = self.seed * self.agents  # so that two sites of one centre have different people and queues
        self._staff = [Agent(n, names[(first + n) % len(names)]) for n in range(self.agents)]
        own = self.seed * self.queues
        self.lines = [Queue(n, QUEUES[(own + n) % len(QUEUES)]) for n in range(self.queues)]
        self._waiting = {queue.number: [] for queue in self.lines}

    def __iter__(self) -> Iterator[ScenarioEvent | None]:
        began = self.now()
        self._plan(0.0, self._opening())
        while True:
            passed = (self.now() - began).total_seconds() * self.speed
            if not self._agenda or self._agenda[0][0] > passed:
                yield None
                continue
            self._clock, _, activity = heappop(self._agenda)
            for step in activity:
                if isinstance(step, ScenarioEvent):
                    yield step
                else:
                    self._plan(step, activity)
                    break

    def _plan(self, seconds: float, activity: Activity) -> None:
        """Have an activity go on after so many seconds."""
        heappush(self._agenda, (self._clock + seconds, self._number(), activity))

    def _between(self, span: tuple[float, float]) -> float:
        return self._rng.uniform(*span)

    # -- what goes on ----------------------------------------------------------------------------------

    def _opening(self) -> Activity:
        for queue in self.lines:
            yield self._happens("queue_started", queue=queue)
        for agent in self._staff:
            yield self._happens("agent_logged_on", agent=agent)
        for agent in self._staff:
            yield self._ready(agent)
            self._plan(self._rng.expovariate(1 / BREAK_EVERY_SECONDS), self._breaks(agent))
        begins = BEGIN_SECONDS * self.speed
        for _ in range(round(self.agents * 0.7)):  # it is in the middle of the day
            self._plan(begins + self._rng.uniform(0, 40), self._visit())
        self._plan(begins, self._arrivals())
        self._plan(MESSAGE_EVERY_SECONDS, self._chats())

    def _arrivals(self) -> Activity:
        a_contact = sum(sum(span) / 2 for span in (TALK_SECONDS, WRAPUP_SECONDS, RING_SECONDS))
        while True:
            yield self._rng.expovariate(self.agents * BUSY / a_contact)
            self._plan(0.0, self._visit())

    def _visit(self) -> Activity:
        weights = [1 / (n + 1.5) for n in range(len(self.lines))]
        (queue,) = self._rng.choices(self.lines, weights)
        contact = Contact(self._number(), self._rng.choice(CALLERS), queue)
        yield self._happens("call_started", contact)
        yield self._happens("call_alerting", contact)
        yield 1.0
        yield self._happens("call_answered", contact)
        yield self._between((3.0, 15.0))
        yield self._happens("flow_step", contact)
        waiting = self._waiting[queue.number]
        waiting.append(contact)
        contact.position = len(waiting)
        yield self._happens("queued", contact)
        gives_up_at = self._clock + GIVE_UP_SECONDS[0] + self._rng.expovariate(1 / GIVE_UP_SECONDS[1])
        while True:
            while (agent := self._take_agent(contact)) is None:
                if self._clock > gives_up_at:
                    waiting.remove(contact)
                    yield self._happens("abandoned", contact)
                    return
                yield LOOK_SECONDS
            contact.agent, agent.state = agent, "offered"
            yield self._happens("offered", contact)
            yield self._between(RING_SECONDS)
            if (luck := self._rng.random()) >= 0.05:
                break
            yield self._happens("rejected" if luck < 0.03 else "rescinded", contact)
            yield self._ready(agent)
        waiting.remove(contact)
        agent.state, agent.handled = "handling", agent.handled + 1
        yield self._happens("connected", contact)
        yield from self._conversation(contact)
        yield self._happens("hung_up", contact)
        agent.state = "wrapup"
        yield self._happens("wrapup_started", contact)
        yield self._between(WRAPUP_SECONDS)
        yield self._happens("wrapup_ended", contact)
        yield self._ready(agent)

    def _conversation(self, contact: Contact) -> Activity:
        length = self._between(TALK_SECONDS)
        for words in TALK:
            yield length / 3
            contact.turn += 1
            yield self._happens("said", contact, words=words)
        yield length / 3

    def _breaks(self, agent: Agent) -> Activity:
        while True:
            while not agent.free:
                yield 5.0
            agent.free, agent.state = False, "away"
            yield self._happens("agent_away", agent=agent)
            yield self._between(BREAK_SECONDS)
            yield self._ready(agent)
            yield self._rng.expovariate(1 / BREAK_EVERY_SECONDS)

    def _chats(self) -> Activity:
        while True:
            question = Message(self._number(), self._rng.choice(CALLERS), self._rng.choice(QUESTIONS))
            yield self._happens("message_received", message=question)
            yield self._between((5.0, 30.0))
            answer = Message(self._number(), question.customer, "Thank you for your message!", "queued")
            yield self._happens("message_sent", message=answer)
            for answer.status in ("sent", "delivered"):
                yield 1.0
                yield self._happens("message_progressed", message=answer)
            yield self._rng.expovariate(1 / MESSAGE_EVERY_SECONDS)

    def _take_agent(self, contact: Contact) -> Agent | None:
        """A free agent, for whoever has waited longest in the queue."""
        free = [agent for agent in self._staff if agent.free]
        if not free or self._waiting[contact.queue.number][0] is not contact:
            return None
        agent = self._rng.choice(free)
        agent.free = False
        return agent
