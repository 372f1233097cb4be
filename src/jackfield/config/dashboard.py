"""The tables of the dashboard: when a figure is coloured, who may see what, and names that no vendor says."""

from __future__ import annotations

from typing import Any

import attrs

from jackfield.plugin.options import field_help, ge
from jackfield.plugin.secrets import Secret

__all__ = ["DashboardOptions", "NamesOptions", "ViewerOptions"]

PAIR = 2
SHORTEST_TOKEN = 16


def _pair(*, rising: bool, share: bool = False) -> Any:
    """Checks two thresholds: a warning and a breach, each further in the bad direction."""

    def validate(_instance: Any, _attribute: Any, value: tuple[float, ...]) -> None:
        if len(value) not in (0, PAIR):
            raise ValueError("must be two numbers, [a warning, a breach], or [] for no colour")
        if value and (min(value) < 0 or (share and max(value) > 1)):
            raise ValueError(f"{list(value)}: must be from 0 to 1" if share else f"{list(value)}: must not be negative")
        if value and ((value[0] > value[1]) if rising else (value[0] < value[1])):
            raise ValueError(f"{list(value)}: a breach cannot come before its warning; swap the two")

    return validate


def _thresholds(default: tuple[float, ...], text: str, *, rising: bool = True, share: bool = False) -> Any:
    return attrs.field(
        default=default,
        validator=_pair(rising=rising, share=share),
        metadata=field_help(text),
    )


@attrs.frozen
class DashboardOptions:
    """The ``[dashboard]`` table: two thresholds for each figure, from which it is a warning and a breach."""

    title: str = attrs.field(default="", metadata=field_help("what the page is called, such as the centre's name"))
    service_level: tuple[float, ...] = _thresholds(
        (0.8, 0.7),
        "share answered in time below which the service level warns, and is breached",
        rising=False,
        share=True,
    )
    longest_wait: tuple[float, ...] = _thresholds((60.0, 120.0), "seconds of the longest wait, likewise from above")
    waiting: tuple[float, ...] = _thresholds((5.0, 10.0), "waiting contacts, of one queue and of all together")
    abandoned: tuple[float, ...] = _thresholds((0.05, 0.1), "share of abandoned contacts", share=True)
    ready: tuple[float, ...] = _thresholds(
        (), "ready agents at and below which it warns, and is breached", rising=False
    )
    speed_of_answer: tuple[float, ...] = _thresholds((30.0, 60.0), "seconds until an answer, on average")
    silence_seconds: float = attrs.field(
        default=12.0,
        validator=ge(1),
        metadata=field_help("without an update from the server after which the page shows nothing as live"),
    )


def _long_enough(_instance: Any, _attribute: Any, value: Secret) -> None:
    if len(value.reveal()) < SHORTEST_TOKEN:
        raise ValueError(f"the token has {len(value.reveal())} characters; at least {SHORTEST_TOKEN} are needed")


@attrs.frozen
class ViewerOptions:
    """A ``[viewers.NAME]`` table: a token for the dashboard, and what its holders may see."""

    token: Secret = attrs.field(
        repr=False, validator=_long_enough, metadata=field_help("what these viewers enter, 16 characters or more")
    )
    feeds: tuple[str, ...] = attrs.field(default=(), metadata=field_help("only what came by these feeds; [] for all"))
    personal: bool = attrs.field(
        default=True,
        metadata=field_help("false: no callers' numbers and names, no agents' names, no payloads"),
    )
    operator: bool = attrs.field(
        default=False, metadata=field_help("whether the operator's page may be seen: feeds, sinks, gaps, notices")
    )

    def __attrs_post_init__(self) -> None:
        if self.operator and self.feeds:
            raise ValueError("operator = true shows all feeds; give it without feeds, or leave it out")


@attrs.frozen
class NamesOptions:
    """The ``[names]`` table: what queues and agents are called, by their ids, where a vendor does not say it."""

    queues: dict[str, str] = attrs.field(
        factory=dict, metadata=field_help('by id, such as { "9f1c7a" = "Support" }; these names come first')
    )
    agents: dict[str, str] = attrs.field(factory=dict, metadata=field_help("likewise of agents"))
