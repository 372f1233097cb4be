"""The texts in which a planned topic is sent, and under which topics the deployed platform publishes an event."""

from __future__ import annotations

from itertools import takewhile

from jackfield_voipbin.published_names import DEPLOYED_NAMES, names_under

__all__ = ["deployed_spellings", "is_current", "is_prefix", "named_event", "published_as", "spellings"]


def spellings(topic: str) -> tuple[str, ...]:
    """The texts in which a planned topic is sent: with the wildcard for documented servers, then for deployed ones.

    The wildcard first, so that a strict server that turns the others down has the first already. A deployed server
    publishes ``…:call:call_hangup:<id>``, or before July 2026 ``…:webhook:call_hangup:<id>``, and what is subscribed to
    by a prefix of that comes in half as many copies as by ``…:call:``.
    """
    segments = topic.split(":")
    if named_event(topic):
        *scope, resource, _ = segments
        return (":".join([*scope, resource, "*"]), *deployed_spellings(topic))
    if "*" not in segments:
        return (topic,)
    fixed = list(takewhile(lambda segment: segment != "*", segments))
    return (topic, *deployed_spellings(":".join([*fixed, ""])))


def deployed_spellings(topic: str) -> tuple[str, ...]:
    """The same for a topic that the prefix dialect has planned."""
    *scope, resource, name = topic.split(":")
    if len(scope) != 2 or not (name == "" or named_event(topic)):
        return (topic,)
    if "_" in resource:  # no event is published under such a resource and its name
        return (topic,)
    event = name or f"{resource}_"
    return tuple(":".join([*scope, each, event]) for each in (resource, "webhook"))


def named_event(topic: str) -> str:
    """The event that a topic names, ``call_hangup`` in ``customer_id:<id>:call:call_hangup``; empty for none."""
    segments = topic.split(":")
    if len(segments) != 4 or segments[3] not in names_under(segments[2]):
        return ""
    return segments[3]


def is_current(text: str) -> bool:
    """Whether more than builds before July 2026 may read it: a topic that nothing else is sent for is not served."""
    return text.split(":")[2:3] != ["webhook"]


def is_prefix(name: str) -> bool:
    """Whether a topic that names this event also brings others, as ``campaign_status_stop`` brings ``…_stopping``."""
    return any(each != name and each.startswith(name) for names in DEPLOYED_NAMES.values() for each in names)


def published_as(topic: str) -> tuple[str, ...]:
    """The topics under which the platform publishes what it publishes under this one: this, and a shorter one."""
    segments = topic.split(":", 4)
    if len(segments) == 5 and segments[3].startswith(f"{segments[2]}_"):
        return topic, ":".join([*segments[:3], segments[4]])
    return (topic,)
