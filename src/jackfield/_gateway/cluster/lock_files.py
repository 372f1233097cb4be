"""The built-in coordinator: the processes of one machine agree by locks on files in a folder.

The system ends a lock with the process that has it, so a lease needs no renewal, and a dead member's feeds are free at
once. A process that is stopped keeps its leases. A lock holds for a file and not for its name: where the folder is
removed, each member gives up what it had there, and waits with everything new until all others must have done so too.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import attrs
import msgspec
import trio

from jackfield._loading.registry import Registry
from jackfield.errors import ConnectionLost
from jackfield.plugin.coordinator import ClusterView, CoordinatorSpec, LeaseState, OpenCoordinator
from jackfield.plugin.options import field_help

with suppress(ImportError):
    import fcntl  # Windows does not have it

__all__ = ["LOCK_FILES", "LockFiles", "coordinators"]

T = TypeVar("T")
READS = 20


class _Kept(msgspec.Struct):
    """What stands in a file."""

    member: str = ""
    fence: int = 0
    note: str = ""


def _url(_instance: Any, _attribute: Any, value: str) -> None:
    if sys.platform == "win32":
        raise ValueError("locks on files need a POSIX system; take another coordinator here")
    if not value.removeprefix("file:").removeprefix("//"):
        raise ValueError(f"{value!r} names no folder; give one such as file:/run/jackfield/cluster")


@attrs.frozen
class LockFiles:
    """A folder on this machine."""

    url: str = attrs.field(
        validator=_url, metadata=field_help("file: and a folder that all members can write", path=True)
    )

    @property
    def folder(self) -> Path:
        """The folder."""
        return Path(self.url.removeprefix("file:").removeprefix("//"))

    @property
    def shown(self) -> str:
        """Where it is."""
        return self.url

    @asynccontextmanager
    async def open(self, cluster: str, member: str, lease_seconds: float) -> AsyncGenerator[OpenCoordinator, None]:
        """One member's view of the folder."""
        opened = _OpenLockFiles(self.folder / cluster, member, lease_seconds)
        try:
            yield opened
        finally:
            opened.close()


def coordinators(registry: Registry) -> Mapping[str, CoordinatorSpec]:
    """This one, and those of plugins."""
    return {LOCK_FILES.name: LOCK_FILES, **registry.coordinators}


LOCK_FILES = CoordinatorSpec("files", "locks on files, for the processes of one machine", LockFiles, ("file",))


