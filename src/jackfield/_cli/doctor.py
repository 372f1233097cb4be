"""``jackfield doctor``: what works between here and each vendor, and what to do about what does not."""

from __future__ import annotations

import argparse
import json
from functools import partial

import attrs
import trio

from jackfield._cli.config_option import add_config_option, load_config, named_files
from jackfield._cli.console import say
from jackfield._cli.doctor_checks import findings
from jackfield._cli.doctor_probe import Examination
from jackfield._cli.numbers import number
from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._cli.progress import Progress
from jackfield._loading.registry import Registry
from jackfield.config import Feed, GatewayConfig
from jackfield.errors import ConfigError, ConfigProblem
from jackfield.plugin.diagnosis import Finding

__all__ = ["configure", "run"]

EPILOG = """\
Connects as 'jackfield run' would, logs in, subscribes to what the routes select, listens
for some seconds, and says for each feed what works and what to do about what does not.
Nothing is delivered and no journal is touched; a gateway may run beside it. Exits with 0
where nothing failed, 1 where something did, 2 for a wrong configuration.

examples:
  jackfield doctor gateway.toml
  jackfield doctor --feed head-office --seconds 60
  jackfield doctor --json | jq '.feeds[].findings[] | select(.outcome != "ok")'"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    add_config_option(parser)
    parser.add_argument("--feed", action="append", metavar="NAME", help="look at this feed only (repeatable)")
    parser.add_argument(
        "--seconds",
        type=number(float, 0.0, 3600.0),
        default=10.0,
        metavar="S",
        help="how long to listen for events (default: 10)",
    )
    parser.add_argument("--strict", action="store_true", help="a warning exits with 1 too")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """Examine the feeds, all at once, and print what was found."""
    registry = load_plugins(options.plugins, strict=options.strict_plugins)
    config = load_config(named_files(options), registry)
    feeds = _chosen(config, options.feed)
    found = trio.run(_examine, config, feeds, registry, options.seconds)
    outcomes = [each.outcome for _, about in found for each in about]
    failed, warnings = outcomes.count("failed"), outcomes.count("warning")
    if options.json:
        tables = {
            feed.name: {"provider": feed.provider_name, "findings": list(map(attrs.asdict, about))}
            for feed, about in found
        }
        print(json.dumps({"failed": failed, "warnings": warnings, "feeds": tables}, indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(_text(feed, about) for feed, about in found))
        say(f"{outcomes.count('ok')} ok, {warnings} warnings, {failed} failed", level="error" if failed else "info")
    return 1 if failed or (warnings and options.strict) else 0


def _chosen(config: GatewayConfig, names: list[str] | None) -> list[Feed]:
    feeds = {feed.name: feed for feed in config.feeds}
    if wrong := [name for name in names or () if name not in feeds]:
        known = ", ".join(feeds) or "none"
        raise ConfigError([ConfigProblem("--feed", f"no feed {name!r}; there are: {known}") for name in wrong])
    return [feeds[name] for name in dict.fromkeys(names or feeds)]


async def _examine(
    config: GatewayConfig, feeds: list[Feed], registry: Registry, seconds: float
) -> list[tuple[Feed, list[Finding]]]:
    registry.redact.add(config.secrets())
    selectors = tuple(dict.fromkeys(selector for route in config.routes for selector in route.select))
    stages: dict[str, str] = {}
    found: dict[str, list[Finding]] = {}
    with Progress("examining") as progress:

        def come_to(name: str, text: str) -> None:
            stages[name] = f"{name}: {text}"
            progress.at("; ".join(stages.values()))

        async def examine(feed: Feed) -> None:
            examination = Examination(feed, selectors, seconds, registry.redact, partial(come_to, feed.name))
            own = await examination.run()
            found[feed.name] = [
                attrs.evolve(each, text=registry.redact(each.text), advice=registry.redact(each.advice))
                for each in [*findings(examination.seen), *own]
            ]
            stages.pop(feed.name, None)

        async with trio.open_nursery() as nursery:
            for feed in feeds:
                nursery.start_soon(examine, feed)
    return [(feed, found[feed.name]) for feed in feeds]


def _text(feed: Feed, about: list[Finding]) -> str:
    lines = [f"feed {feed.name}: {feed.provider_name}"]
    for each in about:
        lines.append(f"  {each.outcome:<7}  {each.check:<12}  {each.text}")
        if each.advice and each.outcome != "ok":
            lines.append(f"  {'':<7}  {'':<12}  → {each.advice}")
    return "\n".join(lines)
