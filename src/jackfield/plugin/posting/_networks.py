"""Which addresses a sink may connect to: what a name resolves to is checked, and exactly that is connected to.

Between a check and a connection that resolves anew, a name could change its address; here it cannot,
while TLS still verifies the name.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from itertools import zip_longest
from typing import Any

import attrs
import httpcore2
import trio

__all__ = ["CheckedBackend", "Forbidden", "Networks", "is_public", "race"]

# RFC 8305's Connection Attempt Delay.
STAGGER_SECONDS = 0.25
# Addresses of IPv6 whose last 32 bits are the IPv4 address that is really meant (RFC 6052).
_NAT64 = IPv6Network("64:ff9b::/96")


class Forbidden(Exception):
    """A name leads to no address that the configuration allows; the text says to which it leads."""


def is_public(address: str) -> bool:
    """Whether an address belongs to the internet at large, and not to this machine, its network or nobody."""
    ip = _meant(ip_address(address))
    return ip.is_global and not ip.is_multicast


def _meant(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside an address of IPv6 that only wraps one."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else ip)


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@attrs.frozen
class Networks:
    """What the configuration allows: the public internet, and what the operator wrote into the URL himself."""

    host: str
    """As the URL has it."""
    port: int
    allow_private: bool

    def allows(self, host: str, port: int, address: str) -> bool:
        """Whether a connection to this host and port may go to this address of it."""
        if self.allow_private or is_public(address):
            return True
        if (host, port) != (self.host, self.port):
            return False
        return _is_literal(host) or (host == "localhost" and ip_address(address).is_loopback)


@attrs.frozen
class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """How httpcore2 connects: to those addresses of a host that are allowed, in a race."""

    _networks: Networks
    _tcp: httpcore2.TrioBackend = attrs.field(factory=httpcore2.TrioBackend)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect; `Forbidden` where no address is allowed, `OSError` where there is none."""
        found = await trio.socket.getaddrinfo(host, port, type=trio.socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
        allowed = [address for address in addresses if self._networks.allows(host, port, address)]
        if not allowed:
            raise Forbidden(f"{host} leads to {', '.join(addresses)}, which is not on the public internet")
        connect = partial(
            self._tcp.connect_tcp,
            port=port,
            timeout=timeout,
            local_address=local_address,
            socket_options=socket_options,
        )
        return _Stream(await race(connect, _alternating(allowed)))


async def race(
    connect: Callable[[str], Awaitable[httpcore2.AsyncNetworkStream]], addresses: Iterable[str]
) -> httpcore2.AsyncNetworkStream:
    """The first connection that is there, to any of the addresses (RFC 8305); the last error where there is none.

    The next address is tried as soon as one fails, or has not answered for `STAGGER_SECONDS`.
    """
    won: list[httpcore2.AsyncNetworkStream] = []
    errors: list[Exception] = []
    try:
        async with trio.open_nursery() as nursery:

            async def attempt(address: str, failed: trio.Event) -> None:
                try:
                    stream = await connect(address)
                except (OSError, httpcore2.NetworkError, httpcore2.TimeoutException) as error:
                    errors.append(error)
                    failed.set()
                    return
                won.append(stream)
                nursery.cancel_scope.cancel()

            for address in addresses:
                failed = trio.Event()
                nursery.start_soon(attempt, address, failed)
                with trio.move_on_after(STAGGER_SECONDS):
                    await failed.wait()
    except BaseException:  # a cancellation, alone or in a group
        await _close_all(won)
        raise
    await _close_all(won[1:])
    if not won:
        raise errors[-1]
    return won[0]


async def _close_all(streams: list[httpcore2.AsyncNetworkStream]) -> None:
    with trio.CancelScope(shield=True):
        for stream in streams:
            await stream.aclose()


def _alternating(addresses: list[str]) -> list[str]:
    """In the resolver's order, but the families in turn: often one of them has no route."""
    first = ":" in addresses[0]
    same = [address for address in addresses if (":" in address) == first]
    other = [address for address in addresses if (":" in address) != first]
    pairs = zip_longest(same, other)
    return [address for pair in pairs for address in pair if address is not None]


@attrs.frozen
class _Stream(httpcore2.AsyncNetworkStream):
    """A connection that is closed when its TLS handshake is cancelled; httpcore2's own stays open then."""

    _tcp: httpcore2.AsyncNetworkStream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._tcp.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._tcp.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._tcp.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        try:
            return await self._tcp.start_tls(ssl_context, server_hostname, timeout)
        except trio.Cancelled:
            with trio.CancelScope(shield=True):
                await self.aclose()
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._tcp.get_extra_info(info)