@attrs.define(eq=False)
class _OpenLockFiles:
    _folder: Path
    _member: str
    _lease_seconds: float
    _locks: dict[str, int] = attrs.field(factory=dict)
    """Descriptors of the files that are locked here, by their names."""
    _one: Lock = attrs.field(factory=Lock)
    """Held by the thread whose turn it is: a lease may be given back while a beat is under way."""
    _free_from: float = -math.inf
    """When no other member can believe any more that it holds what was locked in a folder that is gone."""

    async def look(self) -> ClusterView:
        return await self._in_thread(self._view)

    async def beat(self, about: str, held: Mapping[str, str]) -> ClusterView:
        def beat() -> ClusterView:
            self._check_locks()
            if self._lock(f"member {self._member}") is None:
                raise ConnectionLost(f"{self._folder}: another process is the member {self._member!r} there")
            self._write(f"member {self._member}", _Kept(self._member, 0, about))
            for lease, note in held.items():
                if (name := f"lease {lease}") in self._locks:
                    self._write(name, msgspec.structs.replace(self._read(name), note=note))
            return self._view()

        return await self._in_thread(beat)

    async def acquire(self, lease: str, at_least: int) -> int:
        def acquire() -> int:
            self._check_locks()
            name = f"lease {lease}"
            if time.monotonic() < self._free_from or name in self._locks or self._lock(name) is None:
                return 0
            kept = self._read(name)
            # A folder that is new may follow one that was removed, whose numbers nobody may know any more.
            fence = max(kept.fence or int(time.time()), at_least) + 1
            self._write(name, _Kept(self._member, fence, kept.note))
            return fence

        return await self._in_thread(acquire)

    async def release(self, lease: str, note: str) -> None:
        def release() -> None:
            self._check_locks()
            if (name := f"lease {lease}") in self._locks:
                self._write(name, msgspec.structs.replace(self._read(name), note=note))
                os.close(self._locks.pop(name))

        await self._in_thread(release)

    async def leave(self) -> None:
        def leave() -> None:
            if (descriptor := self._locks.pop(name := f"member {self._member}", None)) is not None:
                self._path(name).unlink(missing_ok=True)
                os.close(descriptor)

        await self._in_thread(leave)

    def close(self) -> None:
        for descriptor in self._locks.values():
            os.close(descriptor)
        self._locks.clear()

    # -- files, in a thread ------------------------------------------------------------------------

    async def _in_thread(self, work: Callable[[], T]) -> T:
        def alone() -> T:
            with self._one:
                return work()

        try:
            return await trio.to_thread.run_sync(alone)
        except OSError as error:
            raise ConnectionLost(f"{self._folder}: {error.strerror or error}") from None

    def _path(self, name: str) -> Path:
        return self._folder / quote(name, safe=" ")

    def _lock(self, name: str) -> int | None:
        """The descriptor of a file that is locked here; ``None`` where another process has it."""
        if name in self._locks:
            return self._locks[name]
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        self._locks[name] = descriptor
        return descriptor

    def _check_locks(self) -> None:
        """Give up what is locked in files that are not there any more: whoever comes locks others."""
        gone = [name for name, descriptor in self._locks.items() if not self._is_there(name, descriptor)]
        if not gone:
            return
        for name in gone:
            os.close(self._locks.pop(name))
        self._free_from = time.monotonic() + self._lease_seconds
        raise ConnectionLost(
            f"{self._folder}: was removed or replaced while members used it; nothing is held there any more, and feeds "
            f"are taken anew in {self._lease_seconds:g} s"
        )

    def _is_there(self, name: str, descriptor: int) -> bool:
        with suppress(FileNotFoundError, NotADirectoryError):
            return os.path.samestat(os.fstat(descriptor), self._path(name).stat())
        return False

    def _is_locked(self, name: str) -> bool:
        """Whether any process holds a file."""
        if name in self._locks:
            return True
        with suppress(FileNotFoundError):
            descriptor = os.open(self._path(name), os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                os.close(descriptor)
        return False

    def _read(self, name: str) -> _Kept:
        path = self._path(name)
        for _ in range(READS):
            with suppress(msgspec.MsgspecError):  # it is being written at this moment
                text = path.read_bytes() if path.exists() else b""
                return msgspec.json.decode(text, type=_Kept) if text else _Kept()
        raise ConnectionLost(f"{path}: is not what a member writes; delete it where its cluster is not in use")

    def _write(self, name: str, kept: _Kept) -> None:
        # In one write, beside the lock, which is the file's own: a file put in its place would not be locked.
        text = msgspec.json.encode(kept)
        os.pwrite(self._locks[name], text, 0)
        os.ftruncate(self._locks[name], len(text))

    def _view(self) -> ClusterView:
        members: dict[str, str] = {}
        leases: dict[str, LeaseState] = {}
        for path in sorted(self._folder.iterdir()) if self._folder.exists() else ():
            name = unquote(path.name)
            sort, _, about = name.partition(" ")
            is_locked, kept = self._is_locked(name), self._read(name)
            if sort == "lease":
                leases[about] = LeaseState(kept.member if is_locked else "", kept.fence, kept.note)
            elif sort == "member" and is_locked:
                members[about] = kept.note
            elif sort == "member" and about != self._member:
                path.unlink(missing_ok=True)  # of a process that is gone
        return ClusterView(members, leases)
