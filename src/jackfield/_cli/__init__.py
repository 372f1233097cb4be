"""The command ``jackfield``: one module for each subcommand, imported when it is the one that is called.

Standard output carries data and nothing else; progress, reports and errors go to standard error.
Exit status: 0 done, 1 failed while running, 2 wrong usage or configuration, 130 interrupted before it was done.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from jackfield._cli.early_signals import end_at_signals
from jackfield._cli.streams import run_as_program

__all__ = ["main", "whole_parser"]

COMMANDS = {
    "demo": "both vendors, simulated, as one stream in your terminal",
    "run": "run a gateway",
    "reload": "have a running gateway take over what has changed in its configuration",
    "check": "validate a configuration and print each feed's subscriptions, without a network",
    "tail": "show a configuration's feeds, live and readable",
    "dashboard": "run a gateway, and watch it on a page in your browser",
    "journal": "inspect a journal, and replay its events",
    "timeline": "show a customer's contact from its first event to its last",
    "doctor": "connect to each vendor, and say what works and what to do about what does not",
    "cluster": "show which gateways share feeds, and who holds which",
    "health": "ask a running gateway whether it is well, for containers and monitors",
    "translate": "show a topic, binding, address or selector in every form it has",
    "decode": "turn a vendor's frames into neutral events",
    "simulate": "run a vendor's server on this machine",
    "new": "generate a working plugin to start from",
    "conformance": "test a plugin against the conformance rules",
    "plugins": "list the installed plugins",
    "schema": "print a JSON Schema of the configuration, for editors",
    "completion": "print a script by which bash, zsh or fish completes this command line",
}

UNTIL_SIGNAL = frozenset({"run", "dashboard", "demo", "tail", "simulate"})
"""Commands that have no other end; all others are in the middle of their work at a signal."""

DESCRIPTION = """\
Patches the event feeds of telephony and contact-centre vendors into one stream,
and delivers it without silently losing an event."""

EPILOG = """\
commands:
{commands}

first steps:
  jackfield demo                 both vendors, simulated; nothing to configure
  jackfield check gateway.toml   validate a configuration
  jackfield run gateway.toml     run it

'jackfield COMMAND --help' describes each command."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status. Without `argv` it is this process's own command."""
    if argv is None:
        if "run" in sys.argv[1:2]:
            end_at_signals()
        return run_as_program(partial(main, sys.argv[1:]))
    arguments = list(argv)
    chosen = next((each for each in arguments if not each.startswith("-")), "")
    extensions: Mapping[str, Any] = {}
    if chosen not in COMMANDS and arguments != ["--version"]:
        # The command may be a plugin's, and help lists them all; otherwise no plugin is loaded for this.
        from jackfield._cli.extensions import find_extensions

        extensions = find_extensions(frozenset(COMMANDS))
    parser, commands = _parser(extensions)
    if chosen not in commands:
        parser.parse_args(arguments)  # prints the version, help or an error, and exits
        parser.print_help(sys.stderr)
        parser.exit(2)
    # Imported with the command, so that `jackfield --version` does not wait for it.
    from jackfield._cli.outcome import status_of

    work = partial(_run, extensions.get(chosen) or chosen, commands[chosen], parser, arguments)
    return status_of(work, until_signal=chosen in UNTIL_SIGNAL)


def whole_parser() -> argparse.ArgumentParser:
    """The parser of every command with its options, those of plugins too; imports them all."""
    from jackfield._cli.extensions import find_extensions

    extensions = find_extensions(frozenset(COMMANDS))
    parser, commands = _parser(extensions)
    for name, command in commands.items():
        _module(extensions.get(name) or name).configure(command)
    return parser


def _parser(extensions: Mapping[str, Any]) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser, and that of each command, which has no options yet."""
    parser = argparse.ArgumentParser(
        prog="jackfield",
        usage="jackfield [-h] [--version] COMMAND ...",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(prog="jackfield", dest="command", metavar="COMMAND", help=argparse.SUPPRESS)
    summaries = COMMANDS | {name: each.spec.summary for name, each in extensions.items()}
    # argparse's own list would put a line break after the longest name.
    width = max(map(len, summaries))
    parser.epilog = EPILOG.format(commands="\n".join(f"  {each:<{width}}  {summaries[each]}" for each in summaries))
    return parser, {
        name: commands.add_parser(
            name,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for name, summary in summaries.items()
    }


def _run(name: Any, command: argparse.ArgumentParser, parser: argparse.ArgumentParser, arguments: list[str]) -> int:
    """Run a built-in command, imported by its name, or a plugin's command."""
    module = _module(name)
    module.configure(command)
    status: int = module.run(_parsed(parser, arguments))
    sys.stdout.flush()
    return status


def _module(name: Any) -> Any:
    return import_module(f"jackfield._cli.{name}") if isinstance(name, str) else name


def _parsed(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """The options of a command; selectors may stand behind other options too, where argparse does not look for them."""
    options, rest = parser.parse_known_args(arguments)
    if rest and (not hasattr(options, "select") or any(each.startswith("-") for each in rest)):
        parser.parse_args(arguments)  # reports what is wrong, and exits
    if rest:
        from jackfield._cli.selecting import selector

        try:
            options.select = [*options.select, *map(selector, rest)]
        except argparse.ArgumentTypeError as error:
            parser.error(str(error))
    return options


class _Version(argparse.Action):
    """Print the version, looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        # Reading the metadata of distributions takes as long as everything else here.
        from importlib.metadata import version

        print(f"jackfield {version('jackfield')}")
        parser.exit()
