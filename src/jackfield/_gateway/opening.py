"""Opening a gateway: from a configuration to a running one, and out of it in order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import NoneType
from typing import Any

import trio

from jackfield._gateway.arguments import expect
from jackfield._gateway.configuring import expect_config, read_config
from jackfield._gateway.gateway import Gateway
from jackfield._journal.opening import open_journal
from jackfield._loading.registry import Registry
from jackfield._net.exception_groups import unwrapped
from jackfield.config import GatewayConfig

__all__ = ["open_gateway"]


@asynccontextmanager
async def open_gateway(
    config: GatewayConfig | Mapping[str, Any] | str | Path,
    *,
    registry: Registry | None = None,
    plugins: Iterable[Any] = (),
) -> AsyncGenerator[Gateway, None]:
    """A gateway that runs inside the ``async with``.

    `config` is a TOML file's path, a document as mappings, or a configuration that was built before;
    `plugins` are further plugin objects, such as one that implements ``jackfield_observe``; `registry`
    is a set of installed plugins that was loaded, and its failures reported, before.
    Raises `ConfigError` with every problem, such as an address for webhooks that is in use, `JournalError` where the
    journal's file cannot be used, and `DeliveryError` where a sink cannot be opened.

    At the end webhooks and feeds stop, then the sinks drain for at most ``drain_seconds``, then they close. What
    could not be delivered by then is in the journal for the next start; where that is in memory, it is
    counted and reported.
    """
    expect_config(config)
    expect("registry", registry, (Registry, NoneType), "what Registry.load() returned")
    expect("plugins", plugins, Iterable, "a list of plugin objects")
    registry, reported = (registry or Registry.load()).extended(plugins), registry is not None
    for failure in () if reported else registry.failures:
        registry.observe(failure)
    config = read_config(config, registry)
    registry.redact.add(config.secrets())
    async with open_journal(config.gateway, registry.observe) as journal, AsyncExitStack() as opened:
        gateway = Gateway(config, registry, journal)
        with unwrapped() as body:
            async with trio.open_nursery() as nursery:
                with body.watched():
                    async with gateway._running(nursery, opened):
                        yield gateway
