"""VoIPBIN's colon topics: their parts, and the two rules by which a subscription matches them.

``<scope>:<scope_id>:<resource>:<resource_id>`` with the scopes ``customer_id`` and ``agent_id``. The
documentation says that ``*`` stands for one whole segment; the platform compares the beginnings of texts.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

__all__ = ["PROVIDER", "Topic", "event_word", "matches_documented", "matches_prefix", "parse_topic"]

PROVIDER = "voipbin"


class Topic(msgspec.Struct, frozen=True):
    """A topic's parts; `resource_id` is empty where the topic has only three."""

    scope: str
    """In our words: ``customer`` or ``agent``."""
    scope_id: str
    resource: str
    resource_id: str = ""


def parse_topic(text: str) -> Topic:
    """The parts of a topic; `ValueError` names what is wrong with it.

    A resource id may hold further colons: nothing comes after it.
    """
    parts = text.split(":", 3)
    if len(parts) < 3:
        raise ValueError(f"topic {text!r} has {len(parts)} segments where four are needed")
    parts[0] = parts[0].removesuffix("_id")
    if "" in parts:
        raise ValueError(f"topic {text!r} has an empty segment")
    return Topic(*parts)


def matches_documented(pattern: str, topic: str) -> bool:
    """Whether a topic matches a subscribed pattern as the documentation has it.

    Law: both have as many segments, and each of the pattern's is ``*`` or the topic's own.
    """
    wanted, given = pattern.split(":"), topic.split(":")
    return len(wanted) == len(given) and all(each in ("*", other) for each, other in zip(wanted, given, strict=True))


def matches_prefix(pattern: str, topic: str) -> bool:
    """Whether a topic matches a subscribed pattern as the platform is deployed.

    Law: the topic begins with the pattern, character for character; ``*`` is a character like another.
    """
    return topic.startswith(pattern)


@lru_cache(1024)
def event_word(event_type: str, resource: str) -> str:
    """The address's last segment: the event's name without the resource that it begins with.

    ``call.status`` of a call is ``status`` and ``call_hangup`` is ``hangup``; a transcript's
    ``transcript_created``, which comes on the topic of its transcribe, keeps its whole name.
    """
    for separator in "._":
        if event_type.startswith(resource + separator):
            return event_type[len(resource) + 1 :] or event_type
    return event_type
