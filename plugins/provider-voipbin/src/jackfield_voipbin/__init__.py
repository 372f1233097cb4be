"""VoIPBIN for Jackfield: the options of a ``[feeds.NAME]`` table with ``provider = "voipbin"``."""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

import attrs

from jackfield.addresses import Source
from jackfield.credentials import Secret
from jackfield.hooks import hookimpl
from jackfield.options import about, url
from jackfield.protocol import FeedProtocol
from jackfield.providers import Dialect, Endpoint, ProviderSpec
from jackfield.simulators import Simulator
from jackfield_voipbin.dialects import DocumentedDialect, PrefixDialect
from jackfield_voipbin.protocol import DocumentedProtocol
from jackfield_voipbin.topics import PROVIDER

__all__ = ["Voipbin", "jackfield_providers"]


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
