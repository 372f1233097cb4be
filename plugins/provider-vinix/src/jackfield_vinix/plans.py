"""What all events of one word with the same fields have in common: worked out once."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import msgspec

from jackfield_vinix.kinds import FAMILIES, Also, kind_rule
from jackfield_vinix.parties import PartyFields, party_fields
from jackfield_vinix.times import TIME_FIELDS

__all__ = ["LONG", "MOST", "Plan", "plan_of"]

# So many plans are kept; an account's feed needs some dozens. Texts of vendors may be of any length.
MOST, LONG = 1024, 4096


class Plan(msgspec.Struct, frozen=True):
    """What a family, an event's word, its account and the names of its payload's fields say by themselves."""

    account: str
    """One text for many events, whose hash is known; so are the next two."""
    family: str
    word: str
    id_field: str
    """That holds the resource's id, if any does."""
    kind: str
    other: Also | None
    """The kind that it is instead where the payload says so."""
    is_qubicle: bool
    """Whether it is of the contact centre, whose message ids are no clock."""
    time: str
    """The best of the fields that say when it happened; where none does, one that there is not."""
    parties: PartyFields | None
    """Those that say who takes part; ``None`` where nothing does."""


def plan_of(family: str, word: str, account: str, fields: Collection[str]) -> Plan:
    """The plan for an account's events of this word, whose payloads have fields of these folded names."""
    short = len(family) + len(word) + len(account) + sum(map(len, fields)) < LONG
    return (_plan_of if short else _plan_of.__wrapped__)(family, word, account, *fields)


@lru_cache(MOST)
def _plan_of(family: str, word: str, account: str, *fields: str) -> Plan:
    time = next((each for each in TIME_FIELDS if each in fields), TIME_FIELDS[0])
    return Plan(
        account,
        family,
        word,
        f"{family}_id",
        *kind_rule(family, word),
        family in FAMILIES,
        time,
        party_fields(family, word, fields),
    )
