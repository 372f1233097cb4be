"""Vinix Contact Center for Jackfield: the options of a ``[feeds.NAME]`` table with ``provider = "vinix"``."""

from __future__ import annotations

import attrs

from jackfield.addresses import Source
from jackfield.credentials import Secret
from jackfield.hooks import hookimpl
from jackfield.options import about, url
from jackfield.protocol import FeedProtocol
from jackfield.providers import Dialect, Endpoint, ProviderSpec
from jackfield.simulators import Simulator
from jackfield_vinix.dialects import DocumentedDialect
from jackfield_vinix.protocol import DocumentedProtocol
from jackfield_vinix.topics import PROVIDER

__all__ = ["Vinix", "jackfield_providers"]


def _one_word(_instance: object, _attribute: object, value: str) -> None:
    if not value or any(each in value for each in ".*#") or value.split() != [value]:
        raise ValueError(f"{value!r} is no account id: it must be one word without '.', '*' or '#'")


@attrs.frozen
class Vinix:
    """A feed of one Vinix account."""

    url: str = attrs.field(
        validator=url("wss", "ws"), metadata=about("the gateway's URL, such as wss://host:5555, as Vinix gave it")
    )
    auth_token: Secret = attrs.field(metadata=about("the token that authentication by REST returned"))
    account_id: str = attrs.field(validator=_one_word, metadata=about("the account whose events to receive"))
    ca_file: str | None = attrs.field(
        default=None, metadata=about("a PEM file of authorities to trust instead of the system's")
    )

    @property
    def source(self) -> Source:
        """The account."""
        return Source(PROVIDER, "account", self.account_id)

    @property
    def dialect(self) -> DocumentedDialect:
        """The documented bindings of this account."""
        return DocumentedDialect(self.account_id)

    def endpoint(self) -> Endpoint:
        """The gateway; no sub-protocol and no header, which it would refuse."""
        return Endpoint(self.url, ca_file=self.ca_file)

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> FeedProtocol:
        """A fresh protocol with the token as it is now."""
        return DocumentedProtocol(feed, self.account_id, self.auth_token.reveal())


def _dialects(account_id: str) -> dict[str, Dialect]:
    return {"documented": DocumentedDialect(account_id)}


def _simulator() -> type[Simulator]:
    # Imported when it is asked for: a gateway has no use for it.
    from jackfield_vinix.simulator import VinixSimulator

    return VinixSimulator


@hookimpl
def jackfield_providers() -> list[ProviderSpec]:
    """Offer the provider ``vinix``."""
    summary = "Vinix Contact Center: queues, recipients, sessions by websocket"
    return [ProviderSpec(PROVIDER, summary, Vinix, _dialects, DocumentedProtocol, _simulator)]
