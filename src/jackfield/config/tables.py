"""The tables of a configuration as checked objects, each with its options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs

from jackfield._loading.guard import provider_code
from jackfield.config.cluster import ClusterConfig
from jackfield.config.connection import ConnectionOptions
from jackfield.config.dashboard import DashboardOptions, NamesOptions, ViewerOptions
from jackfield.config.servers import MetricsOptions, ServeOptions, WebhooksOptions
from jackfield.errors import ConfigProblem
from jackfield.plugin.options import field_help, ge
from jackfield.plugin.provider import Provider
from jackfield.plugin.secrets import Secret, iter_secrets
from jackfield.plugin.sink import Sink
from jackfield.plugin.webhook import SupportsWebhooks, Webhook
from jackfield.selectors import Selector

__all__ = [
    "DeliveryOptions",
    "Feed",
    "GatewayConfig",
    "GatewayOptions",
    "NamedSink",
    "Route",
]


MOST_CONCURRENCY = 256
"""Each batch on its way costs a task, and memory for ten batches that are read ahead."""


def _names_folder(_instance: Any, _attribute: Any, value: str) -> None:
    if not value.strip() or "\0" in value or not Path(value).name:
        raise ValueError(f'{value!r} does not name a folder; say "memory" or a path such as "var/journal"')


def _time_zone(_instance: Any, _attribute: Any, value: str) -> None:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise ValueError(f'{value!r} is not a time zone; give one like "UTC" or "Europe/Berlin"') from None


def _at_most(least: int, most: int) -> Callable[[Any, Any, Any], None]:
    """A number within bounds."""

    def check(_instance: Any, _attribute: Any, value: int) -> None:
        if not least <= value <= most:
            raise ValueError(f"{value} is not from {least} to {most}")

    return check


@attrs.frozen
class GatewayOptions:
    """The ``[gateway]`` table."""

    journal: str = attrs.field(
        default="memory",
        validator=_names_folder,
        metadata=field_help('where events wait for sinks: "memory", or the path of a folder', path=True),
    )
    fsync: bool = attrs.field(
        default=False,
        metadata=field_help("true: a committed event survives a power failure; false: a crash of the process only"),
    )
    memory_events: int = attrs.field(
        default=10_000,
        validator=ge(1),
        metadata=field_help("newest events kept in memory, and events that may wait to be written to the journal"),
    )
    memory_bytes: int = attrs.field(
        default=256_000_000,
        validator=ge(1_000_000),
        metadata=field_help(
            "bytes of memory for the newest events, about, and as many for those that wait to be written"
        ),
    )
    dedupe_window: int = attrs.field(
        default=100_000,
        validator=ge(1),
        metadata=field_help("newest event ids by which copies are recognised and left out"),
    )
    retain_seconds: float = attrs.field(
        default=604_800.0,
        validator=ge(0),
        metadata=field_help("how long the journal keeps events that every sink has passed"),
    )
    retain_bytes: int = attrs.field(
        default=1_000_000_000,
        validator=ge(1_000_000),
        metadata=field_help(
            "maximum size of the stored events; beyond it the oldest are deleted, even if a sink has not passed them"
        ),
    )
    retain_dead_bytes: int = attrs.field(
        default=100_000_000,
        validator=ge(0),
        metadata=field_help("maximum size of the stored dead letters; beyond it the oldest are deleted"),
    )
    drain_seconds: float = attrs.field(
        default=5.0, validator=ge(0), metadata=field_help("how long sinks may take to finish at the end")
    )
    time_zone: str = attrs.field(
        default="UTC",
        validator=_time_zone,
        metadata=field_help('at whose midnight the totals of a day begin, such as "Europe/Berlin"'),
    )
    answer_seconds: float = attrs.field(
        default=20.0,
        validator=_at_most(0, 86_400),
        metadata=field_help("within which a waiting contact must be answered to count for the service level"),
    )


@attrs.frozen
class DeliveryOptions:
    """The ``[sinks.NAME.delivery]`` table, which every sink may have."""

    batch_events: int = attrs.field(
        default=100,
        validator=ge(1),
        metadata=field_help("events that are handed to the sink at once, at most; file and stdout have 1000"),
    )
    batch_bytes: int = attrs.field(
        default=1_000_000, validator=ge(1), metadata=field_help("bytes of a batch, roughly and at most")
    )
    batch_seconds: float = attrs.field(
        default=0.0, validator=ge(0), metadata=field_help("how long to wait for a batch to fill")
    )
    concurrency: int = attrs.field(
        default=1,
        validator=_at_most(1, MOST_CONCURRENCY),
        metadata=field_help("batches on their way at once, 256 at most; order is kept for each correlation"),
    )
    timeout: float = attrs.field(
        default=60.0,
        validator=ge(0.001),
        metadata=field_help("seconds without progress after which an attempt is ended and made again"),
    )
    max_attempts: int = attrs.field(
        default=0,
        validator=ge(0),
        metadata=field_help("attempts after which an event becomes a dead letter; 0 tries for ever"),
    )


@attrs.frozen
class Feed:
    """One ``[feeds.NAME]`` table."""

    name: str
    provider_name: str
    provider: Provider
    connection: ConnectionOptions = attrs.field(factory=ConnectionOptions)
    webhook: Webhook | None = attrs.field(init=False, eq=False, repr=False)
    """How to read the webhooks for it; ``None`` where it gets none."""

    @webhook.default
    def _read_webhook(self) -> Webhook | None:
        if not isinstance(self.provider, SupportsWebhooks):
            return None
        with provider_code():
            return self.provider.webhook(self.name)

    @property
    def webhook_only(self) -> bool:
        """Whether its events come by webhook alone, so that it has no connection."""
        return self.webhook is not None and not self.webhook.websocket


@attrs.frozen
class NamedSink:
    """One ``[sinks.NAME]`` table."""

    name: str
    type: str
    impl: Sink
    delivery: DeliveryOptions = attrs.field(factory=DeliveryOptions)


def _selectors(texts: str | Selector | Iterable[str | Selector]) -> tuple[Selector, ...]:
    each = (texts,) if isinstance(texts, str | Selector) else texts
    return tuple(Selector.parse(one) if isinstance(one, str) else one for one in each)


def _names(names: str | Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


@attrs.frozen
class Route:
    """One ``[[routes]]`` table: what any of the selectors selects goes to each of the sinks."""

    select: tuple[Selector, ...] = attrs.field(
        converter=_selectors, metadata=field_help('selectors, such as ["contact.*"]')
    )
    sinks: tuple[str, ...] = attrs.field(converter=_names, metadata=field_help("names of sinks"))


@attrs.frozen
class GatewayConfig:
    """A whole configuration that has been checked."""

    feeds: tuple[Feed, ...]
    sinks: tuple[NamedSink, ...] = ()
    routes: tuple[Route, ...] = ()
    gateway: GatewayOptions = attrs.field(factory=GatewayOptions)
    webhooks: WebhooksOptions = attrs.field(factory=WebhooksOptions)
    metrics: MetricsOptions = attrs.field(factory=MetricsOptions)
    serve: ServeOptions = attrs.field(factory=ServeOptions)
    dashboard: DashboardOptions = attrs.field(factory=DashboardOptions)
    viewers: Mapping[str, ViewerOptions] = attrs.field(factory=dict)
    """Of the dashboard, by name."""
    names: NamesOptions = attrs.field(factory=NamesOptions)
    cluster: ClusterConfig | None = None
    """``None`` where no other gateway shares the feeds."""
    warnings: tuple[ConfigProblem, ...] = ()
    """What is allowed but probably not meant."""

    def secrets(self) -> tuple[Secret, ...]:
        """Every secret of the configuration, for a `jackfield.plugin.redaction.Redactor`."""
        options: list[Any] = [each for feed in self.feeds for each in (feed.provider, feed.connection)]
        options += [sink.impl for sink in self.sinks]
        options += self.viewers.values()
        options += [] if self.cluster is None else [self.cluster.coordinator]
        return tuple(secret for each in options for _, secret in iter_secrets(each))

    def selectors_of(self, sink: str) -> tuple[Selector, ...]:
        """What a sink gets: the selectors of all its routes."""
        return tuple(each for route in self.routes if sink in route.sinks for each in route.select)
