"""A feed of one account as it connects: whose events it brings, with which token."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from jackfield.addresses import Source
from jackfield.events import Event
from jackfield.plugin.diagnosis import Finding
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.protocol import FeedProtocol
from jackfield.plugin.secrets import Secret
from jackfield.plugin.transport import Endpoint
from jackfield_vinix.dialects import DocumentedDialect
from jackfield_vinix.login import Login
from jackfield_vinix.rest import CROWDED, CROWDED_SECONDS, Rest
from jackfield_vinix.topics import PROVIDER

if TYPE_CHECKING:
    from jackfield.state import Sync

__all__ = ["Account"]


@attrs.frozen
class Account:
    """A provider whose account and token are known."""

    url: str
    account_id: str
    token: Secret
    rest_url: str | None = None
    ca_file: str | None = None
    idle_check_seconds: float = 0.0
    families: tuple[str, ...] = ()
    unsubscribes: bool = False
    renew_seconds: float = 0.0
    login: Login | None = None
    """How the token was come by, where it was not configured."""

    @property
    def source(self) -> Source:
        """The account."""
        return Source(PROVIDER, "account", self.account_id)

    @property
    def dialect(self) -> DocumentedDialect:
        """The documented bindings of this account."""
        return DocumentedDialect(self.account_id, self.families)

    def endpoint(self) -> Endpoint:
        """The gateway; no sub-protocol and no header, which it would refuse."""
        return Endpoint(self.url, ca_file=self.ca_file)

    def retry_after(self, status: int) -> float:
        """A minute where there are too many connections from here: hurrying would keep it so."""
        return CROWDED_SECONDS if status == CROWDED else 0.0

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> FeedProtocol:
        """A fresh protocol with the token as it is now, which knows what the last one learned."""
        from jackfield_vinix.protocol import VinixProtocol  # loaded by a feed, and not by every command

        token, rest = self.token.reveal(), self._rest()
        return VinixProtocol(
            feed,
            self.account_id,
            token,
            rest,
            # In the server's list of connections ours is known by its name; the server makes nothing else of it.
            f"jackfield-{feed}-{secrets.token_hex(4)}" if rest else "",
            self.idle_check_seconds,
            self.unsubscribes,
            self.renew_seconds * (0.9 + secrets.randbelow(2001) / 10_000),  # so that many feeds do not renew at once
            before if isinstance(before, VinixProtocol) else None,
        )

    def sync(self) -> HTTPFlow[Sync]:
        """What REST lists of the state; nothing where there is no REST."""
        from jackfield.state import Sync
        from jackfield_vinix.sync import query_sync

        rest = self._rest()
        return Sync((), frozenset()) if rest is None else (yield from query_sync(rest, self.account_id))

    def diagnose(self, protocol: FeedProtocol | None, events: Sequence[Event], now: datetime) -> Iterable[Finding]:
        """The token, the spellings, and how the server writes."""
        from jackfield_vinix.diagnosis import diagnose

        return diagnose(protocol, events, logs_in=self.login is not None, rest=bool(self.rest_url))

    def _rest(self) -> Rest | None:
        if not self.rest_url:
            return None
        return Rest(self.rest_url, self.token.reveal(), self._renewed, self.ca_file, self.login is not None)

    def _renewed(self) -> HTTPFlow[str]:
        """The token anew: by another login, or from where it is configured."""
        if self.login is None:
            return self.token.reveal()
        return (yield from self.login()).token
