"""The frozen values of what the reducer keeps; each is made when it is asked for and kept until it changes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, cast

from jackfield.state._tables import Tables
from jackfield.state._tracks import AgentTrack, QueueTrack, Track
from jackfield.state.lives import AGENT, CALL, CONTACT, UNKNOWN
from jackfield.state.values import Agent, Call, Contact, Queue, Ref, Snapshot, Value

__all__ = ["ACTIVITIES", "everything", "one"]

ACTIVITIES: Mapping[str, str] = {
    each.kind: each.to if each.to in ("reserved", "busy", "wrapup") else ""
    for each in AGENT.transitions
    if each.to and each.kind not in ("agent.logged_on", "agent.logged_off", "agent.ready", "agent.not_ready")
}
"""What an agent does beside the state that was chosen, by the kind that begins it; empty where it ends."""


def one(tables: Tables, ref: Ref, today: date | None) -> Value | None:
    """One thing as it stands; `today` is needed for totals."""
    entity, key = ref
    match entity:
        case "call":
            return _call(tables.calls.get(key))
        case "contact":
            return _contact(tables, tables.contacts.get(key))
        case "agent":
            return _agent(tables.agents.get(key))
        case "queue":
            return _queue(tables, tables.queues.get(key))
        case "feed":
            return tables.feeds.value(key)
    return tables.days.one(today, key) if today is not None else None


def everything(tables: Tables, now: datetime, position: int, unread: int = 0) -> Snapshot:
    """All as it stands."""
    today = tables.days.day_of(now)
    return Snapshot(
        position=position,
        feeds={feed.name: cast(Any, tables.feeds.value(feed.name)) for feed in tables.feeds},
        calls={key: cast(Call, track.value or _call(track)) for key, track in tables.calls.items()},
        contacts={key: cast(Contact, track.value or _contact(tables, track)) for key, track in tables.contacts.items()},
        agents={key: cast(Agent, agent.value or _agent(agent)) for key, agent in tables.agents.items()},
        queues={key: cast(Queue, queue.value or _queue(tables, queue)) for key, queue in tables.queues.items()},
        day=today,
        totals=dict(tables.days.of(today)),
        hours=tables.days.by_hour(today, without=tables.agents),
        unread=unread,
        forgotten=tables.forgotten,
    )


def _call(track: Track | None) -> Call | None:
    if track is not None and track.value is None:
        words = cast(dict[str, Any], track.words())
        track.value = Call(
            track.key,
            track.feed[1],
            track.id,
            track.state,
            track.since or track.began,
            track.began,
            track.seen,
            track.state in CALL.over,
            words.get("direction", ""),
            words.get("caller", ""),
            words.get("caller_name", ""),
            words.get("callee", ""),
            words.get("callee_name", ""),
            track.agent[1] if track.agent is not None else "",
            track.contact[1] if track.contact is not None else "",
            words.get("cause", ""),
        )
    return None if track is None else cast(Call, track.value)


def _contact(tables: Tables, track: Track | None) -> Contact | None:
    if track is not None and track.value is None:
        words = cast(dict[str, Any], track.words())
        track.value = Contact(
            track.key,
            track.feed[1],
            track.id,
            track.state,
            track.since or track.began,
            track.began,
            track.seen,
            track.state in CONTACT.over,
            words.get("direction", ""),
            words.get("caller", ""),
            words.get("caller_name", ""),
            words.get("callee", ""),
            track.queue[1] if track.queue is not None else "",
            words.get("queue_name", ""),
            track.agent[1] if track.agent is not None else "",
            words.get("agent_name", ""),
            words.get("media", ""),
            words.get("cause", ""),
            track.facts.get("contact.queued"),
            track.facts.get("contact.connected"),
            _held_since(tables, track.key),
        )
    return None if track is None else cast(Contact, track.value)


def _held_since(tables: Tables, contact: str) -> datetime | None:
    """Since when a contact's call is on hold, which vendors say of calls only."""
    calls = (tables.calls.get(key) for key in tables.legs.get(contact, ()))
    return min((call.since for call in calls if call is not None and call.state == "held" and call.since), default=None)


def _agent(agent: AgentTrack | None) -> Agent | None:
    if agent is not None and agent.value is None:
        state, since, contact, kind, reason = _doing(agent)
        paused = tuple(sorted(queue for queue, (_, is_paused) in agent.queues.items() if is_paused))
        agent.value = Agent(
            agent.key,
            agent.feed[1],
            agent.id,
            agent.name[2] if agent.name is not None else "",
            state,
            since or agent.seen,
            agent.seen,
            contact,
            kind == "agent.external_call_started",
            paused,
            reason,
        )
    return None if agent is None else cast(Agent, agent.value)


def _doing(agent: AgentTrack) -> tuple[str, datetime | None, str, str, str]:
    """State, since when, the contact in hand, the kind that led there, and why."""
    state, since, contact, kind, reason = UNKNOWN, None, "", "", ""
    if agent.chosen is not None:
        since, _, kind, reason = agent.chosen
        state = AGENT.step(UNKNOWN, kind)
    # Some vendors' times are whole seconds: who became ready and was offered a contact in the same one is reserved.
    if (activity := agent.activity) is not None and (agent.chosen is None or activity[0] >= agent.chosen[0]):
        doing = ACTIVITIES[activity[2]]
        if doing and state != "logged_off":
            state, since, kind, contact = doing, activity[0], activity[2], activity[3] if doing != "wrapup" else ""
        elif not doing and state in (UNKNOWN, "ready"):
            state, since, kind = "ready", activity[0], activity[2]
    said = [mark[0] for mark in (agent.chosen, agent.activity) if mark is not None]
    if agent.confirmed is not None and all(agent.confirmed[0] > at for at in said):
        reported = AGENT.step(UNKNOWN, agent.confirmed[1])
        if reported != state:
            _, kind, contact, since = agent.confirmed
            state = reported
    return state, since, contact, kind, reason if state in ("not_ready", "logged_off") else ""


def _queue(tables: Tables, queue: QueueTrack | None) -> Queue | None:
    if queue is not None and queue.value is None:
        waiting = tables.waiting.get(queue.key, {})
        queue.value = Queue(
            queue.key,
            queue.feed[1],
            queue.id,
            queue.name[1] if queue.name is not None else "",
            queue.state[1].partition(".")[2] if queue.state is not None else UNKNOWN,
            len(waiting),
            min(waiting.values(), default=None),
        )
    return None if queue is None else cast(Queue, queue.value)
