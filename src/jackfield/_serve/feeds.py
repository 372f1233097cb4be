"""Feeds, sinks and the journal in figures, and the kinds of events that there are, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import msgspec

from jackfield._gateway.gateway import Gateway
from jackfield._serve.grants import Grant
from jackfield.kinds import KINDS

__all__ = ["feeds_document", "kinds_document"]


def feeds_document(gateway: Gateway, grant: Grant) -> bytes:
    """How feeds stand; and sinks and the journal, for a client that may see everything."""
    state = gateway.state()
    providers = {feed.name: feed.provider_name for feed in gateway.config.feeds}
    feeds: dict[str, Mapping[str, Any]] = {}
    for name, stats in state.feeds.items():
        if grant.allows_feed(name):
            feeds[name] = {"provider": providers.get(name, ""), **_shown(stats)}
    document: dict[str, Any] = {"feeds": feeds}
    if grant.whole:
        document["sinks"] = {name: _shown(stats) for name, stats in state.sinks.items()}
        document["journal"] = _shown(state.journal)
    return msgspec.json.encode(document)


def kinds_document() -> bytes:
    """The neutral kinds, each with what it means."""
    return msgspec.json.encode({"kinds": [kind._asdict() for kind in KINDS]})


def _shown(stats: Any) -> dict[str, Any]:
    """Counters as JSON; frames that could not be read may hold anything, and stay here."""
    fields = {field.name: getattr(stats, field.name) for field in attrs.fields(type(stats))}
    fields.pop("last_unreadable", None)
    shown: dict[str, Any] = msgspec.to_builtins(fields, enc_hook=_plain)
    return shown


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
