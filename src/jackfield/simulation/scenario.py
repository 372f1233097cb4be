"""What can happen in a contact centre, and to whom: the words of a simulated day."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import attrs

__all__ = ["Agent", "Contact", "Message", "Queue", "ScenarioEvent", "ScenarioWord"]

ScenarioWord = Literal[
    "queue_started",
    "queue_seen",
    "agent_logged_on",
    "agent_ready",
    "agent_away",
    "agent_paused",
    "agent_resumed",
    "agent_seen",
    "external_call_started",
    "external_call_ended",
    "call_started",
    "call_alerting",
    "call_answered",
    "flow_step",
    "queued",
    "offered",
    "rejected",
    "rescinded",
    "connected",
    "said",
    "supervised",
    "unsupervised",
    "supervision_failed",
    "abandoned",
    "hung_up",
    "wrapup_started",
    "wrapup_ended",
    "message_received",
    "message_sent",
    "message_progressed",
    "conference_started",
    "conference_joined",
    "conference_left",
    "conference_ended",
    "campaign_changed",
    "number_provisioned",
]
"""Everything that can happen."""


@attrs.frozen
class Queue:
    """A queue of waiting contacts."""

    number: int
    name: str


@attrs.define(eq=False)
class Agent:
    """Somebody who takes contacts."""

    number: int
    name: str
    state: str = "away"
    free: bool = False
    """Whether no activity has taken the agent."""
    handled: int = 0


@attrs.define(eq=False)
class Contact:
    """One caller's visit."""

    number: int
    caller: str
    queue: Queue
    position: int = 0
    agent: Agent | None = None
    turn: int = 0
    """How many sentences were said, or steps of the flow were executed."""
    since: dict[str, datetime] = attrs.field(factory=dict)
    """When each thing happened to it last."""


@attrs.define(eq=False)
class Message:
    """A text message of a customer, and its answer."""

    number: int
    customer: str
    text: str
    status: str = "received"


@attrs.frozen
class ScenarioEvent:
    """One thing that happens; the fields that do not concern it are empty."""

    what: ScenarioWord
    at: datetime
    contact: Contact | None = None
    agent: Agent | None = None
    queue: Queue | None = None
    message: Message | None = None
    words: tuple[str, str] = ("", "")
    """Who speaks (``in`` is the customer) and what; or a name and a state."""

    @property
    def required_contact(self) -> Contact:
        """The contact, of an event that has one."""
        assert self.contact is not None, self.what
        return self.contact

    @property
    def required_agent(self) -> Agent:
        """The agent, of an event that has one."""
        assert self.agent is not None, self.what
        return self.agent

    @property
    def required_queue(self) -> Queue:
        """The queue, of an event that has one."""
        assert self.queue is not None, self.what
        return self.queue

    @property
    def required_message(self) -> Message:
        """The message, of an event that has one."""
        assert self.message is not None, self.what
        return self.message
