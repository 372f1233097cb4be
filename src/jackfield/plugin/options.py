"""Options: how a configuration's tables are described, and the tables that are the host's own.

An option is a field of an attrs class, with one line of help and a validator whose message names the value
and what would be right. The plugins' tables are described in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import urlsplit

import attrs

__all__ = ["DeliveryOptions", "GatewayOptions", "about", "at_least", "host_and_port", "url"]


def about(text: str, *, live: bool = False) -> dict[str, Any]:
    """The ``metadata=`` of an option: one line that errors, help and the reference pages show.

    What is `live` is a simulator's, and can be changed while it runs.
    """
    return {"help": text, "live": live}


def url(*schemes: str) -> Callable[[Any, Any, str], None]:
    """A validator for options that hold an absolute URL of one of these schemes."""

    def validate(_instance: Any, _attribute: Any, value: str) -> None:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        try:
            parts = urlsplit(value)
            right = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError as error:
            raise ValueError(f"{value!r} is no URL: {error}") from None
        if not right:
            raise ValueError(f"{value!r} is no {wanted} URL")

    return validate


def at_least(minimum: float) -> Callable[[Any, Any, float | None], None]:
    """A validator for numbers that must not be smaller; ``None`` passes, where it is a default."""

    def validate(_instance: Any, _attribute: Any, value: float | None) -> None:
        if value is not None and not value >= minimum:
            raise ValueError(f"{value} is not at least {minimum}")

    return validate


def _named_file(_instance: Any, _attribute: Any, value: str) -> None:
    if not value.strip() or value.endswith("/") or "\0" in value:
        raise ValueError(f'{value!r} names no file; say "memory" or a path such as "var/journal.db"')


def host_and_port(text: str) -> tuple[str, int]:
    """The parts of an address to listen on, ``host:port`` or ``[host]:port``; `ValueError` where it is none."""
    try:
        parts = urlsplit(f"//{text}")
        if parts.hostname and parts.port is not None and parts.netloc == text and not parts.username:
            return parts.hostname, parts.port
    except ValueError:
        pass
    raise ValueError(f'{text!r} is no address to listen on; say "127.0.0.1:8080" or "[::1]:8080"')


def _host_and_port(_instance: Any, _attribute: Any, value: str | None) -> None:
    if value is not None:
        host_and_port(value)


@attrs.frozen
class GatewayOptions:
    """The ``[gateway]`` table."""

    journal: str = attrs.field(
        default="memory",
        validator=_named_file,
        metadata=about('where events wait for sinks: "memory", or the path of a file'),
    )
    durability: Literal["process", "power"] = attrs.field(
        default="process",
        metadata=about("what a committed event survives; means nothing to a journal in memory"),
    )
    buffer: int = attrs.field(
        default=10_000,
        validator=at_least(1),
        metadata=about("newest events kept in memory, and events that may wait to be written to the file"),
    )
    dedupe: int = attrs.field(
        default=100_000,
        validator=at_least(1),
        metadata=about("newest ids that copies of events are known by and left out"),
    )
    retain_seconds: float = attrs.field(
        default=604_800.0,
        validator=at_least(0),
        metadata=about("how long the file keeps events that every sink has passed"),
    )
    retain_bytes: int = attrs.field(
        default=1_000_000_000,
        validator=at_least(1_000_000),
        metadata=about("how large the file's events may grow; then the oldest go, even if a sink has not passed them"),
    )
    retain_dead_bytes: int = attrs.field(
        default=100_000_000,
        validator=at_least(0),
        metadata=about("how large the file's dead letters may grow; then the oldest go"),
    )
    drain_seconds: float = attrs.field(
        default=5.0, validator=at_least(0), metadata=about("how long sinks may take to finish at the end")
    )
    inbox: str | None = attrs.field(
        default=None,
        validator=_host_and_port,
        metadata=about(
            "where vendors' webhooks are received, such as \"127.0.0.1:8080\"; a feed's is at /webhooks/NAME"
        ),
    )
    inbox_certificate: str | None = attrs.field(
        default=None, metadata=about("a PEM file with the certificate by which webhooks are received over TLS")
    )
    inbox_key: str | None = attrs.field(
        default=None, metadata=about("a PEM file with its key, where that is not in the same file")
    )

    def __attrs_post_init__(self) -> None:
        for name in ("inbox_certificate", "inbox_key"):
            if getattr(self, name) is not None and self.inbox is None:
                raise ValueError(f"{name} needs inbox, the address to listen on")
        if self.inbox_key is not None and self.inbox_certificate is None:
            raise ValueError("inbox_key needs inbox_certificate, the certificate that it is the key of")


@attrs.frozen
class DeliveryOptions:
    """The ``[sinks.NAME.delivery]`` table, which every sink may have."""

    batch_events: int = attrs.field(
        default=100,
        validator=at_least(1),
        metadata=about("events that are handed to the sink at once, at most; file and stdout have 1000"),
    )
    batch_bytes: int = attrs.field(
        default=1_000_000, validator=at_least(1), metadata=about("bytes of a batch, roughly and at most")
    )
    batch_seconds: float = attrs.field(
        default=0.0, validator=at_least(0), metadata=about("how long to wait for a batch to fill")
    )
    parallel: int = attrs.field(
        default=1,
        validator=at_least(1),
        metadata=about("batches on their way at once; order is kept for each correlation"),
    )
    timeout: float = attrs.field(
        default=60.0, validator=at_least(0.001), metadata=about("seconds that the sink may take for one batch")
    )
    max_attempts: int = attrs.field(
        default=0,
        validator=at_least(0),
        metadata=about("attempts after which an event becomes a dead letter; 0 tries for ever"),
    )
