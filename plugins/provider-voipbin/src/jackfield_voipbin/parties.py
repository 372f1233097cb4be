"""Who takes part in an event of VoIPBIN's, from the fields of its resource that mean exactly this.

Fields of one name mean different things on different resources: a transcript's ``direction`` is that of the audio, an
AI message's that of the text; so each resource has its own line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from jackfield.events import NO_PARTIES, Cause, Direction, Media, Parties
from jackfield_voipbin.kinds import NIL_UUID

__all__ = ["parties_reader"]

# The resources between two addresses, with what they travel by.
_MEDIA: Mapping[str, Media] = {"call": "voice", "groupcall": "voice", "message": "sms", "email": "email"}

_DIRECTIONS: Mapping[str, Direction] = {
    "incoming": "inbound",
    "inbound": "inbound",
    "outgoing": "outbound",
    "outbound": "outbound",
}

# bin-call-manager models/call/call.go: HangupReason.
_CAUSES: Mapping[str, Cause] = {
    "normal": "normal",
    "busy": "busy",
    "noanswer": "no_answer",
    "dialout": "no_answer",
    "cancel": "abandoned",
    "timeout": "timeout",
    "failed": "failed",
}
Reader = Callable[[str, Mapping[str, Any]], Parties]
"""The parties in a payload, given the id of the event's resource as its address has it."""


def parties_reader(resource: str) -> Reader:
    """How the parties are read that a resource names; which fields mean that, by resource, is all decided here."""
    if (media := _MEDIA.get(resource)) is not None:
        return partial(_between_addresses, media)
    return _READERS.get(resource, _referred)


def _between_addresses(media: Media, _: str, fields: Mapping[str, Any]) -> Parties:
    """Of what comes from one address to another: a call, a message."""
    caller, caller_name = _address(fields.get("source"))
    callee, callee_name = _address(_called(fields))
    agent_id = _text(fields.get("owner_id")) if fields.get("owner_type") == "agent" else ""
    reason = _text(fields["hangup_reason"]) if "hangup_reason" in fields else ""
    direction = fields.get("direction")
    return Parties(
        direction=_DIRECTIONS.get(direction, "") if isinstance(direction, str) else "",
        caller=caller,
        caller_name=caller_name,
        callee=callee,
        callee_name=callee_name,
        agent_id=_agent_in(fields) or agent_id,
        queue_id=_queue_in(fields),
        cause=_CAUSES.get(reason, "other") if reason else "",
        media=media,
    )


def _address(party: Any) -> tuple[str, str]:
    """A number or the like, and its name."""
    return (_text(party.get("target")), _text(party.get("target_name"))) if isinstance(party, dict) else ("", "")


def _called(fields: Mapping[str, Any]) -> Any:
    """Where a call goes to; a message, if it goes to one number alone."""
    destination = fields.get("destination")
    if "targets" in fields:
        targets = fields["targets"]
        if isinstance(targets, list) and len(targets) == 1 and isinstance(targets[0], dict):
            return targets[0].get("destination") or destination
    return destination


def _agent(resource_id: str, fields: Mapping[str, Any]) -> Parties:
    agent_id = _agent_in(fields) or _text(fields.get("id")) or resource_id
    return Parties(agent_id=agent_id, agent_name=_text(fields.get("name")), queue_id=_queue_in(fields))


def _queue(resource_id: str, fields: Mapping[str, Any]) -> Parties:
    queue_id = _queue_in(fields) or _text(fields.get("id")) or resource_id
    return Parties(agent_id=_agent_in(fields), queue_id=queue_id, queue_name=_text(fields.get("name")))


def _queuecall(resource_id: str, fields: Mapping[str, Any]) -> Parties:
    if fields.get("reference_type") != "call":
        return _referred(resource_id, fields)
    return Parties(agent_id=_agent_in(fields), queue_id=_queue_in(fields), media="voice")


def _referred(_: str, fields: Mapping[str, Any]) -> Parties:
    """Of anything else: those that it refers to by their ids."""
    agent_id, queue_id = _agent_in(fields), _queue_in(fields)
    return Parties(agent_id=agent_id, queue_id=queue_id) if agent_id or queue_id else NO_PARTIES


_READERS: Mapping[str, Reader] = {"agent": _agent, "queue": _queue, "queuecall": _queuecall}


def _agent_in(fields: Mapping[str, Any]) -> str:
    # Most resources refer to nobody, and a key that is not there costs less than a value that is None.
    agent_id = _text(fields["service_agent_id"]) if "service_agent_id" in fields else ""
    return agent_id or (_text(fields["agent_id"]) if "agent_id" in fields else "")


def _queue_in(fields: Mapping[str, Any]) -> str:
    return _text(fields["queue_id"]) if "queue_id" in fields else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) and value != NIL_UUID else ""
