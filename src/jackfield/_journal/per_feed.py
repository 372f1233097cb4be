"""The journals of a gateway in several processes: one for each feed, in a folder that is named as the journal.

Each feed's is a whole journal of its own, so that another number of processes finds it again. The folder above them
holds the lock, and the ``writer.json``, of the process that the others belong to.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, unquote

from jackfield._journal.segments.locking import lock_folder
from jackfield._journal.segments.segment import SUFFIX
from jackfield._journal.segments.state import FOLDER_FILE, Writer
from jackfield._journal.store.sidecar import NAME
from jackfield.errors import JournalError

__all__ = ["claim", "feed_journals", "folder_of", "is_journal", "refuse_feed_journals"]

EMPTY = "%"


def folder_of(journal: Path, feed: str) -> Path:
    """The folder of a feed's journal; no two feeds have the same, and none is outside."""
    name = quote(feed, safe=" ") or EMPTY
    return journal / (f"%2E{name[1:]}" if name.startswith(".") else name)


def feed_journals(journal: Path) -> dict[str, Path]:
    """The feeds' journals that are in a folder, by feed; none in what is itself a journal, or is not a folder."""
    if not journal.is_dir() or is_journal(journal):
        return {}
    folders = sorted(each for each in journal.iterdir() if each.is_dir() and is_journal(each))
    names = {each: "" if each.name == EMPTY else unquote(each.name) for each in folders}
    return {name: each for each, name in names.items() if folder_of(journal, name) == each}


def is_journal(path: Path) -> bool:
    """Whether a folder is a journal that something was written to; `JournalError` where that cannot be seen."""
    try:
        names = [each.name for each in path.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror}") from None
    return any(name in (FOLDER_FILE, NAME) or name.endswith(SUFFIX) for name in names)


def refuse_feed_journals(journal: Path) -> None:
    """`JournalError` where a gateway in one process would pass by what the journals of feeds hold."""
    if feeds := feed_journals(journal):
        raise JournalError(
            f"{journal}: holds a journal for each feed ({_few(list(feeds))}), as --workers writes them, "
            "which one process would not read. Go on with --workers 2 or more, or, once nothing waits in them (see "
            "'jackfield journal stats'), name another folder"
        )


def claim(journal: Path) -> int:
    """Lock the folder of the feeds' journals for this process; the descriptor that holds the lock.

    `JournalError` where another gateway has it, or where it is the journal of a gateway in one process.
    """
    if journal.is_dir() and is_journal(journal):
        raise JournalError(
            f"{journal}: is the journal of a gateway in one process, which several cannot share. Run it without "
            f"--workers, or stop it once nothing waits in it (see 'jackfield journal stats'), copy it for each feed "
            f"by 'jackfield journal backup {journal} NEW/FEED', and name NEW as the journal"
        )
    folder = lock_folder(journal)
    try:
        writer = Writer.open(folder, journal, "")
        writer.confirm(0)
        writer.close()
    except JournalError:
        os.close(folder)
        raise
    return folder


def _few(names: list[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
