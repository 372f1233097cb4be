"""From a batch to files: each event's line into the file that its path names, rotated when that is due.

One trip to a thread a batch, one write a file. Whatever goes wrong with a file makes us close it, so that the
next attempt opens it anew, with all the checks of a start.
"""

from __future__ import annotations

import errno
import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import attrs
import trio

from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.plugin.sink import Batch
from jackfield_file.openfile import OpenFile, make_folder, open_file
from jackfield_file.paths import Template
from jackfield_file.rotation import Policy, find_rotated, next_moment, rotated_name

__all__ = ["Writer"]

_LOG = logging.getLogger("jackfield.file")

# Each time somebody renames or removes the file under our hands we begin again; nobody does that often.
TRIES = 20
# Paths that were passed on once. Forgetting one costs another listing of a folder, no more.
MEMO = 10_000


@attrs.define(eq=False)
class Writer:
    """An open sink: what it has open, and the way there."""

    _template: Template
    _policy: Policy
    _mode: int
    _durable: bool
    _most: int
    """How many files stay open; the one that was written longest ago is closed for another. Fewer after EMFILE."""
    _now: Callable[[], datetime]
    _tend: Callable[[Path], None]
    """Called with each path when it is first opened and when it was rotated."""
    _base: Path = attrs.field(init=False)
    _files: OrderedDict[str, OpenFile] = attrs.field(factory=OrderedDict, init=False)
    _tended: set[str] = attrs.field(factory=set, init=False)
    _turn: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self._base = Path(self._template.folder).absolute()

    def prepare(self) -> None:
        """Find out whether it can work: make the folder, and open the file where there is just one; or `OSError`."""
        make_folder(self._base, durable=self._durable)
        makes_files = self._template.only is None or self._policy.rotates
        if makes_files and not os.access(self._base, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, "files cannot be made in it", str(self._base))
        if self._template.only is not None:
            file = self._open(self._template.only)
            with file.locked():
                file.mend()

    async def write(self, batch: Batch) -> None:
        """Have every event's line in its file when this returns; `DeliveryError` where one is not.

        A cancellation is heeded before the batch or after it, never between: a thread is not stopped halfway.
        """
        async with self._turn:
            await trio.to_thread.run_sync(self._write, batch.events)
        batch.delivered(len(batch))

    def close(self) -> None:
        """Close every file."""
        while self._files:
            self._files.popitem()[1].close()

    def _write(self, events: Sequence[Event]) -> None:
        name_of, only = self._template.name, self._template.only
        # In the order of the first events, up to the file that fails: what was written before it is not written again.
        lines: dict[str, list[bytes]] = {}
        if only is not None:
            lines[only] = [event.to_json() for event in events]
        else:
            for event in events:
                lines.setdefault(name_of(event), []).append(event.to_json())
        done = set()
        for name, each in lines.items():
            try:
                while not self._appended(name, b"\n".join([*each, b""])):
                    self._release()
            except OSError as error:
                self._forget(name)
                failed = {index for index, event in enumerate(events) if name_of(event) not in done}
                raise DeliveryError(f"{self._base / name}: {error.strerror}", failed=failed) from None
            done.add(name)

    def _appended(self, name: str, lines: bytes) -> bool:
        """Append; false where the process has no descriptor left for it, and files of ours could be closed for one."""
        try:
            self._append(name, lines)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE) or not self._files:
                raise
            return False
        return True

    def _release(self) -> None:
        """Close half of the files, and keep no more than that open from now on: the feeds need descriptors too."""
        self._most = max(1, len(self._files) // 2)
        for _ in range(max(1, len(self._files) - self._most)):
            self._files.popitem(last=False)[1].close()
        _LOG.warning("%s: too many open files; %d are kept open from now on", self._base, self._most)

    def _append(self, name: str, lines: bytes) -> None:
        for _ in range(TRIES):
            file = self._open(name)
            with file.locked():
                if file.in_place():
                    file.mend()
                    now = self._now()
                    if self._policy.due(size=file.size, adding=len(lines), written=file.written, now=now):
                        self._rotate(file.path, now)
                    elif file.append(lines):
                        file.written = now
                        return
            self._forget(name)
        raise OSError(errno.EBUSY, "it is renamed or removed as fast as it is made")

    def _open(self, name: str) -> OpenFile:
        if (file := self._files.get(name)) is not None:
            self._files.move_to_end(name)
            return file
        while len(self._files) >= self._most:
            self._files.popitem(last=False)[1].close()
        file = self._files[name] = open_file(self._base, name, mode=self._mode, durable=self._durable)
        if name not in self._tended:
            if len(self._tended) >= MEMO:
                self._tended.clear()
            self._tended.add(name)
            self._tend(file.path)
        return file

    def _forget(self, name: str) -> None:
        if (file := self._files.pop(name, None)) is not None:
            file.close()

    def _rotate(self, path: Path, now: datetime) -> None:
        """Rename the file to a name that is free and sorts behind all others of its path."""
        suffix = self._template.suffix
        rotated = find_rotated(path.name, suffix, (each.name for each in path.parent.iterdir()))
        moment = next_moment(now, rotated)
        path.rename(path.with_name(rotated_name(path.name, suffix, moment)))
        self._tend(path)
