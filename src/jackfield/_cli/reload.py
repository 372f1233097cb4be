"""``jackfield reload``: have a running gateway read its configuration again, and print what came of it."""

from __future__ import annotations

import argparse
import os
import signal
import time
from pathlib import Path
from typing import Any

from jackfield._cli.config_option import add_config_option, load_config, named_files
from jackfield._cli.numbers import number
from jackfield._cli.plugin_options import add_plugin_options, load_plugins
from jackfield._cli.reloading import outcome_file, read_outcome, running_process
from jackfield.errors import ConfigError, ConfigProblem, JackfieldError

__all__ = ["configure", "run"]

EPILOG = """\
Checks the configuration, finds the gateway that runs by it by the lock of its journal,
sends it SIGHUP and waits. Prints what has changed and exits with 0; where something is
wrong, needs a restart or cannot be started, it prints every problem and exits with 2,
and the gateway goes on as it was. It exits with 1 where nothing is wrong with the
configuration: no answer in time, or a worker that died meanwhile."""

LOOK_SECONDS = 0.1


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = EPILOG
    add_config_option(parser)
    parser.add_argument(
        "--timeout",
        type=number(float, 0.0),
        default=90.0,
        metavar="SECONDS",
        help="how long to wait for the outcome (default: 90)",
    )
    add_plugin_options(parser)


def run(options: argparse.Namespace) -> int:
    """Ask, wait, and print."""
    config = load_config(named_files(options), load_plugins(options.plugins, strict=options.strict_plugins))
    path = outcome_file(config)
    if path is None:
        problem = "a journal in memory does not say which process it is of; send SIGHUP to that"
        raise ConfigError([ConfigProblem("gateway.journal", problem)])
    process = running_process(path.parent)
    before = read_outcome(path)
    try:
        os.kill(process, signal.SIGHUP)
    except OSError as error:
        raise JackfieldError(
            f"process {process}, which runs the gateway, cannot be signalled: {error.strerror}"
        ) from None
    outcome = _wait(path, before, options.timeout)
    if outcome is None:
        raise JackfieldError(f"process {process} has not said within {options.timeout:g} s how it went; see its log")
    if outcome.get("failure"):
        raise JackfieldError(f"not reloaded, the old configuration goes on: {outcome['failure']}")
    if outcome["problems"]:
        raise ConfigError([ConfigProblem(where, problem) for where, problem in outcome["problems"]])
    print("\n".join(outcome["changes"]) or "nothing has changed")
    return 0


def _wait(path: Path, before: dict[str, object], seconds: float) -> dict[str, Any] | None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (outcome := read_outcome(path)) and outcome != before:
            return outcome
        time.sleep(LOOK_SECONDS)
    return None
