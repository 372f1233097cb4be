"""Which tables share an address: the same ``listen`` in two of them is one listener, and paths say whose."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import combinations

from jackfield.config.servers import MetricsOptions, ServeOptions, WebhooksOptions
from jackfield.config.tables import GatewayConfig
from jackfield.errors import ConfigProblem
from jackfield.plugin.options import host_and_port

__all__ = [
    "SPARE_CONNECTIONS",
    "Options",
    "connections_of",
    "host_of",
    "overlaps",
    "shares",
    "tables_of",
    "tls_conflicts",
]

SPARE_CONNECTIONS = 100
"""Connections beside those of the streams, on which a refusal can be said; and for probes."""

LOCALHOST = frozenset({"localhost", "127.0.0.1", "::1"})

Options = Mapping[str, WebhooksOptions | ServeOptions | MetricsOptions]
"""Of the tables with an address, in the order in which they listen for the others."""


def tables_of(config: GatewayConfig) -> Options:
    """The tables of a configuration that may have an address."""
    return {"webhooks": config.webhooks, "serve": config.serve, "metrics": config.metrics}


def shares(config: GatewayConfig) -> tuple[str, ...]:
    """The other tables that are served where webhooks are received."""
    options = tables_of(config)
    return tuple(name for name in options if name != "webhooks" and host_of(name, options) == "webhooks")


def connections_of(tables: Iterable[str], config: GatewayConfig) -> int:
    """How many connections these tables need."""
    return sum(SPARE_CONNECTIONS + (config.serve.max_clients if name == "serve" else 0) for name in tables)


def host_of(table: str, options: Options) -> str:
    """The table whose server listens at this table's address: the first one that has it."""
    address = options[table].listen
    if address is None or host_and_port(address)[1] == 0:  # any free port is another one each time
        return table
    same = (name for name, each in options.items() if each.listen is not None and _equal(each.listen, address))
    return next(same, table)


def tls_conflicts(options: Options) -> Iterator[ConfigProblem]:
    """Tables that share an address and not its certificate."""
    for name, each in options.items():
        if (host := host_of(name, options)) != name and (ours := _tls(each)) != (theirs := _tls(options[host])):
            listen = f"{name}.listen and {host}.listen are both {each.listen}"
            yield ConfigProblem(
                f"{name}.listen",
                f"{listen}, and {name} {_shown(ours)}, {host} {_shown(theirs)}: "
                "give both the same tls_cert and tls_key, or addresses of their own",
            )


def overlaps(options: Options) -> Iterator[ConfigProblem]:
    """Tables whose addresses are not the same text's, and of which only one can be listened on."""
    listening = {name: each.listen for name, each in options.items() if each.listen is not None}
    for (name, one), (other, its) in combinations(listening.items(), 2):
        if not _equal(one, its) and _overlap(host_and_port(one), host_and_port(its)):
            yield ConfigProblem(
                f"{other}.listen",
                f"{its} and {name}.listen, {one}, are one address for two listeners: "
                "give both the same listen, and they share it, or ports of their own",
            )


def _overlap(one: tuple[str, int], other: tuple[str, int]) -> bool:
    (host, port), (its, its_port) = one, other
    if port != its_port or port == 0:
        return False
    hosts = {_read(host), _read(its)}
    everywhere = any(not isinstance(each, str) and each.is_unspecified for each in hosts)
    return len(hosts) == 1 or everywhere or ("localhost" in hosts and {*map(str, hosts)} <= LOCALHOST)


def _read(host: str) -> IPv4Address | IPv6Address | str:
    try:
        return ip_address(host)
    except ValueError:
        return host


def _equal(one: str, other: str) -> bool:
    return host_and_port(one) == host_and_port(other)


def _tls(options: WebhooksOptions | ServeOptions | MetricsOptions) -> tuple[str | None, str | None]:
    return (None, None) if isinstance(options, MetricsOptions) else (options.tls_cert, options.tls_key)


def _shown(tls: tuple[str | None, str | None]) -> str:
    cert, key = tls
    return "has no TLS" if cert is None else f"has tls_cert = {cert!r}" + (f", tls_key = {key!r}" if key else "")
