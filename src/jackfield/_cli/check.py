"""``jackfield check``: what a configuration means, without a network."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs

from jackfield._cli.config_option import add_config_option, load_config, named_files
from jackfield._cli.console import say
from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._journal.coverage import measure_coverage
from jackfield._journal.per_feed import feed_journals
from jackfield._journal.store import SegmentStore
from jackfield._journal.store.surviving import check_content
from jackfield._journal.takeover import is_old_form
from jackfield._net.tls import TLSFileError, server_context
from jackfield._routing.planner import make_plan
from jackfield._serve.monitor import missing_library
from jackfield.config import Feed, GatewayConfig, GatewayOptions
from jackfield.errors import ConfigError, ConfigProblem, JournalError
from jackfield.kinds import explain_unknown
from jackfield.plugin.provider import Plan, display_url

__all__ = ["configure", "run"]

EPILOG = """\
Reports every problem at once, each with its path, and exits with 2. For a valid
configuration it prints each feed's subscriptions: what the routes ask for, which
topics are sent to the vendor, and what is filtered here because these topics
deliver more than that. Paths in a file are relative to that file."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    add_config_option(parser)
    parser.add_argument("--strict", action="store_true", help="a warning is a problem too, and exits with 2")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text, also of what is wrong")
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """Check and show."""
    registry = load_plugins(options.plugins, strict=options.strict_plugins)
    try:
        files = named_files(options)
        config = load_config(files, registry)
        selectors = [selector for route in config.routes for selector in route.select]
        plans = {
            each.name: make_plan(each.provider, selectors, webhook_only=each.webhook_only) for each in config.feeds
        }
        warnings = [*config.warnings, *_doubts(config, plans, registry.kinds)]
        if config.metrics.listen is not None and (missing := missing_library()) is not None:
            raise ConfigError([ConfigProblem("metrics.listen", f"needs the package {missing}; install it")])
        if problems := [*_unusable(config)]:
            raise ConfigError(problems)
        if options.strict and warnings:
            raise ConfigError(warnings)
        journal = _journal(config.gateway)
    except JournalError as error:
        return _refused(ConfigError([ConfigProblem("gateway.journal", str(error))]), as_json=options.json)
    except ConfigError as error:
        return _refused(error, as_json=options.json)
    if options.json:
        print(json.dumps(as_document(config, plans, warnings) | {"journal": journal}, indent=2))
        return 0
    for warning in warnings:
        say(f"warning: {warning}", level="warning")
    print(f"{', '.join(map(str, files))}: valid")
    print("\n".join((f"journal: {journal}", *_overview(config))))
    for feed in config.feeds:
        print("\n".join(_feed(feed, plans[feed.name])))
    return 0


def _refused(error: ConfigError, *, as_json: bool) -> int:
    if not as_json:
        raise error
    print(json.dumps({"valid": False, "problems": list(map(attrs.asdict, error.problems))}, indent=2))
    return 2


def as_document(config: GatewayConfig, plans: Mapping[str, Plan], warnings: Iterable[ConfigProblem]) -> dict[str, Any]:
    """What ``--json`` prints of a valid configuration."""
    return {
        "valid": True,
        "warnings": list(map(attrs.asdict, warnings)),
        "webhooks": config.webhooks.listen,
        "routes": [{"select": list(map(str, each.select)), "sinks": list(each.sinks)} for each in config.routes],
        "feeds": {
            feed.name: {
                "provider": feed.provider_name,
                "source": str(feed.provider.source),
                "url": None if feed.webhook_only else display_url(feed.provider),
                "webhook": feed.webhook is not None,
                "topics": list(plans[feed.name].topics),
                "subscriptions": [
                    {
                        "selector": str(entry.selector),
                        "topics": list(entry.topics),
                        "filtered": entry.filtered,
                        "reason": entry.reason,
                    }
                    for entry in plans[feed.name].entries
                ],
            }
            for feed in config.feeds
        },
    }


