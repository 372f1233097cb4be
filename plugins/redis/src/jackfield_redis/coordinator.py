"""The coordinator: leases of vendors' feeds in Redis, with fencing numbers, by the server's clock."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs

from jackfield.errors import ConnectionLost, SecretError
from jackfield.plugin.coordinator import ClusterView, LeaseState, OpenCoordinator
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import iter_secrets
from jackfield_redis.keys import cluster_keys
from jackfield_redis.server import RedisAddress

if TYPE_CHECKING:
    from jackfield_redis.link import Argument, Link
    from jackfield_redis.scripts import Script

__all__ = ["RedisCoordinator"]


@attrs.frozen(kw_only=True)
class RedisCoordinator(RedisAddress):
    """Gateways on several machines agree by Redis on who holds which feed."""

    @asynccontextmanager
    async def open(self, cluster: str, member: str, lease_seconds: float) -> AsyncGenerator[OpenCoordinator, None]:
        """One member's view of a cluster; nothing is connected before the first call."""
        # Imported when it is opened: it costs 200 ms that most commands do not need.
        from jackfield_redis.link import linked

        async with linked(self) as link:
            yield _OpenRedis(self, link, cluster_keys(cluster), member, int(lease_seconds * 1000))


@attrs.define(eq=False)
class _OpenRedis:
    _options: RedisCoordinator
    _link: Link
    _keys: list[str]
    _member: str
    _milliseconds: int
    _redact: Redactor = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._redact = Redactor.of(secret for _, secret in iter_secrets(self._options))

    async def look(self) -> ClusterView:
        return await self._beat("", {})

    async def beat(self, about: str, held: Mapping[str, str]) -> ClusterView:
        return await self._beat(about, held)

    async def _beat(self, about: str, held: Mapping[str, str]) -> ClusterView:
        from jackfield_redis.cluster_scripts import BEAT

        pairs = [text for pair in held.items() for text in pair]
        members, leases = await self._run(BEAT, self._member, self._milliseconds, about, *pairs)
        texts_and_numbers: list[Any] = [
            each if isinstance(each, int) else each.decode() for each in (*members, *leases)
        ]
        texts, rest = texts_and_numbers[: len(members)], texts_and_numbers[len(members) :]
        return ClusterView(
            dict(zip(texts[::2], texts[1::2], strict=True)),
            {
                rest[i]: LeaseState(rest[i + 1], int(rest[i + 2]), rest[i + 3], int(rest[i + 4]) / 1000)
                for i in range(0, len(rest), 5)
            },
        )

    async def acquire(self, lease: str, at_least: int) -> int:
        from jackfield_redis.cluster_scripts import ACQUIRE_LEASE

        return int(await self._run(ACQUIRE_LEASE, self._member, self._milliseconds, lease, at_least))

    async def release(self, lease: str, note: str) -> None:
        from jackfield_redis.cluster_scripts import RELEASE_LEASE

        await self._run(RELEASE_LEASE, self._member, lease, note)

    async def leave(self) -> None:
        from jackfield_redis.cluster_scripts import LEAVE

        await self._run(LEAVE, self._member)

    async def _run(self, script: Script, *arguments: Argument) -> Any:
        """Run a script; after any failure, and where nobody waits any more, the next call connects anew."""
        from jackfield_redis.failures import TROUBLES, failure_of

        done = False
        try:
            said = await self._link.run(script, self._keys, *arguments)
            done = True
        except TROUBLES as error:
            raise ConnectionLost(failure_of(error, self._options.shown, self._redact).reason) from None
        except (SecretError, ValueError) as error:
            raise ConnectionLost(self._redact(str(error))) from None
        finally:
            if not done:
                self._link.drop()
        return said
