"""Write the reference pages that are made from the code: ``python docs/generate.py``.

A test compares them with what this would write, so they cannot fall behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from jackfield import Registry
from jackfield.config import Route
from jackfield.options import DeliveryOptions, GatewayOptions
from jackfield.testing import ProviderSuite, SinkSuite
from jackfield.testing.rules import rules_of
from jackfield.vocabulary import KINDS
from jackfield_vinix.kinds import TABLE as VINIX
from jackfield_voipbin.kinds import TABLE as VOIPBIN
from jackfield_voipbin.kinds import ByField

REFERENCE = Path(__file__).parent / "reference"


def kinds_page() -> str:
    """Every kind, what it means, and which vendor events become it."""
    lines = [
        "# Kinds of events",
        "",
        "Made from `jackfield.vocabulary` and the providers' tables by `python docs/generate.py`.",
        "",
        "A kind is two words, `<entity>.<what happened>`. CSTA is the event of the standard ECMA-269 that means the",
        "same. What a provider has no kind for is `unmapped.<resource>`, with its payload whole.",
        "",
        "| kind | means | CSTA | VoIPBIN | Vinix |",
        "|---|---|---|---|---|",
    ]
    for kind in KINDS:
        voipbin = ", ".join(f"`{name}`" for name in _voipbin_names(kind.name)) or "–"
        vinix = ", ".join(f"`{name}`" for name in _vinix_names(kind.name)) or "–"
        lines.append(f"| `{kind.name}` | {kind.meaning} | {kind.csta or '–'} | {voipbin} | {vinix} |")
    lines += [
        "",
        "VoIPBIN's documented names have a dot (`call.status`), its deployed ones an underscore (`call_hangup`); both",
        "are recognised. A condition in brackets is a field of the payload. A call that is over is `call.failed` where",
        "it was never answered and its `hangup_reason` is busy, noanswer or failed.",
        "",
    ]
    return "\n".join(lines)


def _voipbin_names(kind: str) -> Iterator[str]:
    wanted = "call.cleared" if kind == "call.failed" else kind
    for resource, words in VOIPBIN.items():
        for word, rule in words.items():
            if isinstance(rule, ByField):
                for value, each in rule.kinds.items():
                    if each == wanted:
                        yield f"{resource}.{word}[{rule.field}={value}]"
                if rule.otherwise == wanted:
                    yield f"{resource}.{word}[else]"
            elif rule == wanted:
                yield f"{resource}.{word}"


def _vinix_names(kind: str) -> Iterator[str]:
    if kind == "contact.abandoned":
        yield "queue.leave[reason=abandoned, …]"
    for family, words in VINIX.items():
        for word, each in words.items():
            if each == kind:
                yield f"{family}.{word}"


def configuration_page() -> str:
    """Every table and every option of every plugin."""
    registry = Registry.load()
    lines = [
        "# Configuration",
        "",
        "Made from the code's own options by `python docs/generate.py`.",
        "",
        "A configuration is a TOML file. Every fault of it is told at once, with its path and what would be right;",
        "`jackfield check` does only that. An option that nobody reads is a fault, never ignored.",
        "",
        '*Secrets* are `{ env = "NAME" }` or `{ file = "path" }`, read again for each new connection; the text itself',
        "works too, with a warning. *Selectors* are described in [events](events.md#selectors).",
        "",
        "## `[gateway]`",
        "",
        *_options(GatewayOptions),
        "## `[sinks.NAME.delivery]`",
        "",
        "How the host delivers to a sink, whatever its type ([what that promises](../explanation/delivery.md)).",
        "",
        *_options(DeliveryOptions),
        "## `[[routes]]`",
        "",
        *_options(Route),
    ]
    for section, key, specs in (("feeds", "provider", registry.providers), ("sinks", "type", registry.sinks)):
        for name, spec in sorted(specs.items()):
            lines += [
                f'## `[{section}.NAME]` with `{key} = "{name}"`',
                "",
                f"{spec.summary}.",
                "",
                *_options(spec.options),
            ]
    return "\n".join(lines)


def _options(options: Any) -> Iterator[str]:
    yield "| option | default | what it is |"
    yield "|---|---|---|"
    for field in attrs.fields(attrs.resolve_types(options)):
        default = "required" if field.default is attrs.NOTHING else f"`{_toml(field.default)}`"
        yield f"| `{field.alias}` | {default} | {field.metadata['help']} |"
    yield ""


def _toml(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
    return str(value)


def conformance_page() -> str:
    """Every rule of both suites."""
    lines = [
        "# Conformance",
        "",
        "Made from the suites' own rules by `python docs/generate.py`.",
        "",
        "A plugin's author inherits a suite and declares what the vendor or the receiver can do; each rule is a test,",
        "in pytest or by `jackfield conformance DISTRIBUTION`. A level is earned by keeping all its rules and those of",
        "the levels below. A rule about something that a vendor does not have is not applicable, and counts for",
        'nothing. A rule can be exempt, with a reason: `exempt = {"gives_stable_ids": "copies differ"}`; it earns',
        "nothing then. A rule that is overridden or removed without that is noticed.",
        "",
        "`jackfield conformance` finds a distribution's suites by their entry points:",
        "",
        "```toml",
        '[project.entry-points."jackfield.conformance"]',
        'acme = "jackfield_acme.conformance:Conformance"',
        "```",
        "",
    ]
    for suite, what in ((ProviderSuite, "providers"), (SinkSuite, "sinks")):
        lines += [f"## `jackfield.testing.{suite.__name__}`, for {what}", "", "| rule | level | why |", "|---|---|---|"]
        lines += [f"| `{each.id}` | {each.level} | {each.why} |" for each in rules_of(suite)]
        lines.append("")
    return "\n".join(lines)


PAGES = {"kinds.md": kinds_page, "configuration.md": configuration_page, "conformance.md": conformance_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
