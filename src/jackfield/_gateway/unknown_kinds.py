"""Selectors of a kind that neither Jackfield nor the vendor of any feed has: most often a slip of the pen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from jackfield._feed.session import Session
from jackfield._loading.guard import provider_code
from jackfield._loading.registry import Registry
from jackfield.addresses import ANYWHERE
from jackfield.errors import JackfieldError
from jackfield.kinds import explain_unknown
from jackfield.reports import KindUnknown
from jackfield.selectors import Selector

__all__ = ["report_unknown_kinds"]


def report_unknown_kinds(selectors: Iterable[Selector], registry: Registry, sessions: Mapping[str, Session]) -> None:
    """Report each selector of an unknown kind once."""
    for selector in dict.fromkeys(selectors):
        problem = explain_unknown(*selector.kind, registry.kinds)
        if problem and not _is_vendors_own(selector, sessions):
            registry.observe(KindUnknown(str(selector), problem))


def _is_vendors_own(selector: Selector, sessions: Mapping[str, Session]) -> bool:
    for session in sessions.values():
        with suppress(JackfieldError), provider_code():
            if any(map(selector.kind.matches, session.provider.dialect.kinds_of(ANYWHERE))):
                return True
    return False
