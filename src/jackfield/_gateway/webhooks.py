"""The webhooks of a gateway: the server that receives them, and what reads those of each feed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

import attrs

from jackfield._feed.session import Session
from jackfield._gateway.shutdown import Tasks
from jackfield._loading.registry import Registry
from jackfield._webhooks.receiver import WebhookReceiver
from jackfield._webhooks.server import ReceivesWebhooks, WebhookServer, open_webhook_server
from jackfield.config import GatewayConfig, WebhooksOptions
from jackfield.config.addresses import connections_of, shares
from jackfield.errors import ConfigError, ConfigProblem
from jackfield.events import Event

__all__ = ["Webhooks"]


@attrs.define(eq=False)
class Webhooks:
    """The server, and the one that takes its place where the configuration says so."""

    _config: GatewayConfig
    """Of what else is served at its address."""
    _publish: Callable[[Sequence[Event]], Awaitable[int]]
    _registry: Registry
    _opened: AsyncExitStack
    server: WebhookServer = attrs.field(init=False)
    _options: WebhooksOptions = attrs.field(init=False)
    _before: tuple[WebhookServer, WebhooksOptions] | None = None
    """What listened until the change that is under way."""

    def __attrs_post_init__(self) -> None:
        self._options = self._config.webhooks

    async def open(self, sessions: Mapping[str, Session]) -> None:
        """Listen where the options say; `ConfigError` where that cannot be."""
        self.server = await self._open(self._options, self._receivers(self._options, sessions))

    async def prepare(self, config: GatewayConfig, tasks: Tasks, *, renewed: bool) -> None:
        """Listen as another configuration says, beside the present server; `ConfigError` where that cannot be."""
        options, before = config.webhooks, self._options
        wanted = any(feed.webhook is not None for feed in config.feeds)
        moved = (options.listen, options.tls_cert, options.tls_key) != (before.listen, before.tls_cert, before.tls_key)
        if moved and (tables := shares(self._config) + shares(config)):
            problem = f"the address is that of [{tables[0]}] too, which cannot move at run time; restart the gateway"
            raise ConfigError([ConfigProblem("webhooks.listen", problem)])
        self._before = self.server, before
        if renewed or moved or (wanted and not self.server.url and options.listen is not None):
            if options.listen is not None and options.listen == before.listen and self.server.url:
                self.server.renew(options)
            else:
                self.server = await self._open(options, self.server.receivers, wanted=wanted)
                tasks.webhooks.start(self.server.run)
        self._options = options

    async def take_back(self) -> None:
        """Undo `prepare`."""
        if self._before is not None:
            server, self.server = self.server, self._before[0]
            self._options, self._before = self._before[1], None
            if server is not self.server:
                server.stop()
            elif self.server.url:
                with suppress(ConfigError):  # the files of the certificate before are gone: the new one stays
                    self.server.renew(self._options)

    def settle(self) -> None:
        """Let the server that listened before answer what it has, and end."""
        if self._before is not None and self._before[0] is not self.server:
            self._before[0].stop()
        self._before = None

    def refresh(self, sessions: Mapping[str, Session]) -> None:
        """Receive for these feeds, as they are configured now."""
        self.server.receivers = self._receivers(self._options, sessions)

    async def _open(
        self, options: WebhooksOptions, receivers: Mapping[str, ReceivesWebhooks], *, wanted: bool = False
    ) -> WebhookServer:
        tables = shares(self._config)
        opening = open_webhook_server(
            options,
            receivers,
            self._registry.observe,
            wanted=wanted or bool(tables),
            more_connections=connections_of(tables, self._config),
        )
        return await self._opened.enter_async_context(opening)

    def _receivers(self, options: WebhooksOptions, sessions: Mapping[str, Session]) -> dict[str, WebhookReceiver]:
        """The receivers of the feeds whose vendors send webhooks, by feed."""
        return {
            name: WebhookReceiver(
                session.feed,
                webhook,
                session.stats,
                session.recorder.unreadable,
                self._publish,
                self._registry.observe,
                options,
                redact=self._registry.redact,
                protocol=partial(getattr, session, "protocol"),
            )
            for name, session in sessions.items()
            if (webhook := session.feed.webhook) is not None
        }
