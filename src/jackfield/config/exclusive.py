"""Paths that two sinks would write to in two ways, or that a sink would write to in the journal."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from jackfield.config.tables import NamedSink
from jackfield.errors import ConfigProblem

__all__ = ["shared_paths"]


def shared_paths(sinks: Iterable[NamedSink], journal: str) -> Iterator[ConfigProblem]:
    """A problem for each sink that names an exclusive path of another one of its type, with other options.

    Or one within the journal's folder, whose files would be damaged; ``"memory"`` is none.
    """
    owners: dict[tuple[type, str, str], NamedSink] = {}
    for sink in sinks:
        for option, path in _exclusive(sink.impl):
            if journal != "memory" and f"{os.path.realpath(path)}/".startswith(f"{os.path.realpath(journal)}/"):
                problem = f"{path!r} is in the journal's folder, {journal}; name a path elsewhere"
                yield ConfigProblem(f"sinks.{sink.name}.{option}", problem)
            owner = owners.setdefault((type(sink.impl), option, os.path.realpath(path)), sink)
            if owner is not sink and owner.impl != sink.impl:
                problem = f"sinks.{owner.name} writes to {path!r} too, with other options; give it a path of its own"
                yield ConfigProblem(f"sinks.{sink.name}.{option}", problem)


def _exclusive(options: Any) -> Iterator[tuple[str, str]]:
    for field in attrs.fields(type(options)) if attrs.has(type(options)) else ():
        value = getattr(options, field.name, None)
        if field.metadata.get("exclusive") and isinstance(value, str):
            yield field.alias or field.name, value
