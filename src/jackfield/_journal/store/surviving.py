"""What of a journal's folder still holds after a stop of any kind."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import attrs

from jackfield._journal.downtime import AccountRow, learn
from jackfield._journal.segments import SegmentFolder
from jackfield._journal.segments.segment import SUFFIX
from jackfield._journal.store.integrity import State
from jackfield._journal.store.records import Notes, Token
from jackfield._journal.store.sidecar import NAME
from jackfield.errors import EventError, JournalError
from jackfield.events import Event

__all__ = ["boot_id", "check_content", "survivors"]

SCAN = 1000
# What a crash at the very first start may leave.
BEGUN = {"writer.json", "journal.json", f"{NAME}.new"}
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def survivors(notes: Notes, state: State, folder: SegmentFolder, *, powered_off: bool) -> tuple[Notes, list[str]]:
    """What still holds of what was saved, and what is to be said about the rest."""
    findings = []
    end = folder.end
    lines = folder.read(max(folder.first, end - SCAN), SCAN).lines if powered_off else []
    if powered_off:
        findings.append(
            f"the machine stopped while a gateway ran: events behind {end - 1} may be lost, and the next one is "
            f"{folder.next}; fsync = true keeps them"
        )
    accounts = dict(notes.accounts)
    if lines:
        last = lines[-1].received
        accounts = {feed: _within(row, end, last) for feed, row in accounts.items()}
    unnoted: dict[str, AccountRow] = {}
    position = max(folder.first, state.next)  # what came after the last save
    while position < end:
        page = folder.read(position, SCAN)
        position = page.next
        for line in page.lines:
            with suppress(EventError):
                event = Event.from_cloudevent(line.body)
                if event.feed not in accounts:
                    learn(unnoted, event)
    tokens: dict[str, Token] = {}
    for feed, token in notes.tokens.items():
        if token.position > end and powered_off:
            findings.append(f"feed {feed}: its resume token stands behind event {token.position - 1}, which is lost")
        else:
            tokens[feed] = token
    cursors = {sink: folder.next if upcoming >= end else upcoming for sink, upcoming in notes.cursors.items()}
    durable = {
        name: row._replace(next=folder.next) if row is not None and row.next >= end else row
        for name, row in notes.durable.items()
    }
    accounts = unnoted | accounts
    return attrs.evolve(notes, cursors=cursors, tokens=tokens, accounts=accounts, durable=durable), findings


def _within(row: AccountRow, end: int, last: int) -> AccountRow:
    """An account, of which nothing holds behind the last event where it stands behind events that are lost."""
    if row.position <= end:
        return row
    accounted, looked = (each and min(each, last) for each in (row.accounted, row.looked))
    return row._replace(heard=min(row.heard, last), accounted=accounted, looked=looked)


def check_content(path: Path) -> None:
    """See that a folder with other things in it does not become a journal by a slip of the pen."""
    try:
        names = [each.name for each in path.iterdir()]
    except OSError:
        return  # what is wrong with it shows when it is opened
    if names and NAME not in names and not any(name.endswith(SUFFIX) or name in BEGUN for name in names):
        raise JournalError(f"{path}: is a folder that holds other things than a journal; name an empty or a new one")


def boot_id() -> str:
    """What changes whenever the machine starts; a power failure may have taken what was not synced before."""
    try:
        return BOOT_ID.read_text().strip() or "unknown"
    except OSError:
        return "unknown"
