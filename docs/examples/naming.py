"""What vendors call agents, callers and queues in their payloads, which are their own."""

from typing import Any

from jackfield import Event


def payload(event: Event) -> dict[str, Any]:
    """The payload, where it is an object."""
    return event.data if isinstance(event.data, dict) else {}


def agent_id(data: dict[str, Any]) -> str:
    """The vendor's id of the agent; empty where the event is about none."""
    return str(data.get("agent_id") or data.get("recipient_id") or "")


def agent_name(data: dict[str, Any]) -> str:
    """What people call the agent; empty where the vendor does not say."""
    return str(data.get("name") or data.get("username") or "").partition("@")[0]


def caller(data: dict[str, Any]) -> str:
    """Name and number of who called; empty where the vendor does not say."""
    source = data.get("source") or {}
    names = (data.get("caller_id_name"), data.get("caller_id_number"), *map(source.get, ("target_name", "target")))
    return " ".join(filter(None, names))


def queue(data: dict[str, Any]) -> str:
    """The queue's name, or the beginning of its id."""
    return str(data.get("queue_name") or data.get("queue_id", "")[:8])


def printable(text: str) -> str:
    """The text without control characters, which a vendor may have put in."""
    return "".join(each if each.isprintable() else "?" for each in text)
