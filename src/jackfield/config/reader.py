"""From a document to checked objects, with every problem at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import attrs

from jackfield._loading.structure import Prepare, as_written, structure, unknown_keys
from jackfield.config.addresses import Options, overlaps, tls_conflicts
from jackfield.config.cluster import read_cluster
from jackfield.config.connection import ConnectionOptions
from jackfield.config.dashboard import DashboardOptions, NamesOptions, ViewerOptions
from jackfield.config.documents import Document
from jackfield.config.exclusive import shared_paths
from jackfield.config.naming import meant, name_problem
from jackfield.config.provider_tables import unknown_providers
from jackfield.config.servers import MetricsOptions, ServeOptions, WebhooksOptions
from jackfield.config.tables import DeliveryOptions, Feed, GatewayConfig, GatewayOptions, NamedSink, Route
from jackfield.errors import ConfigError, ConfigProblem, JackfieldError
from jackfield.plugin.coordinator import CoordinatorSpec
from jackfield.plugin.options import host_and_port, is_loopback
from jackfield.plugin.provider import ProviderSpec
from jackfield.plugin.secrets import iter_secrets
from jackfield.plugin.sink import SinkSpec

__all__ = ["build_config", "check_route", "read_gateway_options", "read_metrics_options"]

T = TypeVar("T")

SECTIONS = ("gateway", "webhooks", "metrics", "serve", "dashboard", "viewers", "names", "cluster")
TABLES = ("feeds", "sinks", "routes")


def build_config(
    document: Mapping[str, Any],
    *,
    providers: Mapping[str, ProviderSpec],
    sinks: Mapping[str, SinkSpec],
    coordinators: Mapping[str, CoordinatorSpec] = {},
) -> GatewayConfig:
    """The configuration that a document describes, for these installed plugins.

    `ConfigError` holds every fault of the document.
    """
    reader = _Reader(document)
    reader.problems.extend(unknown_keys(document, (*SECTIONS, *TABLES), ""))
    gateway = reader.structure(GatewayOptions, document.get("gateway", {}), "gateway")
    webhooks = reader.structure(WebhooksOptions, document.get("webhooks", {}), "webhooks")
    metrics = reader.structure(MetricsOptions, document.get("metrics", {}), "metrics")
    serve = reader.structure(ServeOptions, document.get("serve", {}), "serve")
    dashboard = reader.structure(DashboardOptions, document.get("dashboard", {}), "dashboard")
    names = reader.structure(NamesOptions, document.get("names", {}), "names")
    viewers = dict(reader.viewers())
    cluster = read_cluster(document, coordinators, reader.problems, reader.prepare)
    feeds = tuple(reader.feeds(providers))
    named = tuple(reader.sinks(sinks))
    reader.problems.extend(shared_paths(named, gateway.journal if gateway else "memory"))
    reader.warnings.extend(unknown_providers(named, feeds, providers))
    routes = reader.routes()
    if webhooks is not None:
        reader.webhooks(webhooks, feeds)
    if not document.get("feeds"):
        reader.problems.append(ConfigProblem("feeds", "a gateway needs at least one [feeds.NAME] table"))
    if serve is not None:
        reader.serve(serve)
    if webhooks is not None and serve is not None and metrics is not None:
        tables: Options = {"webhooks": webhooks, "serve": serve, "metrics": metrics}
        reader.problems.extend([*overlaps(tables), *tls_conflicts(tables)])
    if reader.problems:
        raise ConfigError(reader.problems)
    # What is not there has its problem.
    assert gateway
    assert webhooks
    assert metrics
    assert serve
    assert dashboard
    assert names
    return GatewayConfig(
        feeds=feeds,
        sinks=named,
        routes=routes,
        gateway=gateway,
        webhooks=webhooks,
        metrics=metrics,
        serve=serve,
        dashboard=dashboard,
        viewers=viewers,
        names=names,
        cluster=cluster,
        warnings=tuple(reader.warnings),
    )


def read_gateway_options(document: Mapping[str, Any]) -> GatewayOptions:
    """The ``[gateway]`` table alone, for commands that need no plugin; `ConfigError` holds what is wrong with it."""
    return _alone(document, GatewayOptions, "gateway")


def read_metrics_options(document: Mapping[str, Any]) -> MetricsOptions:
    """The ``[metrics]`` table alone, likewise."""
    return _alone(document, MetricsOptions, "metrics")


def _alone(document: Mapping[str, Any], cls: type[T], section: str) -> T:
    reader = _Reader(document)
    if (options := reader.structure(cls, document.get(section, {}), section)) is None:
        raise ConfigError(reader.problems)
    return options


def check_route(route: Route | Mapping[str, Any], sinks: Iterable[str]) -> Route:
    """A route from a program, as an object or as a ``[[routes]]`` table, that leads to some of these sinks.

    `ConfigError` holds everything that is wrong with it.
    """
    problems: list[ConfigProblem] = []
    checked = _route(route, "route", list(sinks), problems)
    if checked is None or problems:
        raise ConfigError(problems)
    return checked


def _own(spec: Any) -> frozenset[str]:
    """The names of a plugin's own options."""
    return frozenset(field.name for field in attrs.fields(spec.cls))


