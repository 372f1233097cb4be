"""The configuration of a gateway: a TOML document as checked objects.

``[gateway]``, ``[feeds.NAME]``, ``[sinks.NAME]`` and ``[[routes]]``; what a feed's or a sink's table
may hold is said by the plugin that it names. Every fault of a document is found at once and told
with its path. Nothing here opens a connection.
"""

from __future__ import annotations

import difflib
import ipaddress
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from jackfield._loading.guard import provider_code
from jackfield._loading.structure import structure, unknown_keys
from jackfield.errors import ConfigError, Fault
from jackfield.plugin.options import DeliveryOptions, GatewayOptions, about, host_and_port
from jackfield.plugin.provider import Provider, ProviderSpec, ReceivesWebhooks, Webhook
from jackfield.plugin.secrets import Secret, secrets_of
from jackfield.plugin.sink import Sink, SinkSpec
from jackfield.selectors import Selector

__all__ = ["Feed", "GatewayConfig", "NamedSink", "Route", "build_config", "check_route", "read_toml"]


@attrs.frozen
class Feed:
    """One ``[feeds.NAME]`` table."""

    name: str
    provider: str
    options: Provider

    @property
    def webhook(self) -> Webhook | None:
        """How to read what is posted for it; ``None`` where nothing is to be."""
        if not isinstance(self.options, ReceivesWebhooks):
            return None
        with provider_code():
            return self.options.webhook(self.name)

    @property
    def posted_only(self) -> bool:
        """Whether its events come by webhook alone, so that it has no connection."""
        return self.webhook is not None and self.webhook.alone


@attrs.frozen
class NamedSink:
    """One ``[sinks.NAME]`` table."""

    name: str
    type: str
    options: Sink
    delivery: DeliveryOptions = attrs.field(factory=DeliveryOptions)


def _selectors(texts: str | Selector | Iterable[str | Selector]) -> tuple[Selector, ...]:
    each = (texts,) if isinstance(texts, str | Selector) else texts
    return tuple(Selector.parse(one) if isinstance(one, str) else one for one in each)


