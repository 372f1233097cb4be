"""Agents, callers and queues as short texts, from an event's parties."""

from typing import Any

from jackfield import Event


def payload(event: Event) -> dict[str, Any]:
    """The payload, if it is a JSON object; otherwise an empty one."""
    return event.data if isinstance(event.data, dict) else {}


def agent_name(event: Event) -> str:
    """The agent's name, without the domain of a login name; empty if the vendor does not send it."""
    return event.parties.agent_name.partition("@")[0]


def caller(event: Event) -> str:
    """The caller's name and number; empty if the vendor does not send them."""
    return " ".join(filter(None, (event.parties.caller_name, event.parties.caller)))


def queue(event: Event) -> str:
    """The queue's name, or the first characters of its id."""
    return event.parties.queue_name or event.parties.queue_id[:8]


def printable(text: str) -> str:
    """The text with control characters replaced."""
    return "".join(each if each.isprintable() else "?" for each in text)
