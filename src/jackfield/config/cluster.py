"""The ``[cluster]`` table: with which other gateways the feeds are shared, and by which coordinator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from jackfield._loading.structure import Prepare, structure
from jackfield.errors import ConfigProblem
from jackfield.plugin.coordinator import Coordinator, CoordinatorSpec
from jackfield.plugin.options import field_help, ge

__all__ = ["ClusterConfig", "ClusterOptions", "read_cluster"]

_NAME = re.compile(r"[\w.-]{1,100}")
MOST_SECONDS = 3600.0


def _name(_instance: Any, _attribute: Any, value: str | None) -> None:
    if value is not None and not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is not a name of letters, digits, '.', '_' and '-', 100 of them at most")


def _seconds(_instance: Any, _attribute: Any, value: float) -> None:
    if not 1.0 <= value <= MOST_SECONDS:
        raise ValueError(f"{value} is not from 1 to {MOST_SECONDS:g}")


@attrs.frozen
class ClusterOptions:
    """What the ``[cluster]`` table holds beside its coordinator's own options."""

    url: str = attrs.field(
        metadata=field_help("the coordinator: file:FOLDER on one machine, redis://HOST:6379/0 with jackfield-redis")
    )
    name: str = attrs.field(
        default="jackfield", validator=_name, metadata=field_help("gateways with one name share their feeds")
    )
    lease_seconds: float = attrs.field(
        default=10.0,
        validator=_seconds,
        metadata=field_help("seconds after which a member that is not heard of loses its feeds to the others, to 3600"),
    )
    member: str | None = attrs.field(
        default=None,
        validator=_name,
        metadata=field_help("this gateway's name in the cluster; by default that of the machine"),
    )
    standby_seconds: float = attrs.field(
        default=300.0,
        validator=ge(1.0),
        metadata=field_help("seconds for which a member keeps copies of what another one writes, or cannot write"),
    )
    standby_bytes: int = attrs.field(
        default=256_000_000,
        validator=ge(1_000_000),
        metadata=field_help("bytes of memory for the copies of one feed, about"),
    )


@attrs.frozen
class ClusterConfig:
    """The ``[cluster]`` table."""

    options: ClusterOptions
    coordinator: Coordinator


def read_cluster(
    document: Mapping[str, Any],
    specs: Mapping[str, CoordinatorSpec],
    problems: list[ConfigProblem],
    prepare: Prepare,
) -> ClusterConfig | None:
    """What the table describes; ``None`` where there is none, or where it is wrong, with the reasons in `problems`."""
    if "cluster" not in document:
        return None
    table = document["cluster"]
    common = [field.name for field in attrs.fields(ClusterOptions)]
    given = {key: value for key, value in table.items() if key in common} if isinstance(table, Mapping) else table
    options = structure(ClusterOptions, given, "cluster", problems, prepare)
    if options is None:
        return None
    scheme = options.url.partition(":")[0].lower()
    spec = next((each for each in specs.values() if scheme in each.schemes), None)
    if spec is None:
        known = ", ".join(sorted(f"{each}:" for spec in specs.values() for each in spec.schemes))
        problem = f"no coordinator for {scheme!r} (installed: {known}); redis: needs jackfield-redis"
        problems.append(ConfigProblem("cluster.url", problem))
        return None
    own = {key: value for key, value in table.items() if key == "url" or key not in common}
    coordinator = structure(spec.cls, own, "cluster", problems, prepare)
    return None if coordinator is None else ClusterConfig(options, coordinator)
