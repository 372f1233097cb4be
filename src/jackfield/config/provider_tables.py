"""Options of sinks that are tables by provider, with a provider that there is not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import attrs

from jackfield._loading.guard import provider_code
from jackfield.config.naming import meant
from jackfield.config.tables import Feed, NamedSink
from jackfield.errors import ConfigProblem
from jackfield.plugin.provider import relays

__all__ = ["unknown_providers"]


def unknown_providers(sinks: Iterable[NamedSink], feeds: Iterable[Feed], known: Collection[str]) -> list[ConfigProblem]:
    """A warning for each provider that is not among the installed ones; none where a feed brings those of others."""
    found = [
        ConfigProblem(
            f"sinks.{sink.name}.{option}",
            f"no provider {provider!r} is installed; "
            + (meant(provider, known) or f"there are: {', '.join(sorted(known)) or 'none'}"),
        )
        for sink in sinks
        for option, provider in _by_provider(sink.impl)
        if provider not in known
    ]
    with provider_code():
        return found if found and not any(relays(feed.provider.dialect) for feed in feeds) else []


def _by_provider(options: Any) -> Iterator[tuple[str, str]]:
    for field in attrs.fields(type(options)) if attrs.has(type(options)) else ():
        value = getattr(options, field.name, None)
        if field.metadata.get("by_provider") and isinstance(value, Mapping):
            yield from ((field.alias or field.name, provider) for provider in value)
