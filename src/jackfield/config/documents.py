"""From files to one document: several files and folders as one, ``${VARIABLE}``, and paths beside the file.

A path in a file, such as ``journal = "var/journal"``, is relative to that file's folder and not to the working
directory, so that a command finds the same journal from wherever it is called.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import attrs

from jackfield.errors import ConfigError, ConfigProblem
from jackfield.plugin._files import open_file

__all__ = ["Document", "find_config", "read_toml"]

VARIABLE = "JACKFIELD_CONFIG"
PLACES = (Path("gateway.toml"), Path("/etc/jackfield/gateway.toml"))
SUFFIX = ".toml"
# The tables whose tables have names of their own.
NAMED = ("feeds", "sinks")
_REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\$(?P<plain>\$)(?=\{)")


class Document(dict[str, Any]):
    """The tables of a configuration's files together, and which file said what.

    Two files may not have the same ``[feeds.NAME]`` or ``[sinks.NAME]``, nor the same option in ``[gateway]`` or
    ``[webhooks]``; the routes of all files are together, in the order of the files.
    """

    def __init__(self) -> None:
        super().__init__()
        self._files: dict[str, Path] = {}
        """By the path of a table or of an option: the file that has it."""

    @classmethod
    def of(cls, tables: Mapping[str, Any], files: Mapping[str, Path]) -> Document:
        """The document of these tables, of which these files said what."""
        document = cls()
        document.update(tables)
        document._files = dict(files)
        return document

    @property
    def files(self) -> Mapping[str, Path]:
        """By the path of a table or of an option: the file that has it."""
        return self._files

    def add(self, path: Path, tables: Mapping[str, Any]) -> list[ConfigProblem]:
        """Add what another file holds; what is wrong with that."""
        problems: list[ConfigProblem] = []
        for section, value in tables.items():
            if isinstance(value, dict):
                known = self.setdefault(section, {})
                for name, each in value.items() if isinstance(known, dict) else ():
                    self._put(known, name, each, f"{section}.{name}", path, problems)
            elif isinstance(value, list) and isinstance(self.get(section, []), list):
                self.setdefault(section, []).extend(value)
            else:
                self._put(self, section, value, section, path, problems)
        return problems

    def _put(
        self, table: dict[str, Any], name: str, value: Any, where: str, path: Path, problems: list[ConfigProblem]
    ) -> None:
        if (other := self._files.get(where)) is not None:
            problems.append(ConfigProblem(where, f"stands in {other} and in {path}; one of them must go"))
            return
        table[name] = value
        self._files[where] = path

    def prepared(self, field: attrs.Attribute[Any], value: Any, where: str) -> Any:
        """An option's value with its variables filled in and its path beside its file; `ValueError` says what is wrong.

        `where` is the option's path, such as ``feeds.office.ca_file``.
        """
        secret = "Secret" in str(field.type)
        value = _filled(value, secret=secret)
        file = next((self._files[part] for part in _upwards(where) if part in self._files), None)
        if file is None:
            return value
        if secret and isinstance(value, Mapping) and isinstance(value.get("file"), str):
            return {**value, "file": str(file.parent / value["file"])}
        if field.metadata.get("path") and isinstance(value, str) and value and value != field.default:
            return _beside(file.parent, value)
        return value


def _beside(folder: Path, path: str) -> str:
    """A path that is relative to a folder, or a ``file:`` URL of one."""
    scheme = "file:" if path.startswith("file:") else ""
    rest = path.removeprefix(scheme).removeprefix("//" if scheme else "")
    return f"{scheme}{folder / rest}" if rest else path


def _upwards(where: str) -> list[str]:
    """A path and those that it is in, the longest first."""
    parts = where.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _filled(value: Any, *, secret: bool) -> Any:
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: _variable(found, secret=secret), value)
    if isinstance(value, list):
        return [_filled(each, secret=secret) for each in value]
    if isinstance(value, dict):
        stands_elsewhere = value.keys() <= {"env", "file"}
        return {key: _filled(each, secret=secret and not stands_elsewhere) for key, each in value.items()}
    return value


def _variable(found: re.Match[str], *, secret: bool) -> str:
    if found["plain"]:
        return "$"
    name = found["name"]
    if secret:
        raise ValueError(f'a secret is not written into the configuration; give {{ env = "{name}" }}')
    text = os.environ.get(name) or found["default"]
    if text is None:
        raise ValueError(f"the environment variable {name} is not set; ${{{name}:-TEXT}} gives a default")
    return text


def read_toml(*paths: Path) -> Document:
    """The document in these files and in the ``.toml`` files of these folders, in the order of their names.

    `ConfigError` where one is not readable TOML, with or without a byte order mark.
    """
    document, problems = Document(), []
    for path in paths:
        for file in _files(path):
            problems += document.add(file, _read(file))
    if problems:
        raise ConfigError(problems)
    return document


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    names = (each for each in path.glob(f"*{SUFFIX}") if not each.name.startswith("."))
    if found := sorted(each for each in names if not each.is_dir()):  # read, a link that leads nowhere is a fault
        return found
    raise ConfigError([ConfigProblem("", f"{path}: a folder without a {SUFFIX} file")])


def _read(path: Path) -> dict[str, Any]:
    try:
        with TextIOWrapper(open_file(path, pipes=True), "utf-8-sig") as file:
            text = file.read()
        if not text and path.is_fifo():
            raise ConfigError([ConfigProblem("", f"{path}: a pipe that nobody writes to")])
        return tomllib.loads(text)
    except OSError as error:
        raise ConfigError([ConfigProblem("", f"{path}: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigError([ConfigProblem("", f"{path}: not UTF-8 text")]) from None
    except ValueError as error:  # of a number with thousands of digits too
        raise ConfigError([ConfigProblem("", f"{path}: not valid TOML: {error}")]) from None
    except RecursionError:
        raise ConfigError([ConfigProblem("", f"{path}: tables or lists are nested too deeply")]) from None


def find_config() -> Path:
    """The configuration that is meant where none is named; `ConfigError` where there is none.

    ``JACKFIELD_CONFIG`` names it; else it is ``gateway.toml`` in the working directory or in ``/etc/jackfield``.
    """
    if named := os.environ.get(VARIABLE):
        return Path(named)
    for place in PLACES:
        if place.exists():
            return place
    hint = f"name one, set {VARIABLE}, or write {' or '.join(map(str, PLACES))}"
    raise ConfigError([ConfigProblem("", f"no configuration; {hint}")])
