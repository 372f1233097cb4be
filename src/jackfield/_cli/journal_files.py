"""``jackfield journal export|import|backup|compact``: a journal's files as a whole."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime
from math import inf
from pathlib import Path

from jackfield._cli.console import say
from jackfield._cli.moments import check_span, moment
from jackfield._cli.paths import named_path
from jackfield._journal.copying import back_up, compact, export, import_events, new_file
from jackfield.config import GatewayOptions, read_toml

__all__ = ["configure"]

FOREVER = 2**62
STANDARD_OUTPUT = Path("-")
COMPRESSED = (".gz", ".zst", ".zstd", ".xz", ".bz2", ".lz4", ".lzma", ".br", ".zip", ".7z", ".z", ".tgz")
Action = Callable[[str, str], argparse.ArgumentParser]


def configure(
    action: Action,
    folder: Callable[[Path], Path],
    options_of: Callable[[Path], GatewayOptions | None],
) -> None:
    """Declare the actions; `folder` finds the journal's folder of a path, `options_of` what its configuration says."""
    parser = action("export", "write the events to a new file, one CloudEvents JSON object a line")
    _add_path(parser)
    help_text = (
        "a new file, or - for standard output; compressed where it ends in .gz, and no other ending of a compressed "
        "file is taken"
    )
    parser.add_argument("file", type=_export_file, metavar="FILE", help=help_text)
    parser.add_argument("--since", type=moment, metavar="WHEN", help="received at or after this moment, or so long ago")
    parser.add_argument("--until", type=moment, metavar="WHEN", help="received before this moment")
    parser.set_defaults(do=lambda options: _export(options, folder(options.path)))
    parser = action(
        "import",
        "append events that the journal does not have yet, which sinks then get at the gateway's next start; "
        "not while a gateway runs",
    )
    _add_path(parser)
    parser.add_argument(
        "files",
        type=named_path,
        nargs="+",
        metavar="FILE",
        help="an export or a rescue file (.rescued-...), compressed or not, or the folder of another journal",
    )
    parser.set_defaults(do=lambda options: _import(options, folder(options.path), _sinks(options.path)))
    parser = action("backup", "copy the journal into a new folder, consistent also while a gateway runs")
    _add_path(parser)
    parser.add_argument("target", type=named_path, metavar="FOLDER", help="a new folder")
    parser.set_defaults(do=lambda options: _backup(options, folder(options.path)))
    parser = action(
        "compact",
        "delete what retain_seconds and retain_bytes allow, and free space that nothing uses; not while a gateway runs",
    )
    _add_path(parser)
    parser.set_defaults(do=lambda options: _compact(folder(options.path), options_of(options.path)))


def _add_path(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=named_path, metavar="PATH", help="a configuration, or a journal's folder itself")


def _export_file(text: str) -> Path:
    """An export's name, which must not promise a compression that it will not have."""
    path = Path(text)
    if path.suffix.lower() in COMPRESSED and path.suffix != ".gz":
        problem = f"{text!r}: exports are compressed as .gz only; name it {path.stem}.gz, or export it plain"
        raise argparse.ArgumentTypeError(problem)
    return path


def _export(options: argparse.Namespace, path: Path) -> int:
    check_span(options.since, options.until)
    since = _microseconds(options.since) if options.since else -FOREVER
    until = _microseconds(options.until) if options.until else FOREVER
    out = options.file == STANDARD_OUTPUT
    target = nullcontext(sys.stdout.buffer.write) if out else new_file(options.file)
    count, problems = export(path, since, until, target)
    _report(problems)
    where, more = "standard output" if out else options.file, f", {len(problems)} problems" if problems else ""
    say(f"{where}: {count} events written{more}")
    return 1 if problems else 0


def _sinks(path: Path) -> list[str]:
    """The names of the sinks of a configuration; of a journal's folder, none."""
    if path.is_dir() and not any(path.glob("*.toml")):
        return []
    return [*read_toml(path).get("sinks", {})]


def _microseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def _import(options: argparse.Namespace, path: Path, sinks: list[str]) -> int:
    problems: list[str] = []
    result = import_events(path, options.files, sinks, problems.append)
    _report(problems)
    copies = f", {result.copies} left out that it has already" if result.copies else ""
    unreadable = f", {result.unreadable} unreadable lines left out" if result.unreadable else ""
    say(f"{path}: {result.taken} events added{copies}{unreadable}")
    if result.taken and not result.sinks:
        say(f"{path}: knows no sink, so none will get them; name the gateway's configuration instead", level="warning")
    return 1 if problems else 0


def _backup(options: argparse.Namespace, path: Path) -> int:
    say(f"{options.target}: {back_up(path, options.target)} events copied, and read back")
    return 0


def _compact(path: Path, gateway: GatewayOptions | None) -> int:
    """Without a configuration nothing is deleted."""
    seconds, keep = (inf, FOREVER) if gateway is None else (gateway.retain_seconds, gateway.retain_bytes)
    before, after = compact(path, min(seconds, 1e11), keep)
    say(f"{path}: {before / 1e6:.1f} MB became {after / 1e6:.1f} MB")
    return 0


def _report(problems: list[str]) -> None:
    for problem in problems:
        say(problem, level="warning")
