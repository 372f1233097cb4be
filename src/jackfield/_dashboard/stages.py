"""The states of calls, contacts, agents and queues, as tables over the neutral kinds."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ACTIVITIES", "AGENTS", "CALLS", "CONTACTS", "NOTES", "QUEUES", "UNKNOWN", "Mark", "Stage"]


class Stage(NamedTuple):
    """A step in the life of a call, contact or agent."""

    state: str
    """Its name on the page, one or two words."""
    rank: int
    """Orders two stages with equal times: some vendors' times are whole seconds."""
    over: bool = False
    """Whether it is the last stage."""


class Mark(NamedTuple):
    """A stage with the time at which it was reached. The greatest of several marks is the current one."""

    over: bool
    at: float
    rank: int
    state: str

    @classmethod
    def of(cls, stage: Stage, at: float) -> Mark:
        """The mark of a stage."""
        return cls(stage.over, at, stage.rank, stage.state)


UNKNOWN = Mark(over=False, at=float("-inf"), rank=-1, state="unknown")
"""The mark before the first event about the state."""

CALLS = {
    "call.initiated": Stage("new", 0),
    "call.originated": Stage("dialling", 1),
    "call.alerting": Stage("ringing", 2),
    "call.connected": Stage("connected", 3),
    "call.clearing": Stage("ending", 4),
    "call.deleted": Stage("ended", 5, over=True),
    "call.cleared": Stage("ended", 6, over=True),
    "call.failed": Stage("failed", 7, over=True),
}

CONTACTS = {
    "contact.created": Stage("new", 0),
    "contact.queued": Stage("waiting", 1),
    "contact.connected": Stage("with agent", 2),
    "contact.disconnected": Stage("agent left", 3),
    "contact.deleted": Stage("ended", 4, over=True),
    "contact.ended": Stage("ended", 5, over=True),
    "contact.abandoned": Stage("abandoned", 6, over=True),
}

AGENTS = {
    "agent.logged_on": Stage("logged on", 0),
    "agent.not_ready": Stage("away", 1),
    "agent.ready": Stage("ready", 2),
    "agent.reserved": Stage("offered", 3),
    "agent.busy": Stage("busy", 4),
    "agent.logged_off": Stage("logged off", 5),
}

ACTIVITIES = {
    "offer.created": Stage("offered", 0),
    "offer.rejected": Stage("", 1),
    "offer.rescinded": Stage("", 1),
    "contact.connected": Stage("busy", 2),
    "contact.disconnected": Stage("", 3),
    "agent.external_call_started": Stage("outside call", 2),
    "agent.external_call_ended": Stage("", 3),
    "agent.wrapup_started": Stage("wrap-up", 4),
    "agent.wrapup_ended": Stage("", 5),
}
"""An agent's activity, shown instead of the state that the agent chose; an empty state ends the activity."""

NOTES = {
    "agent.queue_paused": Stage("paused in a queue", 0),
    "agent.queue_resumed": Stage("", 1),
}

QUEUES = {
    "queue.started": Stage("open", 0),
    "queue.stopped": Stage("closed", 1),
}
