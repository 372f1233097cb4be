"""The command ``jackfield``: one module for each subcommand, imported when it is the one that is called.

Standard output carries data and nothing else; progress, reports and errors go to standard error.
Exit status: 0 done, 1 failed while running, 2 wrong usage or configuration.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

from jackfield._cli.console import abandon_stdout, say
from jackfield.errors import ConfigError, JackfieldError, PluginError, leaves

__all__ = ["main"]

COMMANDS = {
    "demo": "both vendors, simulated, as one stream in your terminal",
    "run": "run a gateway",
    "check": "check a configuration without a network, and show what would be subscribed to",
    "tail": "show a configuration's feeds, live and readable",
    "translate": "show a topic, binding, address or selector in every form it has",
    "journal": "look into a journal, and send what it holds once more",
    "decode": "turn a vendor's frames into neutral events",
    "simulate": "run a vendor's server on this machine",
    "plugins": "show what is installed",
    "conformance": "show how good a plugin is, rule by rule",
    "new": "write a plugin to begin with",
}

DESCRIPTION = """\
Patches the event feeds of telephony and contact-centre vendors into one stream,
and delivers it without silently losing an event."""

EPILOG = """\
first steps:
  jackfield demo                 see it work, with nothing to configure
  jackfield check gateway.toml   what would happen
  jackfield run gateway.toml     make it happen

'jackfield COMMAND --help' tells more about each."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="jackfield",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"jackfield {version('jackfield')}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    chosen = next((each for each in arguments if not each.startswith("-")), "")
    module = None
    for name, summary in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if name == chosen:
            module = import_module(f"jackfield._cli.{name}")
            try:
                module.configure(command)
            except PluginError as error:
                return _failed(str(error), 2)
    options = parser.parse_args(arguments)
    assert module is not None  # argparse has turned down anything that is no command
    try:
        status: int = module.run(options)
        sys.stdout.flush()
    except ConfigError as error:
        count = len(error.faults)
        return _failed(f"{count} {'fault' if count == 1 else 'faults'} in the configuration:\n" + _indented(error), 2)
    except PluginError as error:
        return _failed(str(error), 2)
    except JackfieldError as error:
        return _failed(str(error), 1)
    except KeyboardInterrupt:
        return 0
    except BaseExceptionGroup as group:  # out of trio's nurseries
        meant, others = group.split(JackfieldError)
        if meant is not None and others is None:
            return _failed("; ".join(dict.fromkeys(map(str, leaves(meant)))), 1)
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        # A second signal has interrupted the orderly end.
        return _failed("stopped at once; what waited for a sink and is in no journal's file is lost", 1)
    except BrokenPipeError:  # whoever read our output has seen enough
        abandon_stdout()
        return 0
    return status


def _failed(message: str, status: int) -> int:
    say(f"jackfield: {message}", level="error")
    return status


def _indented(error: ConfigError) -> str:
    return "\n".join(f"  {fault}" for fault in error.faults)
