"""Vinix Contact Center for Jackfield: the options of a ``[feeds.NAME]`` table with ``provider = "vinix"``."""

from __future__ import annotations

from typing import ClassVar, Literal

import attrs

from jackfield.addresses import Source
from jackfield.errors import RestError
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.http import HTTPFlow
from jackfield.plugin.options import field_help, ge, is_url
from jackfield.plugin.protocol import FeedProtocol
from jackfield.plugin.provider import Dialect, Provider, ProviderSpec
from jackfield.plugin.secrets import Secret
from jackfield.plugin.simulator import Simulator
from jackfield.plugin.transport import Endpoint
from jackfield_vinix.account import Account
from jackfield_vinix.dialects import DocumentedDialect
from jackfield_vinix.families import OTHER_FAMILIES
from jackfield_vinix.login import Hash, Login, by_api_key, by_user
from jackfield_vinix.naming import UNKNOWN_ID
from jackfield_vinix.topics import PROVIDER

__all__ = ["Vinix", "jackfield_providers"]


_BY_HTTP = is_url("https", "http")


def _one_word(_instance: object, _attribute: object, value: str | None) -> None:
    if value is not None and (not value or any(each in value for each in ".*#") or value.split() != [value]):
        raise ValueError(f"{value!r} is not an account id: it must be one word without '.', '*' or '#'")


