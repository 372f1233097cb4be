"""Whose event it is, of which thing, and what happened: the same in whichever way the event is written.

One event may be written in three ways: with the bare word as its name and no word in the routing
key (KAZOO 4.3), with the word in both (KAZOO 5), or with the whole binding as its name (Vinix's
documentation), of which the leanest form has no routing key at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from jackfield.errors import FrameError
from jackfield_vinix.families import account_in, family_of_binding, resource_id_of
from jackfield_vinix.kinds import FAMILIES
from jackfield_vinix.plans import MOST, Plan, plan_of
from jackfield_vinix.topics import APPLICATION, decode_word
from jackfield_vinix.wire import Frame, fold, is_folded, plain_id, text_of

__all__ = ["FULL", "UNKNOWN_ID", "Named", "plan_by_key", "read_names"]

UNKNOWN_ID = "unknown"
"""Stands where an address needs an id and the vendor gave none."""

_PREFIX = f"{APPLICATION}."
_CATEGORY = re.compile(rf"{APPLICATION}[-_]", re.IGNORECASE)
_Keys = Sequence[list[str]]
NONE: _Keys = ()
FULL = 4  # the words of a key that names all but what happened: application, family, account and id


class Named(NamedTuple):
    """Whose event it is, of which thing, and what happened."""

    family: str
    word: str
    account: str
    resource_id: str


@lru_cache(MOST)
def plan_by_key(account_id: str, word: str, application: str, family: str, account: str, *fields: str) -> Plan | None:
    """The plan by an event's word and a key's first words, as nearly all events have them; of short texts.

    ``None`` where the word is empty or a key too, the key is of others, or the names of the fields are to be folded.
    """
    if application != APPLICATION or not word or word.startswith(_PREFIX) or not is_folded(fields):
        return None
    return plan_of(family, word, _as_configured(account, account_id), fields)


def read_names(frame: Frame, fields: Mapping[str, Any], account_id: str, raw: bytes) -> Named:
    """Where the event in a frame belongs, however it is written; `FrameError` where it names none or its key is broken.

    `account_id` stands in where the event itself does not say whose it is, and where it says the same
    in another spelling, for the feed's selectors are written in this one.
    """
    routed = _key(frame.routing_key, raw)
    if not routed and (other := _of_other_family(frame, fields, account_id)) is not None:
        return other
    # What the frame says of itself goes before what it says of the subscription that brought it.
    keys, bindings, word = _gathered(frame, fields, routed, raw)
    if not word:
        raise FrameError("neither a reply nor an event: nothing names what happened", raw)
    family = _family(keys, bindings, fields)
    account = text_of(fields, "account_id") or _at(2, keys, bindings) or account_id or UNKNOWN_ID
    resource_id = text_of(fields, f"{family}_id") or _at(3, keys, bindings) or UNKNOWN_ID
    return Named(family, word, _as_configured(account, account_id), resource_id)


def _gathered(frame: Frame, fields: Mapping[str, Any], routed: list[str], raw: bytes) -> tuple[_Keys, _Keys, str]:
    """A frame's keys, its bindings where the keys do not suffice, and its word; empty where it has none."""
    keys, bindings, word = [routed], NONE, ""
    for name in (frame.name, frame.event, frame.event_name, fields.get("event_name")):
        if isinstance(name, str) and name:
            keys.append(whole := _key(name, raw))
            # A whole name may lack the word, as KAZOO 4's keys do; the next may have it.
            word = word or (_at(4, [whole]) if whole else name)
            if word and len(routed) >= FULL:  # else there is nothing to add
                break
    else:
        bindings = [_binding(each) for each in (frame.subscription_key, frame.subscribed_key)]
    return keys, bindings, word or _at(4, [routed, *bindings])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _as_configured(account: str, account_id: str) -> str:
    if account != account_id and account_id and plain_id(account) == plain_id(account_id):
        return account_id
    return account


def _of_other_family(frame: Frame, fields: Mapping[str, Any], account_id: str) -> Named | None:
    """Where an event of another family than the contact centre's belongs; ``None`` where it is none, or has no name."""
    category = text_of(fields, "event_category")
    route, *bindings = (_text(each) for each in (frame.routing_key, frame.subscription_key, frame.subscribed_key))
    names = [_text(each) for each in (frame.name, frame.event, frame.event_name, fields.get("event_name"))]
    of_qubicle = _CATEGORY.match(category) or any(each.startswith(_PREFIX) for each in (route, *bindings, *names))
    if of_qubicle or not (route or category):
        return None
    words = [decode_word(word) for word in route.split(".")]
    family = family_of_binding(route) or family_of_binding(bindings[1]) or family_of_binding(category.partition("_")[0])
    resource = family.resource if family is not None else category or words[0]
    slots = (family.slots(words) if family is not None else None) or {}
    name = next(filter(None, names), "")
    if name == "event":  # as KAZOO names every event of a conference; which one it is, the payload says
        name = text_of(fields, "event") or name
    name = name or slots.get("event", "")
    if not name or not resource:
        return None
    account = (
        text_of(fields, "account_id")
        or text_of(fold(fields.get("custom_channel_vars")), "account_id")
        or account_in(words)
        or account_in([decode_word(word) for word in bindings[0].split(".")])
        or account_id
        or UNKNOWN_ID
    )
    resource_id = resource_id_of(resource, fields) or slots.get("id", "") or UNKNOWN_ID
    return Named(resource, name, _as_configured(account, account_id), resource_id)


def _key(text: Any, raw: bytes) -> list[str]:
    """The words of a routing key or of a whole binding; none for a bare word and for others' keys."""
    if not isinstance(text, str) or not text.startswith(_PREFIX):
        return []
    words = text.split(".")
    if "" in words:
        raise FrameError(f"{text!r} has an empty segment", raw)
    return [decode_word(word) for word in words] if "%" in text or "+" in text else words


def _binding(text: Any) -> list[str]:
    """The words of a binding, empty where it leaves one open; behind a hash none has its place."""
    words = text.partition("#")[0].split(".") if isinstance(text, str) else []
    return ["" if word == "*" else decode_word(word) for word in words] if words[:1] == [APPLICATION] else []


def _family(keys: _Keys, bindings: _Keys, fields: Mapping[str, Any]) -> str:
    if found := _at(1, keys):
        return found
    category = text_of(fields, "event_category")
    found = _CATEGORY.sub("", category) or _at(1, bindings)
    # Without any of these an id still shows it: recipient events hold a queue's and a session's id too.
    named = (each for each in ("recipient", *FAMILIES) if fields.get(f"{each}_id") not in (None, ""))
    return found or next(named, UNKNOWN_ID)


def _at(place: int, *keys: _Keys) -> str:
    """The first word at this place of a key; empty where none has it."""
    for some in keys:
        for key in some:
            if len(key) > place and key[place]:
                return key[place]
    return ""
