"""The true state of a simulated contact centre: what its REST interface reports at this moment.

It follows the day itself and not the events that are made of it, so that a comparison of the two means something.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from jackfield.simulation.scenario import ScenarioEvent

__all__ = ["SimulatedQueue", "SimulatedRecipient", "SimulatedState"]


@attrs.define
class SimulatedRecipient:
    """One agent."""

    name: str
    state: str = "away"
    """In the words of ``availability_state``, but for a call outside every queue."""
    external: bool = False
    offered: dict[str, Any] = attrs.field(factory=dict)
    handling: dict[str, Any] = attrs.field(factory=dict)
    paused: set[str] = attrs.field(factory=set)
    calls: int = 0


@attrs.define
class SimulatedQueue:
    """One queue, and who waits in it."""

    name: str
    waiting: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    total: int = 0
    abandoned: int = 0


@attrs.define
class SimulatedState:
    """Queues and recipients by their ids."""

    id_of: Callable[[str, int | str], str]
    """The id of a thing of the day, by what it is and its number."""
    queues: dict[str, SimulatedQueue] = attrs.field(factory=dict)
    recipients: dict[str, SimulatedRecipient] = attrs.field(factory=dict)

    def queue(self, happening: ScenarioEvent) -> SimulatedQueue:
        """The queue that something happened to."""
        queue = happening.required_queue
        return self.queues.setdefault(self.id_of("queue", queue.number), SimulatedQueue(queue.name))

    def recipient(self, happening: ScenarioEvent) -> SimulatedRecipient:
        """The agent that something happened to."""
        agent = happening.required_agent
        return self.recipients.setdefault(self.id_of("recipient", agent.number), SimulatedRecipient(agent.name))

    def follow(self, happening: ScenarioEvent) -> None:
        """Let it happen."""
        match happening.what:
            case "queue_started":
                self.queue(happening)
            case "queued":
                queue = self.queue(happening)
                queue.waiting[self._session(happening)] = self.call(happening)
                queue.total += 1
            case "abandoned":
                self.queue(happening).waiting.pop(self._session(happening), None)
                self.queue(happening).abandoned += 1
            case "connected":
                self.queue(happening).waiting.pop(self._session(happening), None)
                self._agent(happening)
            case _ if happening.agent is not None:
                self._agent(happening)

    def call(self, happening: ScenarioEvent) -> dict[str, Any]:
        """A contact as REST shows it at a recipient."""
        contact = happening.required_contact
        queued = contact.since.get("queued")
        return {
            "queue_id": self.id_of("queue", happening.required_queue.number),
            "session_id": self._session(happening),
            "caller_id_name": contact.caller,
            "caller_id_number": f"+1555{contact.number:07d}",
            "queue_enter_time": int(queued.timestamp()) if queued else 0,
        }

    def _session(self, happening: ScenarioEvent) -> str:
        return self.id_of("session", happening.required_contact.number)

    def _agent(self, happening: ScenarioEvent) -> None:
        recipient = self.recipient(happening)
        states = {"agent_ready": "ready", "agent_away": "away", "rejected": "ready", "rescinded": "ready"}
        match happening.what:
            case "offered":
                recipient.state, recipient.offered = "call_offer", self.call(happening)
            case "connected":
                recipient.state, recipient.offered = "on_a_call", {}
                recipient.handling = self.call(happening)
            case "hung_up":
                recipient.state, recipient.handling = "ready", {}
            case "wrapup_started" | "wrapup_ended":
                recipient.state = "wrapup_time" if happening.what == "wrapup_started" else "ready"
            case "agent_paused":
                recipient.paused.add(self.id_of("queue", happening.required_queue.number))
            case "agent_resumed":
                recipient.paused.discard(self.id_of("queue", happening.required_queue.number))
            case "external_call_started" | "external_call_ended":
                recipient.external = happening.what == "external_call_started"
            case _ if happening.what in states:
                recipient.state, recipient.offered = states[happening.what], {}