@attrs.frozen
class Vinix:
    """A feed of one Vinix account."""

    stall_seconds: ClassVar[float] = 2.0
    """KAZOO's gateway queues 50 messages for a slow reader and then drops (blackhole_data_emitter,
    ``max_queued_messages``): a client that reads nothing for 5 to 10 s under load was seen to lose most of them."""

    url: str = attrs.field(
        validator=is_url("wss", "ws"),
        metadata=field_help("the gateway's URL, such as wss://host:5555, as Vinix gave it"),
    )
    auth_token: Secret | None = attrs.field(
        default=None,
        metadata=field_help("the token that authentication by REST returned; or let the feed log in, as below"),
    )
    account_id: str | None = attrs.field(
        default=None,
        validator=_one_word,
        metadata=field_help(
            "the account whose events to receive; where the feed logs in, the login's own is the default"
        ),
    )
    ca_file: str | None = attrs.field(
        default=None, metadata=field_help("a PEM file of authorities to trust instead of the system's", path=True)
    )
    rest_url: str | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(_BY_HTTP),
        metadata=field_help("REST, for logins and for what was missed; Vinix's is https://api.vinixglobal.com/v2"),
    )
    api_key: Secret | None = attrs.field(default=None, metadata=field_help("the account's API key, to log in with"))
    username: str | None = attrs.field(default=None, metadata=field_help("a user, to log in as"))
    password: Secret | None = attrs.field(default=None, metadata=field_help("the user's password"))
    account_name: str | None = attrs.field(default=None, metadata=field_help("the user's account, by its name"))
    account_realm: str | None = attrs.field(default=None, metadata=field_help("the user's account, by its realm"))
    password_hash: Hash = attrs.field(
        default="md5",
        metadata=field_help("how the user's name and password are sent; the account's settings say which"),
    )
    idle_check_seconds: float = attrs.field(
        default=300.0,
        validator=ge(0),
        metadata=field_help("after so long without an event of a family REST is queried for what was lost; 0: never"),
    )

    families: tuple[Literal["call", "conference", "fax", "object"], ...] = attrs.field(
        default=(),
        metadata=field_help("further families of events to receive: call, conference, fax, object"),
    )

    unsubscribe: Literal["renew", "send"] = attrs.field(
        default="renew",
        metadata=field_help(
            "renew: what nobody selects any more is left out when the connection is renewed; send: the server is asked "
            "to end it, which at KAZOO ends it for the server's other clients too"
        ),
    )

    renew_seconds: float = attrs.field(
        default=900.0,
        validator=ge(0),
        metadata=field_help("how long a connection is kept; the next is opened and subscribed before; 0: for ever"),
    )

    def __attrs_post_init__(self) -> None:
        ways = [name for name in ("auth_token", "api_key", "username") if getattr(self, name) is not None]
        if len(ways) != 1:
            given = f"both {' and '.join(ways)} are given" if ways else "no way to authenticate is given"
            raise ValueError(f"{given}: give auth_token, or api_key, or username with password")
        if self.auth_token is not None and self.account_id is None:
            raise ValueError(
                "account_id is required with auth_token: without a login nothing else says whose events to receive"
            )
        if self.auth_token is None and self.rest_url is None:
            raise ValueError("a login needs rest_url; Vinix's is https://api.vinixglobal.com/v2")
        about_user = [name for name in ("password", "account_name", "account_realm") if getattr(self, name) is not None]
        if self.username is None and about_user:
            raise ValueError(f"{', '.join(about_user)} without username")
        if self.username is not None and (self.password is None or len(about_user) != 2):
            raise ValueError("username needs password, and either account_name or account_realm")

    @property
    def source(self) -> Source:
        """The account; unknown before the first login where it is not configured."""
        return self._as_configured.source

    @property
    def dialect(self) -> DocumentedDialect:
        """The documented bindings of this account."""
        return self._as_configured.dialect

    def endpoint(self) -> Endpoint:
        """The gateway."""
        return self._as_configured.endpoint()

    def protocol(self, feed: str, before: FeedProtocol | None = None) -> FeedProtocol:
        """A fresh protocol with the token as it is configured."""
        return self._as_configured.protocol(feed, before)

    def authenticate(self, before: Provider | None = None) -> HTTPFlow[Provider]:
        """A fresh token for the next connection, where the feed logs in."""
        if (login := self._login) is None:
            return self._as_configured
        granted = yield from login()
        account_id = self.account_id or granted.account_id
        try:
            _one_word(self, None, account_id)
        except ValueError:
            raise RestError("the login does not say whose it is: set account_id") from None
        return self._account(account_id, Secret("text", granted.token), login)

    @property
    def _as_configured(self) -> Account:
        return self._account(self.account_id or UNKNOWN_ID, self.auth_token or Secret("text", ""), None)

    def _account(self, account_id: str, token: Secret, login: Login | None) -> Account:
        return Account(
            self.url,
            account_id,
            token,
            self.rest_url,
            self.ca_file,
            self.idle_check_seconds,
            self.families,
            self.unsubscribe == "send",
            self.renew_seconds,
            login,
        )

    @property
    def _login(self) -> Login | None:
        base = self.rest_url or ""
        if self.api_key is not None:
            return by_api_key(base, self.api_key, self.ca_file)
        if self.username is None or self.password is None:
            return None
        account = {"account_name": self.account_name} if self.account_name else {"account_realm": self.account_realm}
        named = {name: value for name, value in account.items() if value is not None}
        return by_user(base, self.username, self.password, named, self.password_hash, self.ca_file)


def _dialects(account_id: str) -> dict[str, Dialect]:
    return {"documented": DocumentedDialect(account_id, tuple(OTHER_FAMILIES))}


def _decoder(feed: str) -> FeedProtocol:
    # Imported when a frame is to be read: not every command has one.
    from jackfield_vinix.protocol import VinixProtocol

    return VinixProtocol(feed)


def _simulator() -> type[Simulator]:
    # Imported when it is asked for: a gateway has no use for it.
    from jackfield_vinix.simulator import VinixSimulator

    return VinixSimulator


@hookimpl
def jackfield_providers() -> list[ProviderSpec]:
    """Offer the provider ``vinix``."""
    summary = "Vinix Contact Center: queues, recipients, sessions by websocket"
    return [ProviderSpec(PROVIDER, summary, Vinix, _dialects, _decoder, _simulator)]
