"""Agents, callers and queues in vendors' payloads, whose field names differ by vendor."""

from typing import Any

from jackfield import Event


def payload(event: Event) -> dict[str, Any]:
    """The payload, if it is a JSON object; otherwise an empty one."""
    return event.data if isinstance(event.data, dict) else {}


def agent_id(data: dict[str, Any]) -> str:
    """The vendor's id of the agent; empty if there is none."""
    return str(data.get("agent_id") or data.get("recipient_id") or "")


def agent_name(data: dict[str, Any]) -> str:
    """The agent's name; empty if the vendor does not send it."""
    return str(data.get("name") or data.get("username") or "").partition("@")[0]


def caller(data: dict[str, Any]) -> str:
    """The caller's name and number; empty if the vendor does not send them."""
    source = data.get("source") or {}
    names = (data.get("caller_id_name"), data.get("caller_id_number"), *map(source.get, ("target_name", "target")))
    return " ".join(filter(None, names))


def queue(data: dict[str, Any]) -> str:
    """The queue's name, or the first characters of its id."""
    return str(data.get("queue_name") or data.get("queue_id", "")[:8])


def printable(text: str) -> str:
    """The text with control characters replaced."""
    return "".join(each if each.isprintable() else "?" for each in text)