def _unusable(config: GatewayConfig) -> Iterator[ConfigProblem]:
    """The certificates by which the servers could not start; clients read theirs with their options."""
    for name, table in (("webhooks", config.webhooks), ("serve", config.serve)):
        if table.tls_cert is not None:
            try:
                server_context(table.tls_cert, table.tls_key)
            except TLSFileError as error:
                yield ConfigProblem(f"{name}.tls_{error.file}", str(error))


def _doubts(config: GatewayConfig, plans: dict[str, Plan], own_kinds: Iterable[str]) -> Iterator[ConfigProblem]:
    """Settings that are allowed and deliver no event."""
    for name, plan in plans.items():
        if not any(row.topics or not row.reason for row in plan.entries):
            yield ConfigProblem(f"feeds.{name}", "no route selects anything of this feed")
        for row in plan.entries:
            if row.reason:
                yield ConfigProblem(f"feeds.{name}", f"{row.selector}: {row.reason}")
            for text in row.surplus:
                yield ConfigProblem(f"feeds.{name}", text)
    for number, route in enumerate(config.routes):
        for position, selector in enumerate(route.select):
            served = any(row.selector == selector for plan in plans.values() for row in plan.entries)
            if not served and "stream" not in (selector.kind.entity, selector.address.resource):
                hint = explain_unknown(*selector.kind, own_kinds)
                message = f"{selector}: no feed delivers such events{hint and '; '}{hint}"
                yield ConfigProblem(f"routes[{number}].select[{position}]", message)


def _overview(config: GatewayConfig) -> Iterator[str]:
    if config.webhooks.listen is not None:
        yield f"webhooks: {config.webhooks.listen}, {'TLS' if config.webhooks.tls_cert else 'plain HTTP'}"
    for route in config.routes:
        yield f"route: {', '.join(map(str, route.select))} -> {', '.join(route.sinks)}"


def _journal(options: GatewayOptions) -> str:
    if options.journal == "memory":
        return (
            f"memory, the last {options.memory_events} events; "
            "events that no sink has yet are lost when the process ends, and counted"
        )
    path = Path(options.journal)
    state, covered = "created at the first start", ""
    if feeds := feed_journals(path):
        stores = [SegmentStore.open(each, readonly=True) for each in feeds.values()]
        state = f"exists, one for each feed by --workers: {', '.join(feeds)}; {sum(each.size for each in stores)} bytes"
        for store in stores:
            store.close()
    elif path.is_dir():
        check_content(path)
        store = SegmentStore.open(path, readonly=True)
        state = f"exists, {store.size} bytes"
        if coverage := measure_coverage(store, options.retain_bytes):
            covered = f"; {coverage}"
        store.close()
    elif os.path.lexists(path):
        if not is_old_form(path):
            raise JournalError(f"{path}: is not a folder; name a folder for the journal, or move this away")
        state = "of the old form, taken over at the next start"
    survives = "crashes of the process and power failures" if options.fsync else "crashes of the process"
    kept = f"keeps at most {options.retain_seconds:g} s and {options.retain_bytes} bytes{covered}"
    return f"{path} ({state}); survives {survives}; {kept}"


def _feed(feed: Feed, plan: Plan) -> Iterator[str]:
    yield ""
    by_webhook = f"by webhook at /webhooks/{quote(feed.name, safe='')}"
    way = by_webhook if feed.webhook_only else display_url(feed.provider) or "its own source"
    yield f"feed {feed.name}: {feed.provider_name}, {feed.provider.source}, {way}"
    if feed.webhook is not None and not feed.webhook_only:
        yield f"  and {by_webhook}: the vendor sends everything, which is filtered here"
    rows = [("selected", "subscribed", "filtered here")]
    for entry in plan.entries:
        topics = entry.topics or (f"nothing: {entry.reason or 'the vendor sends everything by webhook'}",)
        rest = f"all but {entry.selector}" if entry.filtered else "nothing"
        rows.append((str(entry.selector), topics[0], "" if entry.reason else rest))
        rows += [("", topic, "") for topic in topics[1:]]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for row in rows:
        yield f"  {row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}".rstrip()
    count = len(plan.topics)
    yield f"  in all {count} {'topic' if count == 1 else 'topics'}"
