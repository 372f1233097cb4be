"""``jackfield conformance``: a plugin's scorecard."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from jackfield._cli.numbers import number
from jackfield._cli.progress import Progress
from jackfield.errors import PluginError

if TYPE_CHECKING:
    from jackfield.testing._scorecard import Card

__all__ = ["configure", "run"]

EPILOG = """\
A distribution names its suites in the entry-point group 'jackfield.conformance'. The
installed suites are run; the distribution's tests are not needed. Its level is the
highest one of which it passes all rules, and all rules of the levels below. An exempt
rule has a stated reason and does not count as passed. Exit status 1 if a rule fails.

examples:
  jackfield conformance jackfield-voipbin
  jackfield conformance jackfield-file --json | jq .suites[].level"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument(
        "distribution", metavar="DISTRIBUTION", help="an installed distribution, such as jackfield-http"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument(
        "--examples", type=number(int, 1), default=100, metavar="N", help="examples for each property (default: 100)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the suites and print each rule's outcome."""
    try:
        from jackfield.testing._scorecard import declared_suites, run_suite
    except ModuleNotFoundError as error:
        raise PluginError(f"{error.name} is not installed; try: pip install 'jackfield[testing]'") from None
    suites = declared_suites(options.distribution)
    cards = {}
    for name, suite in sorted(suites.items()):
        with Progress(name) as progress:
            cards[name] = run_suite(suite, examples=options.examples, before=progress.at)
    if options.json:
        document = {
            "distribution": options.distribution,
            "suites": [_document(name, card) for name, card in cards.items()],
        }
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(_text(name, card) for name, card in cards.items()))
    return 1 if any(card.failures for card in cards.values()) else 0


def _level(card: Card) -> str:
    return "none" if card.level is None else str(card.level)


def _document(name: str, card: Card) -> dict[str, Any]:
    rules = [
        {
            "id": each.rule.id,
            "level": str(each.rule.level),
            "why": each.rule.why,
            "outcome": each.outcome,
            "detail": each.detail,
        }
        for each in card.results
    ]
    return {"name": name, "suite": card.suite, "level": _level(card), "rules": rules}


def _text(name: str, card: Card) -> str:
    lines = [f"{name}  {_level(card)}  ({card.suite})"]
    for each in card.results:
        lines.append(f"  {each.outcome:<14}  {each.rule.level!s:<6}  {each.rule.id}")
        if each.detail:
            lines.append(f"  {'':<14}  {'':<6}    {each.detail}")
        if each.outcome == "fail":
            lines.append(f"  {'':<14}  {'':<6}    why: {each.rule.why}")
    return "\n".join(lines)
