"""The trace that a webhook belongs to: W3C Trace Context, which CloudEvents' distributed-tracing extension carries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["TraceContext"]

MOST_STATE = 512
"""Characters of a ``tracestate`` that are passed on: as many as the specification asks for."""
MOST_MEMBERS = 32
# Longer members are the first to go where all are too long together (W3C Trace Context, 3.3.1.5).
LONG_MEMBER = 128

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]{0,200})?")
_MEMBER = re.compile(r"([a-z0-9][a-z0-9_*/@-]{0,255})=[ -+\--<>-~]{0,255}[!-+\--<>-~]")


class TraceContext(NamedTuple):
    """Where in a trace something was caused, as the values of two headers."""

    parent: str
    """Of ``traceparent``."""
    state: str = ""
    """Of ``tracestate``; empty where there is none."""

    @classmethod
    def parse(cls, parents: Sequence[str], states: Sequence[str] = ()) -> TraceContext | None:
        """Read the values of these headers; ``None`` where they are no trace context.

        As the specification has it, a later version is read as the present one, several headers of state are one,
        and a state that is malformed is left out. A state that is too long loses members.
        """
        found = _PARENT.fullmatch(parents[0].strip(" \t")) if len(parents) == 1 else None
        if found is None:
            return None
        version, trace, parent, flags, more = found.groups()
        if version == "ff" or (version == "00" and more) or not trace.strip("0") or not parent.strip("0"):
            return None
        if version != "00":  # of whose flags only the first is known
            flags = f"{int(flags, 16) & 1:02x}"
        return cls(f"00-{trace}-{parent}-{flags}", _state(",".join(states)))


def _state(text: str) -> str:
    members = [member.strip(" \t") for member in text[: 8 * MOST_STATE].split(",")] if text else []
    members = [member for member in members if member]
    found = [_MEMBER.fullmatch(member) for member in members]
    keys = {each[1] for each in found if each}
    if len(text) > 8 * MOST_STATE or len(members) > MOST_MEMBERS or len(keys) < len(members):
        return ""
    while len(",".join(members)) > MOST_STATE:
        long = next((index for index, member in enumerate(members) if len(member) > LONG_MEMBER), -1)
        del members[long]
    return ",".join(members)
