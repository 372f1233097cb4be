"""The options of the log, common to the commands that run a gateway for long."""

from __future__ import annotations

import argparse
import sys
from typing import get_args

from jackfield._cli.console import Console
from jackfield._cli.log_lines import LogFormat
from jackfield.reports import Level

__all__ = ["add_log_options", "made_console"]


def add_log_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--log-level`` and ``--log-format``."""
    group = parser.add_argument_group("log, on standard error")
    levels = group.add_mutually_exclusive_group()
    levels.add_argument(
        "--log-level", choices=get_args(Level), default="info", help="leave out what is below (default: info)"
    )
    levels.add_argument("--quiet", "-q", dest="log_level", action="store_const", const="warning", help="problems only")
    levels.add_argument(
        "--verbose", "-v", dest="log_level", action="store_const", const="debug", help="each subscription too"
    )
    group.add_argument(
        "--log-format",
        choices=get_args(LogFormat),
        help="text with date, zone and level; JSON lines with the name and the fields of each report; or for journald "
        "(default: text; on a terminal the time alone)",
    )


def made_console(options: argparse.Namespace) -> Console:
    """What these options ask for."""
    return Console(options.log_level, options.log_format or (None if sys.stderr.isatty() else "text"))
