"""What a day and a shift have in common."""

# Annotations are evaluated here: a subclass's module has not the names that are in this one's text.

import random
from collections.abc import Callable
from datetime import datetime

import attrs

from jackfield.simulation.scenario import Agent, Contact, Message, Queue, ScenarioEvent, ScenarioWord

__all__ = ["Scenario"]


@attrs.define
class Scenario:
    """Numbers, chance, and how something happens to somebody."""

    seed: int
    now: Callable[[], datetime]
    _serial: int = attrs.field(default=0, init=False)
    _rng: random.Random = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    def _number(self) -> int:
        self._serial += 1
        return self._serial

    def _happens(
        self,
        what: ScenarioWord,
        contact: Contact | None = None,
        *,
        agent: Agent | None = None,
        queue: Queue | None = None,
        message: Message | None = None,
        words: tuple[str, str] = ("", ""),
    ) -> ScenarioEvent:
        at = self.now()
        if contact is not None:
            contact.since[what] = at
            agent, queue = agent or contact.agent, queue or contact.queue
        return ScenarioEvent(what, at, contact, agent, queue, message, words)

    def _ready(self, agent: Agent) -> ScenarioEvent:
        agent.state, agent.free = "ready", True
        return self._happens("agent_ready", agent=agent)
