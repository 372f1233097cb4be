"""The folders of the journals that a path stands for: one, or one for each feed where several processes write them."""

from __future__ import annotations

from pathlib import Path

from jackfield._journal.per_feed import feed_journals
from jackfield._journal.store.surviving import check_content
from jackfield._journal.takeover import is_old_form
from jackfield.config import GatewayOptions, find_config, read_gateway_options, read_toml
from jackfield.errors import ConfigError, ConfigProblem, JournalError

__all__ = ["gateway_options", "journal_folder", "journal_folders"]


def journal_folder(path: Path | None) -> Path:
    """The one journal that is meant; `JournalError` names the folders where there are several."""
    folders = journal_folders(path)
    if len(folders) == 1:
        return folders[0]
    named = ", ".join(map(str, folders))
    raise JournalError(f"{folders[0].parent}: holds a journal for each feed; name one of them: {named}")


def journal_folders(path: Path | None) -> list[Path]:
    """The folders of a path, or of the configuration that is found."""
    path = path or find_config()
    if not path.exists():
        raise ConfigError([ConfigProblem("", f"{path}: there is no such file or folder")])
    if path.is_file() and is_old_form(path):
        raise JournalError(f"{path}: is a journal of the old form; the next start of its gateway takes it over")
    if (options := gateway_options(path)) is None:
        if feeds := feed_journals(path):
            return list(feeds.values())
        check_content(path)
        return [path]
    if options.journal == "memory":
        raise ConfigError([ConfigProblem("gateway.journal", "'memory' is not a folder, and cannot be inspected")])
    folder = Path(options.journal)
    return list(feed_journals(folder).values()) or [folder]


def gateway_options(path: Path | None) -> GatewayOptions | None:
    """The ``[gateway]`` table of a configuration; of a journal's folder, ``None``."""
    path = path or find_config()
    if path.is_dir() and not any(path.glob("*.toml")):
        return None
    return read_gateway_options(read_toml(path))
