"""Finds the installed plugins and imports them; a broken package costs itself and is named.

What a plugin prints while it is imported, or while it answers a hook, goes to standard error: standard output carries
data.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.metadata import Distribution, EntryPoint, distributions
from io import StringIO
from typing import Any

import attrs

from jackfield.errors import PluginError
from jackfield.plugin.hooks import ENTRY_POINT_GROUP
from jackfield.reports import PluginLoadFailed

__all__ = ["Found", "find_plugins", "plugin_code", "prints_to_stderr"]


@attrs.frozen
class Found:
    """An entry point of an installed distribution, not yet imported."""

    distribution: str
    version: str
    point: EntryPoint

    def load(self) -> Any:
        """Import the plugin; `PluginError` says why that fails."""
        with plugin_code("cannot be imported:"), prints_to_stderr():
            return self.point.load()


@contextmanager
def plugin_code(failing: str) -> Iterator[None]:
    """Run a plugin's code; `PluginError` where it raises anything, or asks the process to exit."""
    try:
        yield
    except PluginError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever a plugin does, the host goes on
        raise PluginError(f"{failing} {type(error).__name__}: {error}") from None


@contextmanager
def prints_to_stderr() -> Iterator[None]:
    """Send what is printed to standard error, where there is one."""
    with redirect_stdout(sys.stderr or StringIO()):
        yield


def find_plugins() -> tuple[list[Found], list[PluginLoadFailed]]:
    """The entry points of all installed distributions, sorted, and those that cannot be read; of one name the first."""
    found: dict[str, list[Found]] = {}
    failures: list[PluginLoadFailed] = []
    for distribution in distributions():
        try:
            points = _points(distribution)
        except _BrokenError as broken:
            failures.append(PluginLoadFailed(_folder(distribution), ENTRY_POINT_GROUP, str(broken)))
            continue
        if points:
            name, version = _name_of(distribution)
            if not name:
                problem = "the distribution has no readable METADATA: install it again, or remove what is left of it"
                failures.append(PluginLoadFailed(_folder(distribution), points[0].name, problem))
                continue
            found.setdefault(name.replace("_", "-").lower(), [Found(name, version, point) for point in points])
    flat = [each for group in found.values() for each in group]
    return sorted(flat, key=lambda each: (each.distribution, each.point.name)), failures


# What the metadata's parser makes of damaged files.
_DAMAGED = (OSError, ValueError, AttributeError, KeyError, TypeError)


class _BrokenError(Exception):
    """The entry points of a distribution cannot be read."""


def _points(distribution: Distribution) -> list[EntryPoint]:
    """A distribution's entry points in our group; none where it is broken and does not look like a plugin."""
    try:
        text = distribution.read_text("entry_points.txt") or ""
        if ENTRY_POINT_GROUP not in text:
            return []
        return list(distribution.entry_points.select(group=ENTRY_POINT_GROUP))
    except UnicodeDecodeError as error:
        if f"[{ENTRY_POINT_GROUP}]".encode() not in error.object:
            return []
        raise _BrokenError("its entry_points.txt is not UTF-8 text") from None
    except _DAMAGED as error:
        raise _BrokenError(f"its entry_points.txt cannot be read: {type(error).__name__}: {error}") from None


def _name_of(distribution: Distribution) -> tuple[str, str]:
    try:
        if distribution.read_text("METADATA") or distribution.read_text("PKG-INFO"):
            return distribution.name or "", distribution.version or ""
    except _DAMAGED:
        pass
    return "", ""


def _folder(distribution: Distribution) -> str:
    """Where a distribution without a name is, as far as that can be said."""
    return str(getattr(distribution, "_path", None) or distribution.locate_file(""))
