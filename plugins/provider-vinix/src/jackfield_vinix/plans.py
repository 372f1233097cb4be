"""What all events of one word, and all payloads of the same fields, have in common: worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from jackfield.events import Media
from jackfield_vinix.kinds import FAMILIES, Also, kind_rule
from jackfield_vinix.parties import PartyFields, Reason, media_of, party_fields, reason_of
from jackfield_vinix.times import TIME_FIELDS
from jackfield_vinix.topics import PROVIDER
from jackfield_vinix.wire import fold, is_folded

__all__ = ["FieldPlan", "WordPlan", "by_fields", "by_word"]

# So many plans are kept; an account's feed needs some dozens. Texts of vendors may be of any length.
MOST, LONG = 1024, 4096


class WordPlan(msgspec.Struct, frozen=True):
    """What a family, an event's word and its account say by themselves."""

    place: tuple[str, str, str, str]
    """Of the address, what comes before the resource's id; one text for many events, whose hash is known."""
    word: str
    """And what comes after it."""
    id_field: str
    """That holds the resource's id, if any does."""
    kind: str
    other: Also | None
    """The kind that it is instead where the payload says so."""
    is_qubicle: bool
    """Whether it is of the contact centre, whose message ids are no clock."""
    media: Media
    reason: Reason
    """What its reason explains."""


class FieldPlan(msgspec.Struct, frozen=True):
    """What the names of a payload's outermost fields say by themselves."""

    is_folded: bool
    times: tuple[str, ...]
    """Those that say when it happened, best first."""
    parties: PartyFields


def by_word(family: str, word: str, account: str) -> WordPlan:
    """The plan for an account's events of this word."""
    short = len(family) + len(word) + len(account) < LONG
    return (_by_word if short else _by_word.__wrapped__)(family, word, account)


def by_fields(data: Any, size: int) -> tuple[Mapping[str, Any], FieldPlan]:
    """A payload's fields under their folded names, and the plan for them; the payload came in a frame of that size.

    Empty ones may be among them, and count as missing.
    """
    plan_of = _by_fields if size < LONG else _by_fields.__wrapped__
    if isinstance(data, dict) and (plan := plan_of(*data)).is_folded:
        return data, plan
    fields = fold(data)
    return fields, plan_of(*fields)


@lru_cache(MOST)
def _by_word(family: str, word: str, account: str) -> WordPlan:
    place = (PROVIDER, "account", account, family)
    reason = reason_of(family, word)
    return WordPlan(place, word, f"{family}_id", *kind_rule(family, word), family in FAMILIES, media_of(family), reason)


@lru_cache(MOST)
def _by_fields(*names: str) -> FieldPlan:
    return FieldPlan(is_folded(names), tuple(each for each in TIME_FIELDS if each in names), party_fields(names))