@attrs.frozen
class _Reader:
    """Goes through a document and collects what is wrong with it."""

    document: Mapping[str, Any]
    problems: list[ConfigProblem] = attrs.field(factory=list)
    warnings: list[ConfigProblem] = attrs.field(factory=list)

    @property
    def prepare(self) -> Prepare:
        """What the values of files stand for; a program's are as they are."""
        return self.document.prepared if isinstance(self.document, Document) else as_written

    def structure(self, cls: type[T], table: Any, path: str) -> T | None:
        """The object that a table describes; ``None`` where it is wrong."""
        return structure(cls, table, path, self.problems, self.prepare)

    def feeds(self, specs: Mapping[str, ProviderSpec]) -> Iterator[Feed]:
        """The feeds, each with its provider's options."""
        common = tuple(field.name for field in attrs.fields(ConnectionOptions))
        for name, spec, made in self.plugged("feeds", "provider", specs, reserved=common):
            own = _own(spec)
            table = {k: value for k, value in self.document["feeds"][name].items() if k in common and k not in own}
            connection = self.structure(ConnectionOptions, table, f"feeds.{name}")
            if connection is None:
                continue
            self._warn_of_secrets(connection, f"feeds.{name}")
            if connection.holders > 1 and "cluster" not in self.document:
                problem = "without [cluster] there is nobody else to hold it, so one gateway does"
                self.warnings.append(ConfigProblem(f"feeds.{name}.holders", problem))
            try:
                yield Feed(name, spec.name, made, connection)
            except JackfieldError as error:
                self.problems.append(ConfigProblem(f"feeds.{name}", str(error)))

    def sinks(self, specs: Mapping[str, SinkSpec]) -> Iterator[NamedSink]:
        """The sinks, each with the options that are the plugin's and those that are the host's."""
        for name, spec, made in self.plugged("sinks", "type", specs, reserved=("delivery",)):
            table = self.document["sinks"][name].get("delivery", {})
            if isinstance(table, Mapping):
                table = {"batch_events": spec.batch_events, **table}
            if (delivery := self.structure(DeliveryOptions, table, f"sinks.{name}.delivery")) is not None:
                yield NamedSink(name, spec.name, made, delivery)

    def plugged(
        self, section: str, key: str, specs: Mapping[str, Any], reserved: tuple[str, ...] = ()
    ) -> Iterator[tuple[str, Any, Any]]:
        """The tables of a section, each with the plugin that it names under `key`, and its options made.

        What is `reserved` in a table is not the plugin's, unless it has an option of that name itself.
        """
        tables = self.document.get(section, {})
        if not isinstance(tables, Mapping):
            self.problems.append(ConfigProblem(section, f"must be tables named [{section}.NAME]"))
            return
        for name, table in tables.items():
            path = f"{section}.{name}"
            if problem := name_problem(name):
                self.problems.append(ConfigProblem(section, problem))
            elif not isinstance(table, Mapping):
                self.problems.append(ConfigProblem(path, f"must be a table [{path}]"))
            elif (spec := _named(table.get(key), specs)) is None:
                self.problems.append(_no_plugin(table, f"{path}.{key}", key, specs))
            else:
                taken = {key, *reserved} - _own(spec)
                rest = {option: value for option, value in table.items() if option not in taken}
                if (made := self.structure(spec.cls, rest, path)) is not None:
                    self._warn_of_secrets(made, path)
                    yield name, spec, made

    def viewers(self) -> Iterator[tuple[str, ViewerOptions]]:
        """The dashboard's viewers, whose feeds exist."""
        tables = self.document.get("viewers", {})
        if not isinstance(tables, Mapping):
            self.problems.append(ConfigProblem("viewers", "must be tables named [viewers.NAME]"))
            return
        for name, table in tables.items():
            path = f"viewers.{name}"
            if (viewer := self.structure(ViewerOptions, table, path)) is None:
                continue
            self.known_feeds(viewer.feeds, f"{path}.feeds")
            self._warn_of_secrets(viewer, path)
            yield name, viewer

    def known_feeds(self, names: Iterable[str], path: str) -> None:
        """Check that these are feeds."""
        feeds = self.document.get("feeds", {})
        for feed in names if isinstance(feeds, Mapping) else ():
            if feed not in feeds:
                hint = meant(feed, feeds) or f"there are: {', '.join(feeds) or 'none'}"
                self.problems.append(ConfigProblem(path, f"no feed {feed!r}; {hint}"))

    def routes(self) -> tuple[Route, ...]:
        """The routes, each with selectors that parse and sinks that exist."""
        tables = self.document.get("routes", [])
        if not isinstance(tables, list):
            self.problems.append(ConfigProblem("routes", "must be tables named [[routes]]"))
            return ()
        sinks = self.document.get("sinks", {})
        names = list(sinks) if isinstance(sinks, Mapping) else []
        found = (
            _route(table, f"routes[{number}]", names, self.problems, self.prepare)
            for number, table in enumerate(tables)
        )
        routes = tuple(route for route in found if route is not None)
        used = {sink for route in routes for sink in route.sinks}
        self.warnings.extend(
            ConfigProblem(f"sinks.{name}", "no route leads to this sink") for name in names if name not in used
        )
        return routes

    def webhooks(self, options: WebhooksOptions, feeds: Iterable[Feed]) -> None:
        """Check that webhooks can be received where a feed needs it, and only as they should be."""
        receiving = [feed.name for feed in feeds if feed.webhook is not None]
        if options.listen is None and options.embedded:
            return
        if options.listen is None:
            hint = 'nothing listens for its webhooks; give [webhooks] listen, such as "127.0.0.1:8080"'
            self.problems.extend(ConfigProblem(f"feeds.{name}", hint) for name in receiving)
            return
        if not receiving:
            self.warnings.append(ConfigProblem("webhooks.listen", "no feed receives webhooks, so none are taken"))
        if options.tls_cert is None and not is_loopback(host_and_port(options.listen)[0]):
            hint = "give tls_cert and tls_key, or listen on loopback behind a proxy that has TLS"
            problem = f"{options.listen} can be reached from outside, and without TLS; {hint}"
            self.warnings.append(ConfigProblem("webhooks.listen", problem))

    def serve(self, options: ServeOptions) -> None:
        """Check that tokens name feeds that exist, and do not travel in the open."""
        for name, token in options.tokens.items():
            self.known_feeds(token.feeds, f"serve.tokens.{name}.feeds")
        if options.listen and options.tls_cert is None and not is_loopback(host_and_port(options.listen)[0]):
            hint = "give tls_cert and tls_key, or listen on loopback behind a proxy that has TLS"
            problem = f"{options.listen} can be reached from outside, and without TLS; {hint}"
            self.warnings.append(ConfigProblem("serve.listen", problem))

    def _warn_of_secrets(self, options: Any, path: str) -> None:
        for field, secret in iter_secrets(options):
            if secret.kind == "text":
                hint = 'better { env = "NAME" } or { file = "path" }'
                self.warnings.append(
                    ConfigProblem(f"{path}.{field}", f"the secret stands in the configuration itself; {hint}")
                )


def _route(
    table: Any, path: str, sinks: list[str], problems: list[ConfigProblem], prepare: Prepare = as_written
) -> Route | None:
    route = table if isinstance(table, Route) else structure(Route, table, path, problems, prepare)
    if route is None:
        return None
    empty = [key for key in ("select", "sinks") if not getattr(route, key)]
    problems += [ConfigProblem(f"{path}.{key}", "must name at least one") for key in empty]
    for sink in route.sinks:
        if sink not in sinks:
            hint = meant(sink, sinks) or f"there are: {', '.join(sinks) or 'none'}"
            problems.append(ConfigProblem(f"{path}.sinks", f"no sink {sink!r}; {hint}"))
    return route


def _named(name: Any, specs: Mapping[str, Any]) -> Any:
    return specs.get(name) if isinstance(name, str) else None


def _no_plugin(table: Mapping[str, Any], path: str, key: str, specs: Mapping[str, Any]) -> ConfigProblem:
    installed = ", ".join(sorted(specs)) or "none"
    if key not in table:
        return ConfigProblem(path, f"required: which {key} it is (installed: {installed})")
    hint = meant(str(table[key]), specs)
    return ConfigProblem(path, f"no {key} {table[key]!r} (installed: {installed}){hint and '; '}{hint}")
