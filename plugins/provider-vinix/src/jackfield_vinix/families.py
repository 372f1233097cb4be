"""The gateway's families beside the contact centre's: how each is subscribed to, and what its routing keys hold.

Sources: KAZOO's modules ``bh_call``, ``bh_conference``, ``bh_fax`` and ``bh_object``, branches 4.3 and 5. The account
is never in the binding: the server adds it to what it subscribes to itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from jackfield_vinix.topics import decode_word
from jackfield_vinix.wire import text_of

__all__ = [
    "OTHER_FAMILIES",
    "Family",
    "account_in",
    "by_resource",
    "family_of_binding",
    "family_of_key",
    "resource_id_of",
]

# A database of an account is account/4b/31/dd1d…; everywhere else its id is the 32 digits, or a UUID.
_DATABASE = re.compile(r"account/(..)/(..)/(.+)")
_ACCOUNT = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# By which fields a thing of any other family is known, best first.
_ID_FIELDS = ("call_id", "job_id", "id")


@attrs.frozen
class Family:
    """One family."""

    name: str
    """Of the option ``families``, and the first word of its bindings."""
    resource: str
    """Of its events' addresses: what KAZOO calls it in ``event_category`` or in the routing key."""
    bindings: tuple[str, ...]
    """The spellings that bring all of it; the first one is its topic."""
    key: tuple[str, ...]
    """What each word of a routing key is: a slot, ``*`` for anything, or itself."""
    id_fields: tuple[str, ...]
    dotted: bool = False
    """Whether the key's last word is an id whose dots may not be escaped."""

    @property
    def topic(self) -> str:
        """By which all of it is subscribed to."""
        return self.bindings[0]

    def slots(self, words: list[str]) -> dict[str, str] | None:
        """What the words of a routing key say; ``None`` where the key belongs to another family."""
        if len(words) < len(self.key):
            return None
        if self.dotted:
            last = len(self.key) - 1
            words = [*words[:last], ".".join(words[last:])]
        found = {}
        for slot, word in zip(self.key, words, strict=False):
            if slot == "{database}":
                if not (database := _DATABASE.fullmatch(word)):
                    return None
                found["account"] = "".join(database.groups())
            elif slot.startswith("{"):
                found[slot.strip("{}")] = word
            elif slot not in ("*", word):
                return None
        return found


OTHER_FAMILIES: Mapping[str, Family] = {
    each.name: each
    for each in (
        Family("call", "call", ("call.*.*",), ("call", "{account}", "{event}", "{id}"), ("call_id",), dotted=True),
        Family(
            "conference",
            "conference",
            ("conference.event.*.*", "conference.event.*", "conference.*.*"),
            ("conference", "event", "{account}", "{id}"),
            ("conference_id",),
        ),
        Family("fax", "fax", ("fax.status.*",), ("fax", "{event}", "{account}", "{id}"), ("job_id", "fax_id")),
        Family("object", "configuration", ("object.*.*",), ("{event}", "{database}", "*", "{id}"), ("id",)),
    )
}
"""By their names."""
_BY_RESOURCE = {each.resource: each for each in OTHER_FAMILIES.values()}


def by_resource(resource: str) -> Family | None:
    """The family whose events have this resource in their addresses; ``None`` for qubicle's and unknown ones."""
    return _BY_RESOURCE.get(resource)


def family_of_binding(binding: str) -> Family | None:
    """The family that a binding or a topic belongs to; ``None`` for qubicle's and for unknown ones."""
    return OTHER_FAMILIES.get(binding.partition(".")[0])


def resource_id_of(resource: str, fields: Mapping[str, Any]) -> str:
    """The id of what an event is about, out of its payload; empty where that does not say."""
    family = _BY_RESOURCE.get(resource)
    names = (*(family.id_fields if family is not None else ()), f"{resource}_id", *_ID_FIELDS)
    return next((found for name in names if (found := text_of(fields, name))), "")


def family_of_key(key: str) -> Family | None:
    """The family that a routing key belongs to by its form; ``None`` for unknown ones."""
    words = [decode_word(word) for word in key.split(".")]
    return next((each for each in OTHER_FAMILIES.values() if all(words) and each.slots(words) is not None), None)


def account_in(words: list[str]) -> str:
    """The first word of a key that is an account's id or its database; empty where none is."""
    for word in words:
        if database := _DATABASE.fullmatch(word):
            return "".join(database.groups())
        if _ACCOUNT.fullmatch(word):
            return word
    return ""
