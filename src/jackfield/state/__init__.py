"""Calls, contacts, agents, queues and feeds as they stand now, reduced from events.

`jackfield.Gateway.snapshot` and `jackfield.Gateway.watch` give the state of a running gateway. `State` is the reducer
alone, for programs that have events from elsewhere, such as a file::

    state = State()
    for event in events:
        state.apply(event)
    print(state.snapshot(now).contacts)
"""

from jackfield.state.figures import Figures
from jackfield.state.reducer import MOST, State
from jackfield.state.sync import Listed, Sync
from jackfield.state.values import (
    Agent,
    Call,
    Certainty,
    Change,
    Contact,
    Entity,
    Feed,
    Queue,
    Ref,
    Snapshot,
    Totals,
    Value,
)

__all__ = [
    "MOST",
    "Agent",
    "Call",
    "Certainty",
    "Change",
    "Contact",
    "Entity",
    "Feed",
    "Figures",
    "Listed",
    "Queue",
    "Ref",
    "Snapshot",
    "State",
    "Sync",
    "Totals",
    "Value",
]
