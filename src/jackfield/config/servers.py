"""The tables of the HTTP servers of a gateway."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs

from jackfield.config.naming import is_short_name
from jackfield.plugin.options import field_help, ge, host_and_port, is_loopback, is_url
from jackfield.selectors import EVERYTHING, Selector

__all__ = ["MetricsOptions", "ServeOptions", "TokenOptions", "WebhooksOptions"]


def _host_and_port(_instance: Any, _attribute: Any, value: str | None) -> None:
    if value is not None:
        host_and_port(value)


@attrs.frozen
class WebhooksOptions:
    """The ``[webhooks]`` table: the HTTP server that receives the vendors' webhooks."""

    listen: str | None = attrs.field(
        default=None,
        validator=_host_and_port,
        metadata=field_help('where webhooks are received, such as "127.0.0.1:8080"; a feed\'s path is /webhooks/NAME'),
    )
    tls_cert: str | None = attrs.field(
        default=None, metadata=field_help("a PEM file with the certificate to receive webhooks over TLS", path=True)
    )
    tls_key: str | None = attrs.field(
        default=None, metadata=field_help("a PEM file with the key of tls_cert, if it is in another file", path=True)
    )

    public_url: str | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(is_url("http", "https")),
        metadata=field_help("where vendors send to, without the path, if a proxy is in front; some sign the URL"),
    )
    embedded: bool = attrs.field(
        default=False,
        metadata=field_help("webhooks are given to gateway.post() by the program around it, so nothing need listen"),
    )

    def __attrs_post_init__(self) -> None:
        for name in ("tls_cert", "tls_key"):
            if getattr(self, name) is not None and self.listen is None:
                raise ValueError(f"{name} needs listen, the address to listen on")
        if self.tls_key is not None and self.tls_cert is None:
            raise ValueError("tls_key needs tls_cert, the certificate that it is the key of")


@attrs.frozen
class MetricsOptions:
    """The ``[metrics]`` table: the HTTP server for Prometheus and for probes."""

    listen: str | None = attrs.field(
        default=None,
        validator=_host_and_port,
        metadata=field_help('where /metrics, /healthz and /readyz are served, such as "127.0.0.1:9464"'),
    )


_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]")
_MAKE = "make it by: printf %s TOKEN | sha256sum"


def _is_hash(_instance: Any, _attribute: Any, value: str) -> None:
    if not _HASH.fullmatch(value):  # which may be the token itself, and is not shown
        raise ValueError(f"must be sha256: and 64 hexadecimal digits in lower case; {_MAKE}")


def _are_origins(_instance: Any, _attribute: Any, value: tuple[str, ...]) -> None:
    for each in value:
        parts = urlsplit(each)
        if parts.scheme not in ("http", "https") or not parts.netloc or each != f"{parts.scheme}://{parts.netloc}":
            raise ValueError(f"{each!r} is not an origin; give scheme and host, such as https://desk.example")


def _not_empty(_instance: Any, _attribute: Any, value: tuple[Selector, ...]) -> None:
    if not value:
        raise ValueError('must hold at least one selector; "**" for everything')


def _are_hosts(_instance: Any, _attribute: Any, value: tuple[str, ...]) -> None:
    for each in value:
        if not _HOST.fullmatch(each):
            right = "give a name or an address without scheme, port and path, such as desk.example or [::1]"
            raise ValueError(f"{each!r} is not the name of a host; {right}")


def _are_tokens(_instance: Any, _attribute: Any, value: Mapping[str, TokenOptions]) -> None:
    hashes: dict[str, str] = {}
    for name, token in value.items():
        if not is_short_name(name):
            raise ValueError(f"{name[:80]!r} is not a name of at most 64 letters, digits, '.', '_' and '-'")
        if (other := hashes.setdefault(token.hash, name)) != name:
            raise ValueError(f"{other} and {name} have the same hash; each needs a token of its own")


@attrs.frozen
class TokenOptions:
    """A ``[serve.tokens.NAME]`` table: one client's token, and what it may see."""

    hash: str = attrs.field(
        validator=_is_hash,
        repr=False,
        metadata=field_help(f"the token's SHA-256, sha256:HEX, of a random token of 32 characters or more; {_MAKE}"),
    )
    select: tuple[Selector, ...] = attrs.field(
        default=(EVERYTHING,),
        validator=_not_empty,
        metadata=field_help("selectors of all that it may see; subscriptions get the intersection with these"),
    )
    feeds: tuple[str, ...] = attrs.field(default=(), metadata=field_help("only what came by these feeds; [] for all"))
    payloads: bool = attrs.field(
        default=True, metadata=field_help("whether the vendors' payloads are in what it gets, as data")
    )
    personal: bool = attrs.field(
        default=True, metadata=field_help("false: no callers' numbers and names, no agents' names, no payloads")
    )


@attrs.frozen
class ServeOptions:
    """The ``[serve]`` table: events and the state by HTTP and websocket, for programs and pages."""

    listen: str | None = attrs.field(
        default=None,
        validator=_host_and_port,
        metadata=field_help('where /v1/events and /v1/state are served, such as "127.0.0.1:8322"'),
    )
    tls_cert: str | None = attrs.field(
        default=None, metadata=field_help("a PEM file with the certificate to serve over TLS", path=True)
    )
    tls_key: str | None = attrs.field(
        default=None, metadata=field_help("a PEM file with the key of tls_cert, if it is in another file", path=True)
    )
    tokens: dict[str, TokenOptions] = attrs.field(
        factory=dict,
        validator=_are_tokens,
        metadata=field_help("tables [serve.tokens.NAME]: who may ask, and what each may see"),
    )
    open: bool = attrs.field(
        default=False, metadata=field_help("true: on loopback no token is needed, and everything may be seen")
    )
    origins: tuple[str, ...] = attrs.field(
        default=(),
        validator=_are_origins,
        metadata=field_help('origins of pages that may ask from a browser, such as ["https://desk.example"]'),
    )
    hosts: tuple[str, ...] = attrs.field(
        default=(),
        validator=_are_hosts,
        metadata=field_help("names by which clients may call this server, beside the one it listens on"),
    )
    ticket_seconds: float = attrs.field(
        default=3600.0,
        validator=ge(1),
        metadata=field_help("how long a ticket for a browser's EventSource is valid, also for reconnections"),
    )
    linger_seconds: float = attrs.field(
        default=300.0,
        validator=ge(0),
        metadata=field_help("how long feeds stay subscribed to what a client selected that has gone"),
    )
    max_clients: int = attrs.field(
        default=2500, validator=ge(1), metadata=field_help("streams at once; further ones are refused with 503")
    )
    buffer_bytes: int = attrs.field(
        default=4_000_000,
        validator=ge(1000),
        metadata=field_help("events that wait for one slow client; beyond it they are dropped, and it is notified"),
    )

    def __attrs_post_init__(self) -> None:
        if self.listen is None:
            for name in ("tls_cert", "tls_key", "tokens", "open", "origins", "hosts"):
                if getattr(self, name):
                    raise ValueError(f"{name} needs listen, the address to listen on")
            return
        if self.tls_key is not None and self.tls_cert is None:
            raise ValueError("tls_key needs tls_cert, the certificate that it is the key of")
        if self.open and not is_loopback(host_and_port(self.listen)[0]):
            raise ValueError(f"open = true is for loopback only, not for {self.listen}; give [serve.tokens.NAME]")
        if not self.open and not self.tokens:
            raise ValueError("nobody may ask: give [serve.tokens.NAME], or on loopback open = true")
