"""``jackfield new``: generate a complete distribution that passes every conformance rule."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from jackfield._cli.console import say
from jackfield._cli.plugin_options import load_plugins

__all__ = ["configure", "run"]

EPILOG = """\
Writes a folder jackfield-NAME with a working plugin for a vendor or a receiver that
does not exist: options, code, README, licence, CI, and tests of every conformance rule.
It never overwrites a folder.

shapes of a provider:
  websocket  topics are subscribed to by frames (the default)
  rest       topics are subscribed to by REST, events come by websocket
  sse        topics are subscribed to by REST, events come as server-sent events
  tcp        a byte stream with a framing
  webhook    the vendor sends everything by webhook, and signs it
  simulator  as websocket, with a simulated server to test programs against

examples:
  jackfield new provider acme
  jackfield new provider acme --shape webhook
  cd jackfield-acme && pip install -e '.[testing]' && pytest"""

SHAPES = ("websocket", "rest", "sse", "tcp", "webhook", "simulator")
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# The templates are a plugin of this name; each file has SUFFIX after its own suffix.
STAND_IN = re.compile("jackfield_acme|test_acme|ACME|Acme|acme")
SUFFIX = ".txt"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    parser.add_argument("what", metavar="{provider,sink}", choices=["provider", "sink"], help="what the plugin offers")
    parser.add_argument("name", metavar="NAME", help="its name in configurations, such as acme or acme-cloud")
    parser.add_argument("--shape", choices=SHAPES, help="how a provider reaches its vendor (default: websocket)")
    parser.add_argument(
        "--into", type=Path, default=Path(), metavar="FOLDER", help="where to create the folder (default: here)"
    )


def run(options: argparse.Namespace) -> int:
    """Write the distribution."""
    problem = _problem(options.what, options.name)
    if options.what == "sink" and options.shape:
        problem = f"--shape {options.shape} is of providers; a sink has none"
    folder = options.into / f"jackfield-{options.name}"
    if not problem and folder.exists():
        problem = f"{folder} exists already; nothing was written"
    if problem:
        say(f"jackfield: {problem}", level="error")
        return 2
    names = _names(options.name)
    try:
        for path, text in _layered(options.what, options.shape or SHAPES[0]).items():
            target = folder / _renamed(path, names)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_renamed(text, names), encoding="utf-8")
            print(target)
    except OSError as error:
        say(f"jackfield: {error.filename}: {error.strerror}", level="error")
        return 1
    say(f"next: cd {folder} && pip install -e '.[testing]' && pytest")
    return 0


def _problem(what: str, name: str) -> str:
    if not NAME.fullmatch(name):
        form = "lower-case letters and digits, words joined by '-', starting with a letter"
        return f"{name!r} is not a valid name of a {what}: use {form}, such as acme or acme-cloud"
    if name.startswith("jackfield-"):
        return f"the distribution of {name!r} would be jackfield-{name}: leave out the prefix jackfield-"
    registry = load_plugins()
    for kind, taken in (("provider", registry.providers), ("sink", registry.sinks)):
        if name in taken:
            return f"a {kind} {name!r} is installed already; choose another name"
    return ""


def _names(name: str) -> dict[str, str]:
    word = name.replace("-", "_")
    return {
        "jackfield_acme": f"jackfield_{word}",
        "test_acme": f"test_{word}",
        "ACME": word.upper(),
        "Acme": "".join(part.capitalize() for part in name.split("-")),
        "acme": name,
    }


def _renamed(text: str, names: dict[str, str]) -> str:
    return STAND_IN.sub(lambda found: names[found[0]], text)


def _layered(what: str, shape: str) -> dict[str, str]:
    """The files of a template by path: what all have, what this sort has, and what the shape has in their place."""
    templates = files("jackfield._cli") / "templates"
    found: dict[str, str] = {}
    for layer in ("common", what, f"{what}-{shape}"):
        if (templates / layer).is_dir():
            found |= _templates(templates / layer)
    return found


def _templates(folder: Traversable, path: str = "") -> Iterator[tuple[str, str]]:
    for each in sorted(folder.iterdir(), key=lambda each: each.name):
        if each.is_dir():
            yield from _templates(each, f"{path}{each.name}/")
        elif each.name.endswith(SUFFIX):
            yield path + each.name.removesuffix(SUFFIX), each.read_text(encoding="utf-8")
