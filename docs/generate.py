"""Write the pages that are made from the code: ``python docs/generate.py``.

With ``--check`` it only tells which are not up to date; a test does that, so they cannot fall behind.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import io
import os
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

import attrs
from diagram import states_diagram

import jackfield
from jackfield import Registry
from jackfield._cli import COMMANDS, main
from jackfield.config import DeliveryOptions, GatewayOptions, Route
from jackfield.kinds import KINDS
from jackfield.plugin.hooks import HookSpecs
from jackfield.testing import ProviderSuite, SinkSuite
from jackfield.testing.rules import rules_of
from jackfield_vinix.kinds import TABLE as VINIX
from jackfield_voipbin.kinds import TABLE as VOIPBIN
from jackfield_voipbin.kinds import ByField

DOCS = Path(__file__).parent


def kinds_page() -> str:
    """Every kind, what it means, and which vendor events become it."""
    lines = [
        "# Kinds of events",
        "",
        "Made from `jackfield.kinds` and the providers' tables by `python docs/generate.py`.",
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
                *_options(spec.cls),
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


def hooks_page() -> str:
    """Every hook, with its arguments and when it is called."""
    lines = [
        "# Hooks",
        "",
        "Made from `jackfield.plugin.hooks` by `python docs/generate.py`. What a plugin is, and what it offers through",
        "these, is told on [a page of its own](plugins.md).",
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
        "What has no leading underscore is the contract: semantic versioning holds for it, and plugins use",
        "nothing else.",
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
    """What every command says of itself."""
    lines = [
        "# The command line in full",
        "",
        "What `jackfield COMMAND --help` prints, made by `python docs/generate.py`; an overview is",
        "[commands](commands.md).",
        "",
    ]
    for name in COMMANDS:
        lines += [f"## `jackfield {name}`", "", "```text", _help(name).rstrip(), "```", ""]
    return "\n".join(lines)


def _help(*command: str) -> str:
    told = io.StringIO()
    with redirect_stdout(told), suppress(SystemExit):
        main([*command, "--help"])
    return told.getvalue()


def _prose(text: str) -> str:
    return text.replace("``", "`")


PAGES = {
    "reference/kinds.md": kinds_page,
    "reference/configuration.md": configuration_page,
    "reference/conformance.md": conformance_page,
    "reference/hooks.md": hooks_page,
    "reference/api.md": api_page,
    "reference/command-line.md": command_line_page,
    "explanation/states.svg": states_diagram,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 where a page is not up to date"
    )
    options = parser.parse_args()
    os.environ["COLUMNS"] = "90"  # so that help is wrapped alike everywhere
    stale = []
    for name, page in PAGES.items():
        path, text = DOCS / name, page()
        # By its words: where the lines of help break is each version of Python's own.
        if not path.exists() or path.read_text(encoding="utf-8").split() != text.split():
            stale.append(name)
            if not options.check:
                path.write_text(text, encoding="utf-8")
    if options.check and stale:
        sys.exit(f"not up to date, run 'python docs/generate.py': {', '.join(stale)}")
