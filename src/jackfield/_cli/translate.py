"""``jackfield translate``: a topic, binding, address or selector in all its forms."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from jackfield._cli.console import say
from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._loading.registry import Registry
from jackfield._routing.planner import plan_topics
from jackfield.addresses import Address, AddressPattern
from jackfield.errors import NoTopicError, SelectorError
from jackfield.kinds import explain_unknown
from jackfield.plugin.provider import Dialect, ProviderSpec, relays
from jackfield.selectors import Selector

__all__ = ["configure", "run"]

EPILOG = """\
If TEXT is a topic in a provider's dialect, it is read as that topic, once for each
meaning that the dialects give it; otherwise it is read as an address or a selector.
Printed are the equivalent selector, the kinds of events that it can deliver, and the
topics that each provider would subscribe to; for an address also the topic that its
events are published under.

examples:
  jackfield translate 'customer_id:abc123:call:*'
  jackfield translate customer_id:abc123:call:xyz789 call.status
  jackfield translate qubicle.queue.4b31dd1d.QID.join
  jackfield translate 'contact.* @ vinix/account/4b31dd1d/**'
  jackfield translate contact.queued --scope-id abc123 --json"""

ANY_ID = "<id>"


@attrs.frozen
class _Spoken:
    """One dialect of one provider, for one customer or account."""

    provider: str
    dialect_name: str
    dialect: Dialect

    def __str__(self) -> str:
        return f"{self.provider} ({self.dialect_name})"


@attrs.define
class _Ways:
    """What a text is, if it is read as a certain selector."""

    what: str
    dialects: list[str] = attrs.field(factory=list)
    """The dialects that it is a topic of."""
    notes: list[str] = attrs.field(factory=list)

    def __str__(self) -> str:
        return f"{self.what} of {' and '.join(self.dialects)}" if self.dialects else self.what


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("text", metavar="TEXT", help="a vendor's topic or binding, an address, or a selector")
    parser.add_argument(
        "event", nargs="?", metavar="EVENT", help="the vendor's name of an event that is published under the topic TEXT"
    )
    parser.add_argument(
        "--scope-id", metavar="ID", help=f"the customer's or account's id, if TEXT does not name it (default: {ANY_ID})"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """Read the text in all possible ways, and print each reading."""
    registry = load_plugins(options.plugins, strict=options.strict_plugins)
    providers = registry.providers
    readings, problems = _read(options.text, options.event, options.scope_id or ANY_ID, registry)
    if not readings:
        reasons = "\n".join(problems or ["no provider is installed"]).replace("\n", "\n  ")
        say(f"jackfield: {options.text!r} cannot be translated:\n  {reasons}", level="error")
        return 2
    described = [_describe(selector, ways, options.scope_id, providers) for selector, ways in readings.items()]
    if options.json:
        print(json.dumps({"text": options.text, "readings": described}, indent=2, ensure_ascii=False))
    else:
        print("\n\n".join("\n".join(_shown(each)) for each in described))
    return 0


def _spoken(providers: Mapping[str, ProviderSpec], scope_id: str) -> Iterator[_Spoken]:
    for name, spec in sorted(providers.items()):
        for dialect_name, dialect in spec.dialects(scope_id).items():
            if not relays(dialect):  # whose topics are all vendors' addresses, as they are
                yield _Spoken(name, dialect_name, dialect)


def _read(text: str, event: str | None, scope_id: str, registry: Registry) -> tuple[dict[Selector, _Ways], list[str]]:
    """The selectors that the text can mean, each with what the text is then; or the reasons why there is none."""
    readings: dict[Selector, _Ways] = {}
    problems = []
    for each in _spoken(registry.providers, scope_id):
        note = ""
        try:
            if event is None:
                pattern, note = each.dialect.describe(text)
            else:
                pattern = AddressPattern.exactly(each.dialect.address_of(text, event))
        except ValueError as error:
            problems.append(f"not a topic of {each}: {error}")
        else:
            ways = readings.setdefault(Selector(address=pattern), _Ways("a topic"))
            ways.dialects.append(str(each))
            ways.notes += [note] if note else []
    if not readings and event is None:
        try:
            selector = Selector.parse(text)
        except SelectorError as error:
            problem = f"not an address or a selector:\n{error.pointed()}"
            return {}, [problem] if "/" in text or "@" in text else [problem, *problems]
        hint = explain_unknown(*selector.kind, registry.kinds)
        readings[selector] = _Ways(
            "an address" if _is_address(selector) else "a selector", notes=[hint] if hint else []
        )
    return readings, problems


def _is_address(selector: Selector) -> bool:
    return selector.kind == (None, None) and None not in selector.address


def _describe(
    selector: Selector, ways: _Ways, scope_id: str | None, providers: Mapping[str, ProviderSpec]
) -> dict[str, Any]:
    """All forms of a selector, as ``--json`` prints them."""
    kinds: set[str] = set()
    subscribed, published = [], []
    for each in _spoken(providers, scope_id or selector.address.scope_id or ANY_ID):
        row: dict[str, Any] = {"provider": each.provider, "dialect": each.dialect_name}
        plan = plan_topics(each.provider, each.dialect, [selector])
        entry = plan.entries[0] if plan.entries else None
        reason = "it has no such events" if entry is None else entry.reason
        filtered, surplus = (entry.filtered, list(entry.surplus)) if entry else (False, [])
        subscribed.append(
            row | {"topics": list(plan.topics), "filtered": filtered, "reason": reason, "surplus": surplus}
        )
        if plan.topics:
            kinds.update(kind for kind in each.dialect.kinds_of(selector.address) if selector.kind.matches(kind))
        if plan.topics and _is_address(selector):
            try:
                topic, event = each.dialect.native_of(Address(*map(str, selector.address)))
            except NoTopicError as error:
                published.append(row | {"topic": None, "event": None, "reason": str(error)})
            else:
                published.append(row | {"topic": topic, "event": event, "reason": ""})
    return {
        "is": str(ways),
        "selector": str(selector),
        "address": str(selector) if _is_address(selector) else None,
        "notes": list(ways.notes),
        "kinds": sorted(kinds),
        "published": published,
        "subscribed": subscribed,
    }


def _shown(reading: Mapping[str, Any]) -> Iterator[str]:
    kinds = ", ".join(reading["kinds"]) or "none: no installed provider has such events"
    yield f"{reading['is']}:"
    yield f"  {'address ' if reading['address'] else 'selector'}  {reading['selector']}"
    for note in reading["notes"]:
        yield f"  note      {note}"
    yield from textwrap.wrap(kinds, 100, initial_indent="  kinds     ", subsequent_indent=" " * 12)
    if published := reading["published"]:
        yield "  published as"
        yield from _table([(_dialect(row), row["reason"] or f"{row['topic']}  {row['event']}") for row in published])
    yield "  subscribed"
    yield from _table([line for row in reading["subscribed"] for line in _sent(row)])


def _dialect(row: Mapping[str, Any]) -> str:
    return f"{row['provider']} ({row['dialect']})"


def _sent(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    dialect = _dialect(row)
    for topic in row["topics"] or [f"nothing: {row['reason']}"]:
        yield dialect, topic
        dialect = ""
    if row["filtered"]:
        yield "", "… and filtered here, since that delivers more than was selected"
    for text in row["surplus"]:
        yield "", f"… {text}"


def _table(rows: list[tuple[str, str]]) -> Iterator[str]:
    width = max(len(left) for left, _ in rows)
    for left, right in rows:
        yield f"    {left:<{width}}  {right}"
