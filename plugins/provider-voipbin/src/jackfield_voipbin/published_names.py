"""Which events come under which resource of a topic, and which of them the deployed platform publishes by what name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from jackfield.kinds import UNMAPPED, unmapped_kind
from jackfield.selectors import KindPattern
from jackfield_voipbin.kinds import TABLE, ByField, native_name, rule_of

__all__ = [
    "DEPLOYED_NAMES",
    "DOCUMENTED_ONLY",
    "RESOURCES",
    "is_published",
    "kinds_at",
    "names_of",
    "names_under",
    "resources_of",
]

_DOCUMENTED_ONLY = {
    "call": "status ended assigned",
    "queue": "joined connected left created updated deleted",
    "queuecall": "joined connected timeout updated",
    "agent": "status",
    "message": "received sent delivery ringing",
    "activeflow": "completed",
    "conference": "started ended joined left",
    "conferencecall": "joined left leaved",
    "recording": "completed",
    "transcribe": "started completed",
    "transcription": " ".join(TABLE["transcription"]),
    "transcript": "completed",
    "campaign": "status",
}
DOCUMENTED_ONLY = frozenset(
    f"{resource}_{word}" for resource, words in _DOCUMENTED_ONLY.items() for word in words.split()
)
"""Names of the table that the deployed platform never publishes."""

DEPLOYED_NAMES: Mapping[str, tuple[str, ...]] = {
    resource: tuple(f"{resource}_{word}" for word in words if f"{resource}_{word}" not in DOCUMENTED_ONLY)
    for resource, words in TABLE.items()
}
"""By resource: the names of the events that the platform publishes, as far as they are known."""


def is_published(name: str) -> bool:
    """Whether the deployed platform publishes an event of this name."""
    return name in DEPLOYED_NAMES.get(native_name(name)[0], ())


# Under which resource of a topic an event's resource may come, where that is not just its own:
# the quick start has transcripts under ``transcribe``, the resource list under ``transcription``.
_TOPIC_RESOURCES: Mapping[str, tuple[str, ...]] = {
    "transcribe": ("transcribe", "transcription"),
    "transcription": ("transcribe", "transcription"),
    "transcript": ("transcribe", "transcript", "transcription"),
    "conferencecall": ("conference", "conferencecall"),
    # As the platform's topics have it.
    "aimessage": ("aicall", "aimessage"),
    "chatmessage": ("chat", "chatmessage"),
    "chatparticipant": ("chat", "chatparticipant"),
    "webchat": ("webchat", "webchat_session"),
}

RESOURCES: tuple[str, ...] = tuple(
    sorted({each for resource in TABLE for each in _TOPIC_RESOURCES.get(resource, (resource,))})
)
"""The resources of topics under which events of the table come."""

_NATIVE_RESOURCES: Mapping[str, tuple[str, ...]] = {
    each: tuple(resource for resource in TABLE if each in _TOPIC_RESOURCES.get(resource, (resource,)))
    for each in RESOURCES
}


def _all_kinds(rule: str | ByField) -> set[str]:
    if isinstance(rule, str):
        return {rule} | ({"call.failed"} if rule == "call.cleared" else set())
    return set().union(*map(_all_kinds, rule.kinds.values()), _all_kinds(rule.otherwise), _all_kinds(rule.missing))


def kinds_at(resource: str, word: str | None) -> frozenset[str]:
    """The kinds that events with this word (or any, for ``None``) can have under a topic's resource."""
    kinds = {unmapped_kind(resource)}
    for native in _NATIVE_RESOURCES.get(resource, (resource,)):
        words = TABLE.get(native, {})
        if word is None:
            rules = list(words.values())
        else:
            names = (f"{resource}.{word}", f"{resource}_{word}", word)
            rules = [words[each] for name, each in map(native_name, names) if name == native and each in words]
        kinds.update(kind for rule in rules for kind in _all_kinds(rule))
    return frozenset(kinds - {""})


def resources_of(pattern: KindPattern) -> tuple[str, ...] | None:
    """The topic resources that may bring events of these kinds, sorted; ``None`` where any may.

    An unmapped kind names its resource only as far as a kind's letters allow, so any may be meant.
    """
    if pattern.entity in (None, UNMAPPED):
        return None
    return tuple(each for each in RESOURCES if any(pattern.matches(kind) for kind in kinds_at(each, None)))


def names_of(resource: str, kind: KindPattern, word: str | None) -> tuple[str, ...] | None:
    """The deployed names of a resource's events of these kinds and with this word; ``None`` for all of its events.

    All are asked for where names would leave out less than half of them, or where one may be meant that is not known.
    """
    if word is not None:
        return (name,) if (name := f"{resource}_{word}") in DEPLOYED_NAMES.get(resource, ()) else None
    if kind.entity in (None, UNMAPPED):
        return None
    if names := _names_of(resource, kind):
        return names if len(names) * 2 <= len(DEPLOYED_NAMES[resource]) else None
    # Documented, other resources' events come under this one too.
    return tuple(name for each in _NATIVE_RESOURCES.get(resource, ()) for name in _names_of(each, kind)) or None


@lru_cache(256)
def names_under(resource: str) -> frozenset[str]:
    """All the deployed names that a topic of this resource may hold."""
    return frozenset(
        name for each in (resource, *_NATIVE_RESOURCES.get(resource, ())) for name in DEPLOYED_NAMES.get(each, ())
    )


def _names_of(resource: str, kind: KindPattern) -> tuple[str, ...]:
    names = DEPLOYED_NAMES.get(resource, ())
    return tuple(name for name in names if any(map(kind.matches, _all_kinds(rule_of(name)))))
