"""Generate the pages that come from the code: ``python docs/generate.py``.

With ``--check`` it only lists the pages that are not up to date; a test runs it.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

import attrs
from diagram import life_diagram, states_diagram

import jackfield
from jackfield import Registry
from jackfield._cli import COMMANDS, main
from jackfield._gateway.cluster.lock_files import coordinators
from jackfield.config import (
    ClusterOptions,
    ConnectionOptions,
    DashboardOptions,
    DeliveryOptions,
    GatewayOptions,
    MetricsOptions,
    NamesOptions,
    Route,
    ServeOptions,
    TokenOptions,
    ViewerOptions,
    WebhooksOptions,
)
from jackfield.kinds import KINDS
from jackfield.plugin.hooks import HookSpecs
from jackfield.selectors import Selector
from jackfield.state.lives import LIVES, UNKNOWN
from jackfield.testing import ProviderSuite, SinkSuite
from jackfield.testing._rules import rules_of
from jackfield_vinix.kinds import TABLE as VINIX
from jackfield_voipbin.kinds import TABLE as VOIPBIN
from jackfield_voipbin.kinds import ByField

DOCS = Path(__file__).parent


def kinds_page() -> str:
    """Every kind, its meaning, and the vendor events that map to it."""
    lines = [
        "# Kinds of events",
        "",
        "Generated from `jackfield.kinds` and the providers' tables by `python docs/generate.py`.",
        "",
        "A kind is two words, `<entity>.<what happened>`. The column CSTA names the equivalent event of the standard",
        "ECMA-269. An event for which a provider has no kind is `unmapped.<resource>`, with its payload unchanged.",
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
        "VoIPBIN's documented names have a dot (`call.status`), its deployed names an underscore (`call_hangup`); both",
        "are recognised. A condition in brackets is a field of the payload. A call that is over is `call.failed` if it",
        "was never answered and its `hangup_reason` is busy, noanswer or failed.",
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


def lives_page() -> str:
    """Every life: its drawing, and the table that it is drawn from."""
    lines = [
        "# Lives of calls, contacts and agents",
        "",
        "Generated from `jackfield.state.lives` by `python docs/generate.py`.",
        "",
        "One table for every vendor says which state an event leads to. A provider may leave states out, and never",
        "contradicts it: the rule `keeps_to_the_lives` of the [conformance kit](conformance.md) tests that. A program",
        "that reads events need not: `Life.step` accepts them in any order, and `jackfield.state` is made of it.",
        "",
        "A state with a double border ends the life.",
        "",
    ]
    for entity, life in LIVES.items():
        lines += [f"## {entity.capitalize()}", "", f"![The life of a {entity}](life-{entity}.svg)", ""]
        lines += ["| event | in the states | leads to |", "|---|---|---|"]
        for each in life.transitions:
            since = ", ".join("the beginning" if state == UNKNOWN else state for state in each.since)
            lines.append(f"| `{each.kind}` | {since} | {each.to or 'the same'} |")
        lines.append("")
    lines += [
        "KAZOO sends `contact.dequeued`, `contact.routed` and `contact.connected` in any order within a second, so",
        "leaving the queue changes nothing once the contact is routed. A contact that returns to the queue after an",
        "offer that failed was queued once. An agent whose contact or wrap-up ends returns to `not_ready` where that",
        "was chosen meanwhile.",
        "",
    ]
    return "\n".join(lines)


def configuration_page() -> str:
    """Every table and every option of every plugin."""
    registry = Registry.load()
    lines = [
        "# Configuration",
        "",
        "Generated from the options in the code by `python docs/generate.py`.",
        "",
        "A configuration is a TOML file, or several, or a folder of them (`conf.d`, without hidden files), which are",
        "one. Commands that get none look for `$JACKFIELD_CONFIG`, `gateway.toml` in the working directory, and",
        "`/etc/jackfield/gateway.toml`. All its problems are reported at once, each with its path and a valid",
        "alternative; `jackfield check` does only that (`--strict` for warnings too, `--json` for programs). An",
        "unknown option is an error.",
        "",
        "A *path* is relative to the file that it stands in. `${NAME}` stands for an environment variable,",
        "`${NAME:-text}` gives a default, and `$${` is a plain `${`; not in secrets.",
        "",
        '*Secrets* are `{ env = "NAME" }` or `{ file = "path" }`, read again for each new connection; the text itself',
        "is accepted too, with a warning. *Selectors* are described in [events](events.md#selectors).",
        "",
        "## `[gateway]`",
        "",
        *_options(GatewayOptions),
        "## `[webhooks]`",
        "",
        "The HTTP server for the vendors' webhooks ([how to](../how-to/webhooks-in.md)).",
        "",
        *_options(WebhooksOptions),
        "## `[metrics]`",
        "",
        "The HTTP server for Prometheus and for probes ([how to](../how-to/operate.md)).",
        "",
        *_options(MetricsOptions),
        "## `[serve]`",
        "",
        "Events and the state for programs and pages ([how to](../how-to/serve.md)).",
        "",
        *_options(ServeOptions),
        "## `[serve.tokens.NAME]`",
        "",
        *_options(TokenOptions),
        "## `[dashboard]`",
        "",
        "When the dashboard colours a figure ([how to](../how-to/dashboard.md)): each is `[WARNING, BREACH]`.",
        "",
        *_options(DashboardOptions),
        "## `[viewers.NAME]`",
        "",
        "Tokens for the dashboard. With any, it needs one, on loopback too.",
        "",
        *_options(ViewerOptions),
        "## `[names]`",
        "",
        *_options(NamesOptions),
        "## `[cluster]`",
        "",
        "With which other gateways the feeds are shared ([how to](../how-to/redis.md)). The scheme of `url` says by",
        "which coordinator; what it takes beside these options is below.",
        "",
        *_options(ClusterOptions),
        *_coordinators(registry),
        "## `[feeds.NAME]`",
        "",
        "What a feed of any provider may have beside the options of its provider, which are below.",
        "",
        *_options(ConnectionOptions),
        "## `[sinks.NAME.delivery]`",
        "",
        "How the gateway delivers to a sink of any type ([the delivery guarantees](../explanation/delivery.md)).",
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
                *_options(spec.cls),
            ]
    return "\n".join(lines)


def _coordinators(registry: Registry) -> Iterator[str]:
    common = {field.name for field in attrs.fields(ClusterOptions)}
    for _, spec in sorted(coordinators(registry).items()):
        own = [line for line in _options(spec.cls) if line.split("`")[1:2] not in [[name] for name in common]]
        if len(own) > 3:
            yield from (f"With `{':` or `'.join(spec.schemes)}:`, {spec.summary}:", "", *own)


def _options(options: Any) -> Iterator[str]:
    yield "| option | default | description |"
    yield "|---|---|---|"
    for field in sorted(attrs.fields(attrs.resolve_types(options)), key=lambda each: each.inherited):
        default = "required" if field.default is attrs.NOTHING else f"`{_toml(field.default)}`"
        yield f"| `{field.alias}` | {default} | {field.metadata['help'].replace('|', chr(92) + '|')} |"
    yield ""


def _toml(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case Selector():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case attrs.Factory(factory=factory):
            if factory in (list, tuple):
                return _toml(tuple(factory()))
            return "{}" if factory is dict else "found out"
    return str(value)


def conformance_page() -> str:
    """Every rule of both suites."""
    lines = [
        "# Conformance",
        "",
        "Generated from the rules of the suites by `python docs/generate.py`.",
        "",
        "A plugin's author inherits a suite and declares what the vendor or the receiver can do. Each rule is a test,",
        "run by pytest or by `jackfield conformance DISTRIBUTION`. A plugin has a level if it passes all rules of that",
        "level and of the levels below. A rule about a feature that the vendor does not have is not applicable and is",
        'not counted. A rule can be exempt, with a reason: `exempt = {"gives_stable_ids": "copies differ"}`; it does',
        "not count as passed. The suite detects a rule that is overridden or removed without an exemption.",
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
    lines += [
        "`jackfield.testing.WebhookSuite` has the rules of `ProviderSuite` that are not about a connection, for",
        "vendors that send everything by webhook.",
        "",
        "## What the rules find",
        "",
        "The tests of Jackfield plant each of these faults in a plugin that has none, and see that its rule finds it",
        "and no other rule is broken, except where the fault breaks two.",
        "",
    ]
    for what, faults in _planted_faults().items():
        lines += [f"| a {what} that … | is found by |", "|---|---|"]
        lines += [f"| {fault} | `{each}` |" for each, fault in sorted(faults)]
        lines.append("")
    return "\n".join(lines)


def _planted_faults() -> dict[str, list[tuple[str, str]]]:
    """The rule and the fault, in words, of every plugin in tests/conformance/faulty."""
    sys.path.insert(0, str(DOCS.parent / "tests" / "conformance"))
    try:
        faulty = importlib.import_module("faulty.providers"), importlib.import_module("faulty.sinks")
    finally:
        sys.path.pop(0)
    words = re.compile(r"(?<!^)(?=[A-Z])")
    return {
        what: [(fault[0], words.sub(" ", fault[1].__name__).lower()) for fault in module.FAULTS]
        for what, module in zip(("provider", "sink"), faulty, strict=True)
    }


def hooks_page() -> str:
    """Every hook, with its arguments and when it is called."""
    lines = [
        "# Hooks",
        "",
        "Generated from `jackfield.plugin.hooks` by `python docs/generate.py`. [Plugins](plugins.md) describes what a",
        "plugin is and what it offers through these hooks.",
        "",
    ]
    for name, hook in vars(HookSpecs).items():
        if name.startswith("jackfield_"):
            signature = inspect.signature(hook)
            parameters = list(signature.parameters.values())[1:]
            arguments = ", ".join(f"{each.name}: {each.annotation}" for each in parameters)
            lines += [
                f"## `{name}`",
                "",
                "```python",
                f"def {name}({arguments}) -> {signature.return_annotation}",
                "```",
            ]
            lines += ["", _prose(inspect.getdoc(hook) or ""), ""]
    return "\n".join(lines)


def api_page() -> str:
    """Every public module, for autodoc to fill."""
    package = Path(jackfield.__file__ or "").parent
    lines = [
        "# Public modules",
        "",
        "Names without a leading underscore are public: semantic versioning applies to them, and plugins use no",
        "others.",
        "",
    ]
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if any(part.startswith("_") and part != "__init__" for part in parts) or parts == ("__init__",):
            continue
        module = ".".join(("jackfield", *(part for part in parts if part != "__init__")))
        summary = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
        directive = ["```{eval-rst}", f".. automodule:: {module}", "```"]
        lines += [f"## `{module}`", "", *(directive if summary else ()), ""]
    return "\n".join(lines)


def command_line_page() -> str:
    """The help of every command."""
    lines = [
        "# The command line in full",
        "",
        "The output of `jackfield COMMAND --help`, generated by `python docs/generate.py`; an overview is",
        "[commands](commands.md).",
        "",
    ]
    for name in COMMANDS:
        lines += [f"## `jackfield {name}`", "", "```text", _help(name).rstrip(), "```", ""]
    return "\n".join(lines)


def _help(*command: str) -> str:
    output = io.StringIO()
    with redirect_stdout(output), suppress(SystemExit):
        main([*command, "--help"])
    return output.getvalue()


def _prose(text: str) -> str:
    return text.replace("``", "`")


PAGES = {
    "reference/kinds.md": kinds_page,
    "reference/lives.md": lives_page,
    "reference/life-contact.svg": lambda: life_diagram(LIVES["contact"]),
    "reference/life-call.svg": lambda: life_diagram(LIVES["call"]),
    "reference/life-agent.svg": lambda: life_diagram(LIVES["agent"]),
    "reference/configuration.md": configuration_page,
    "reference/conformance.md": conformance_page,
    "reference/hooks.md": hooks_page,
    "reference/api.md": api_page,
    "reference/command-line.md": command_line_page,
    "explanation/states.svg": states_diagram,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is not up to date")
    options = parser.parse_args()
    os.environ["COLUMNS"] = "90"  # so that help is wrapped the same everywhere
    stale = []
    for name, page in PAGES.items():
        path, text = DOCS / name, page()
        # Compared word by word, since versions of Python wrap help differently.
        if not path.exists() or path.read_text(encoding="utf-8").split() != text.split():
            stale.append(name)
            if not options.check:
                path.write_text(text, encoding="utf-8")
    if options.check and stale:
        sys.exit(f"not up to date, run 'python docs/generate.py': {', '.join(stale)}")
