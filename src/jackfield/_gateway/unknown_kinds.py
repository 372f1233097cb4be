"""Selectors of kinds that nobody has, which are doubtful and not wrong: reported once each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from jackfield._loading.guard import provider_code
from jackfield._loading.registry import Registry
from jackfield.addresses import ANYWHERE
from jackfield.errors import JackfieldError
from jackfield.kinds import explain_unknown
from jackfield.plugin.provider import Provider
from jackfield.reports import KindUnknown
from jackfield.selectors import Selector

__all__ = ["report_unknown_kinds"]


def report_unknown_kinds(selectors: Iterable[Selector], registry: Registry, providers: Sequence[Provider]) -> None:
    """Report what selects a kind that neither Jackfield nor a plugin nor one of these feeds' vendors has."""
    for selector in dict.fromkeys(selectors):
        if (problem := explain_unknown(*selector.kind, registry.kinds)) and not _is_vendors_own(selector, providers):
            registry.observe(KindUnknown(str(selector), problem))


def _is_vendors_own(selector: Selector, providers: Sequence[Provider]) -> bool:
    for provider in providers:
        with suppress(JackfieldError), provider_code():
            if any(map(selector.kind.matches, provider.dialect.kinds_of(ANYWHERE))):
                return True
    return False
