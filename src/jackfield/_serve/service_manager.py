"""What systemd is sent: READY, RELOADING, STATUS, WATCHDOG and STOPPING, by one datagram each; see sd_notify(3)."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import attrs
import trio

from jackfield._gateway.snapshot import GatewayState, SupportsState
from jackfield._net.exception_groups import unwrapped
from jackfield._serve.health import health_of

__all__ = ["ServiceManager", "managed"]

STATUS_SECONDS = 10.0
MOST_STATUS = 200


@attrs.frozen
class ServiceManager:
    """The service manager that started this process; none where it did not ask for messages."""

    _address: str = ""
    _watchdog_seconds: float = 0.0

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ, process: int | None = None) -> ServiceManager:
        """The one that the environment names, if the messages are for this process."""
        address = environment.get("NOTIFY_SOCKET", "")
        watched = environment.get("WATCHDOG_PID", "") in ("", str(process or os.getpid()))
        text = environment.get("WATCHDOG_USEC", "")
        seconds = int(text) / 1_000_000 if watched and text.isdecimal() else 0.0
        return cls(address, seconds)

    def notify(self, *lines: str) -> None:
        """Send a message; whatever goes wrong with that, the service goes on."""
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as messages:
            messages.settimeout(0)
            messages.sendto("\n".join(lines).encode(), address)

    def ready(self, state: GatewayState) -> None:
        """The gateway runs."""
        self.notify("READY=1", _status(state))

    def reloading(self) -> None:
        """The gateway takes another configuration over; `ready` says that it has, or has not."""
        self.notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", "STATUS=reloading")

    def stopping(self) -> None:
        """The gateway is on its way to its end."""
        self.notify("STOPPING=1", "STATUS=stopping")

    async def keep(self, state: Callable[[], GatewayState]) -> None:
        """Say how the gateway stands, and that its event loop turns, at least twice in the watchdog's time."""
        if not self._address:
            return
        seconds = min(STATUS_SECONDS, self._watchdog_seconds / 2) if self._watchdog_seconds else STATUS_SECONDS
        while True:
            await trio.sleep(seconds)
            self.notify("WATCHDOG=1", _status(state()))


@asynccontextmanager
async def managed(gateway: SupportsState, manager: ServiceManager) -> AsyncGenerator[None, None]:
    """Keep the service manager informed meanwhile."""
    manager.ready(gateway.state())
    with unwrapped() as body:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(manager.keep, gateway.state)
            try:
                with body.watched():
                    yield
            finally:
                manager.stopping()
                nursery.cancel_scope.cancel()


def _status(state: GatewayState) -> str:
    """One line for ``systemctl status``."""
    health = health_of(state, datetime.now(UTC))
    reasons = "; ".join(f"{name}: {reason}" for name, reason in health.reasons.items())
    return f"STATUS={health.status}{reasons and ': '}{reasons}"[:MOST_STATUS]
