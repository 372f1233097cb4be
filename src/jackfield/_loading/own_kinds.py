"""Kinds of events that a plugin registers, each under an entity of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jackfield._loading.discovery import plugin_code, prints_to_stderr
from jackfield.errors import PluginError
from jackfield.kinds import ENTITIES, Kind

__all__ = ["offered_kinds"]

_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


def offered_kinds(relay: Any, taken: Mapping[str, Kind]) -> dict[str, Kind]:
    """What one plugin answers to ``jackfield_kinds``, checked; `taken` are those of the plugins before it."""
    hook = "jackfield_kinds"
    with plugin_code(f"{hook} raised"), prints_to_stderr():
        answers = relay.jackfield_kinds()
    entities = {each.entity for each in taken.values()}
    offered: dict[str, Kind] = {}
    for kind in [each for answer in answers for each in (answer if isinstance(answer, list) else [answer])]:
        if not isinstance(kind, Kind):
            raise PluginError(f"{hook} must return a list of Kind, not {kind!r} of type {type(kind).__name__}")
        if not _NAME.fullmatch(str(kind.name)):
            raise PluginError(
                f"{hook}: {kind.name!r} is not a kind; write two words of a-z, 0-9 and _, such as 'fax.sent'"
            )
        if not str(kind.meaning).strip():
            raise PluginError(f"{hook}: {kind.name} needs a meaning, in one line")
        if kind.entity in ENTITIES:
            raise PluginError(f"{hook}: {kind.name}: the entity {kind.entity!r} is Jackfield's; use one of your own")
        if kind.entity in entities:
            raise PluginError(f"{hook}: {kind.name}: another plugin already has kinds of the entity {kind.entity!r}")
        if kind.name in offered:
            raise PluginError(f"{hook}: {kind.name} is there twice")
        offered[kind.name] = kind
    return offered