def _names(names: str | Iterable[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


@attrs.frozen
class Route:
    """One ``[[routes]]`` table: what any of the selectors selects goes to each of the sinks."""

    select: tuple[Selector, ...] = attrs.field(converter=_selectors, metadata=about('selectors, such as ["contact.*"]'))
    sinks: tuple[str, ...] = attrs.field(converter=_names, metadata=about("names of sinks"))


@attrs.frozen
class GatewayConfig:
    """A whole configuration that has been checked."""

    feeds: tuple[Feed, ...]
    sinks: tuple[NamedSink, ...] = ()
    routes: tuple[Route, ...] = ()
    options: GatewayOptions = attrs.field(factory=GatewayOptions)
    warnings: tuple[Fault, ...] = ()
    """What is allowed but probably not meant."""

    def secrets(self) -> tuple[Secret, ...]:
        """Every secret of the configuration, for `jackfield.plugin.secrets.redact`."""
        options = [feed.options for feed in self.feeds] + [sink.options for sink in self.sinks]
        return tuple(secret for each in options for _, secret in secrets_of(each))

    def selectors_of(self, sink: str) -> tuple[Selector, ...]:
        """What a sink gets: the selectors of all its routes."""
        return tuple(each for route in self.routes if sink in route.sinks for each in route.select)


def read_toml(path: Path) -> dict[str, Any]:
    """The document in a file; `ConfigError` where it cannot be read or is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([Fault("", f"{path}: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigError([Fault("", f"{path}: not UTF-8 text")]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([Fault("", f"{path}: no TOML: {error}")]) from None


def build_config(
    document: Mapping[str, Any],
    *,
    providers: Mapping[str, ProviderSpec],
    sinks: Mapping[str, SinkSpec],
) -> GatewayConfig:
    """The configuration that a document describes, for these installed plugins.

    `ConfigError` holds every fault of the document.
    """
    reader = _Reader(document)
    reader.faults.extend(unknown_keys(document, ("gateway", "feeds", "sinks", "routes"), ""))
    options = structure(GatewayOptions, document.get("gateway", {}), "gateway", reader.faults)
    feeds = tuple(Feed(name, spec.name, made) for name, spec, made in reader.plugged("feeds", "provider", providers))
    named = tuple(reader.sinks(sinks))
    routes = reader.routes()
    if options is not None:
        reader.inbox(options, feeds)
    if not document.get("feeds"):
        reader.faults.append(Fault("feeds", "a gateway needs at least one [feeds.NAME] table"))
    if options is None or reader.faults:
        raise ConfigError(reader.faults)
    return GatewayConfig(feeds, named, routes, options, tuple(reader.warnings))


def check_route(route: Route | Mapping[str, Any], sinks: Iterable[str]) -> Route:
    """A route from a program, as an object or as a ``[[routes]]`` table, that leads to some of these sinks.

    `ConfigError` holds everything that is wrong with it.
    """
    faults: list[Fault] = []
    checked = _route(route, "route", list(sinks), faults)
    if checked is None or faults:
        raise ConfigError(faults)
    return checked


@attrs.frozen
class _Reader:
    """Goes through a document and collects what is wrong with it."""

    document: Mapping[str, Any]
    faults: list[Fault] = attrs.field(factory=list)
    warnings: list[Fault] = attrs.field(factory=list)

    def sinks(self, specs: Mapping[str, SinkSpec]) -> Iterator[NamedSink]:
        """The sinks, each with the options that are the plugin's and those that are the host's."""
        for name, spec, made in self.plugged("sinks", "type", specs, reserved=("delivery",)):
            table = self.document["sinks"][name].get("delivery", {})
            if isinstance(table, Mapping):
                table = {"batch_events": spec.batch_events, **table}
            if (delivery := structure(DeliveryOptions, table, f"sinks.{name}.delivery", self.faults)) is not None:
                yield NamedSink(name, spec.name, made, delivery)

    def plugged(
        self, section: str, key: str, specs: Mapping[str, Any], reserved: tuple[str, ...] = ()
    ) -> Iterator[tuple[str, Any, Any]]:
        """The tables of a section, each with the plugin that it names under `key`, and its options made.

        What is `reserved` in a table is not the plugin's.
        """
        tables = self.document.get(section, {})
        if not isinstance(tables, Mapping):
            self.faults.append(Fault(section, f"must be tables named [{section}.NAME]"))
            return
        for name, table in tables.items():
            path = f"{section}.{name}"
            if not isinstance(table, Mapping):
                self.faults.append(Fault(path, f"must be a table [{path}]"))
            elif (spec := _named(table.get(key), specs)) is None:
                self.faults.append(_no_plugin(table, f"{path}.{key}", key, specs))
            else:
                rest = {option: value for option, value in table.items() if option not in (key, *reserved)}
                if (made := structure(spec.options, rest, path, self.faults)) is not None:
                    self._warn_of_secrets(made, path)
                    yield name, spec, made

    def routes(self) -> tuple[Route, ...]:
        """The routes, each with selectors that parse and sinks that exist."""
        tables = self.document.get("routes", [])
        if not isinstance(tables, list):
            self.faults.append(Fault("routes", "must be tables named [[routes]]"))
            return ()
        sinks = self.document.get("sinks", {})
        names = list(sinks) if isinstance(sinks, Mapping) else []
        found = (_route(table, f"routes[{number}]", names, self.faults) for number, table in enumerate(tables))
        routes = tuple(route for route in found if route is not None)
        used = {sink for route in routes for sink in route.sinks}
        self.warnings.extend(
            Fault(f"sinks.{name}", "no route leads to this sink") for name in names if name not in used
        )
        return routes

    def inbox(self, options: GatewayOptions, feeds: Iterable[Feed]) -> None:
        """Whether webhooks have somewhere to come in, and only as they should."""
        posted = [feed.name for feed in feeds if feed.webhook is not None]
        if options.inbox is None:
            hint = 'nobody listens for its webhooks; give [gateway] inbox, such as "127.0.0.1:8080"'
            self.faults.extend(Fault(f"feeds.{name}", hint) for name in posted)
            return
        if not posted:
            self.warnings.append(Fault("gateway.inbox", "no feed gets webhooks, so nothing will be received there"))
        if options.inbox_certificate is None and not _is_loopback(host_and_port(options.inbox)[0]):
            hint = "give inbox_certificate and inbox_key, or listen on loopback behind a proxy that has TLS"
            self.warnings.append(
                Fault("gateway.inbox", f"{options.inbox} can be reached from outside, and without TLS; {hint}")
            )

    def _warn_of_secrets(self, options: Any, path: str) -> None:
        for field, secret in secrets_of(options):
            if secret.kind == "text":
                hint = 'better { env = "NAME" } or { file = "path" }'
                self.warnings.append(Fault(f"{path}.{field}", f"the secret stands in the configuration itself; {hint}"))


def _route(table: Any, path: str, sinks: list[str], faults: list[Fault]) -> Route | None:
    route = table if isinstance(table, Route) else structure(Route, table, path, faults)
    if route is None:
        return None
    empty = [key for key in ("select", "sinks") if not getattr(route, key)]
    faults += [Fault(f"{path}.{key}", "must name at least one") for key in empty]
    for sink in route.sinks:
        if sink not in sinks:
            hint = _meant(sink, sinks) or f"there are: {', '.join(sinks) or 'none'}"
            faults.append(Fault(f"{path}.sinks", f"no sink {sink!r}; {hint}"))
    return route


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _named(name: Any, specs: Mapping[str, Any]) -> Any:
    return specs.get(name) if isinstance(name, str) else None


def _no_plugin(table: Mapping[str, Any], path: str, key: str, specs: Mapping[str, Any]) -> Fault:
    installed = ", ".join(sorted(specs)) or "none"
    if key not in table:
        return Fault(path, f"required: which {key} it is (installed: {installed})")
    hint = _meant(str(table[key]), specs)
    return Fault(path, f"no {key} {table[key]!r} (installed: {installed}){hint and '; '}{hint}")


def _meant(wrong: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(wrong, list(names), n=1)
    return f"did you mean {near[0]}?" if near else ""
