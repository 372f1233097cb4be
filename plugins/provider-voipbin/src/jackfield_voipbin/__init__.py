"""VoIPBIN for Jackfield: the options of a ``[feeds.NAME]`` table with ``provider = "voipbin"``."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

import attrs

from jackfield.addresses import Source
from jackfield.commands import CommandSpec
from jackfield.credentials import Secret
from jackfield.hooks import hookimpl
from jackfield.options import about, url
from jackfield.protocol import FeedProtocol
from jackfield.providers import Dialect, Endpoint, ProviderSpec, Webhook
from jackfield.simulators import Simulator
from jackfield_voipbin.dialects import DocumentedDialect, PrefixDialect
from jackfield_voipbin.protocol import DocumentedProtocol
from jackfield_voipbin.topics import PROVIDER
from jackfield_voipbin.webhook import Reader

__all__ = ["Voipbin", "jackfield_commands", "jackfield_providers"]


def _no_colon(_instance: object, _attribute: object, value: str) -> None:
    if not value or ":" in value or "*" in value:
        raise ValueError(f"{value!r} is no customer id: it must not be empty nor hold ':' or '*'")


@attrs.frozen
class Voipbin:
    """A feed of one VoIPBIN customer."""

    token: Secret = attrs.field(metadata=about("the token of the account, as for the REST API"))
    customer_id: str = attrs.field(validator=_no_colon, metadata=about("the customer's id, from GET /v1.0/customer"))
    url: str = attrs.field(
        default="wss://api.voipbin.net/v1.0/ws",
        validator=url("wss", "ws"),
        metadata=about("the websocket's URL, without the token"),
    )
    dialect_name: Literal["documented", "prefix"] = attrs.field(
        default="documented", alias="dialect", metadata=about("how topics are written and matched")
    )
    ca_file: str | None = attrs.field(
        default=None, metadata=about("a PEM file of authorities to trust instead of the system's")
    )
    receive: Literal["websocket", "webhook", "both"] = attrs.field(
        default="websocket", metadata=about("how events come; with both, each is still one event")
    )
    webhook_secret: Secret | None = attrs.field(
        default=None, metadata=about("what the platform signs webhooks with; `jackfield voipbin webhook show` tells it")
    )
    webhook_unsigned: bool = attrs.field(
        default=False, metadata=about("whether webhooks are taken from anybody; for installations that sign none")
    )

    def __attrs_post_init__(self) -> None:
        if self.receive == "websocket":
            return
        if self.webhook_secret is None and not self.webhook_unsigned:
            hint = "or webhook_unsigned = true for an installation before August 2026, which signs nothing"
            raise ValueError(f"receive = {self.receive!r} needs webhook_secret, {hint}")
        if self.webhook_secret is not None and self.webhook_unsigned:
            raise ValueError(
                "webhook_unsigned = true would take posts that webhook_secret turns down; give one of them"
            )

    @property
    def source(self) -> Source:
        """The customer."""
        return Source(PROVIDER, "customer", self.customer_id)

    @property
    def dialect(self) -> Dialect:
        """The topics of this customer, as the configuration has them."""
        return _dialects(self.customer_id)[self.dialect_name]

    def endpoint(self) -> Endpoint:
        """The URL with the token in its query, which is where VoIPBIN wants it."""
        parts = urlsplit(self.url)
        query = "&".join(filter(None, (parts.query, f"token={quote(self.token.reveal(), safe='')}")))
        return Endpoint(urlunsplit(parts._replace(query=query)), ca_file=self.ca_file)

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> FeedProtocol:
        """A fresh protocol in the documented dialect."""
        return DocumentedProtocol(feed, self.customer_id)

    def webhook(self, feed: str) -> Webhook | None:
        """How posts are read, where the platform is to post."""
        if self.receive == "websocket":
            return None
        return Webhook(Reader(feed, self.customer_id, self.webhook_secret), alone=self.receive == "webhook")


def _dialects(customer_id: str) -> dict[str, Dialect]:
    return {"documented": DocumentedDialect(customer_id), "prefix": PrefixDialect(customer_id)}


def _simulator() -> type[Simulator]:
    # Imported when it is asked for: a gateway has no use for it.
    from jackfield_voipbin.simulator import VoipbinSimulator

    return VoipbinSimulator


@hookimpl
def jackfield_providers() -> list[ProviderSpec]:
    """Offer the provider ``voipbin``."""
    summary = "VoIPBIN: calls, queues, agents, messages, transcripts by websocket"
    return [ProviderSpec(PROVIDER, summary, Voipbin, _dialects, DocumentedProtocol, _simulator)]


@hookimpl
def jackfield_commands() -> list[CommandSpec]:
    """Offer ``jackfield voipbin``."""
    # Imported late, since it needs the options above.
    from jackfield_voipbin.commands import COMMAND

    return [COMMAND]
