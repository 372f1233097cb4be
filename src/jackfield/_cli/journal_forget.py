"""``jackfield journal forget-sink|forget-durable``: who needs nothing of a journal any more."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from jackfield._cli.console import say
from jackfield._cli.paths import named_path
from jackfield._journal.store import SegmentStore, forget_sink
from jackfield._journal.store.records import Notes
from jackfield.config import read_toml
from jackfield.errors import ConfigError, ConfigProblem, JournalError

__all__ = ["configure"]

Action = Callable[[str, str], argparse.ArgumentParser]


NAME_HELP = "as 'stats' shows it: a served one has its token's name before it, and TOKEN/ is all of a token's"


def configure(action: Action, folder: Callable[[Path], Path]) -> None:
    """Declare the actions; `folder` finds the journal's folder of a path."""
    parser = action("forget-sink", "forget how far a sink had come that is not configured any more")
    parser.add_argument("path", type=named_path, metavar="CONFIG", help="the configuration, whose journal is meant")
    parser.add_argument("sink", metavar="SINK", help="the sink's name")
    parser.set_defaults(do=lambda options: _forget_sink(options, folder(options.path)))
    summary = "forget a durable subscription that nobody uses any more; not while a gateway runs"
    parser = action("forget-durable", summary)
    parser.add_argument("path", type=named_path, metavar="PATH", help="a configuration, or a journal's folder itself")
    parser.add_argument("name", metavar="NAME", help=NAME_HELP)
    parser.set_defaults(do=lambda options: _forget_durable(options, folder(options.path)))


def _forget_sink(options: argparse.Namespace, path: Path) -> int:
    tables = read_toml(options.path) if path != options.path else {}
    if options.sink in tables.get("sinks", {}):
        problem = f"sink {options.sink!r} is configured; forget it when the configuration does not have it any more"
        raise ConfigError([ConfigProblem(f"sinks.{options.sink}", problem)])
    forget_sink(path, options.sink)
    say(f"{path}: sink {options.sink} is forgotten; its dead letters stay")
    return 0


def _forget_durable(options: argparse.Namespace, path: Path) -> int:
    with closing(SegmentStore.open(path)) as store:  # a gateway that runs has it in memory
        known, name = store.saved().durable, options.name
        meant = [each for each in known if each == name or (name.endswith("/") and each.startswith(name))]
        if not meant:
            there = ", ".join(known) or "none"
            raise JournalError(f"{path}: no durable subscription {name!r}; there are: {there}")
        store.save(Notes(durable=dict.fromkeys(meant)))
    for each in meant:
        say(f"{path}: the durable subscription {each} is forgotten")
    return 0
