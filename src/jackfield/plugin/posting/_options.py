"""How requests are sent: the options that every sink which posts has, and what of them must fit together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import attrs

from jackfield.plugin.options import field_help, is_url
from jackfield.plugin.posting._headers import check_further, check_name
from jackfield.plugin.posting._signing import key_of
from jackfield.plugin.posting._tls import client_context
from jackfield.plugin.posting._urls import check_plain
from jackfield.plugin.secrets import Secret

__all__ = ["PostOptions", "is_header_name", "is_post_url"]


def _between(least: float, most: float) -> Callable[[object, object, float], None]:
    def validate(_instance: object, _attribute: object, value: float) -> None:
        if not least <= value <= most:  # which is how NaN is caught, too
            raise ValueError(f"{value} is not between {least} and {most}")

    return validate


def _further(_instance: object, _attribute: object, value: Mapping[str, str]) -> None:
    check_further(value.items())


def _header(instance: object, attribute: object, value: str | None) -> None:
    if value is not None:
        is_header_name(instance, attribute, value)


def _signing(_instance: object, _attribute: object, value: Secret | None) -> None:
    if value is not None:
        key_of(value.reveal())


@attrs.frozen(kw_only=True)
class PostOptions:
    """How requests are sent; an options class of a sink inherits these, and adds where to.

    It calls `check_posting` with its URL when it is made.
    """

    timeout: float = attrs.field(
        default=10.0,
        validator=_between(0.001, 3600),
        metadata=field_help("seconds for one request, connecting and reading the answer included"),
    )
    bearer: Secret | None = attrs.field(default=None, metadata=field_help("a token, sent as Authorization: Bearer"))
    username: str | None = attrs.field(default=None, metadata=field_help("a user, sent as Authorization: Basic"))
    password: Secret | None = attrs.field(default=None, metadata=field_help("the user's password"))
    auth_header: str | None = attrs.field(
        default=None, validator=_header, metadata=field_help("a header that authenticates, such as X-Api-Key")
    )
    auth_value: Secret | None = attrs.field(default=None, metadata=field_help("that header's value"))
    headers: Mapping[str, str] = attrs.field(
        default=MappingProxyType({}),
        hash=False,
        validator=_further,
        metadata=field_help("a table of further headers, none of them secret"),
    )
    signing_secret: Secret | None = attrs.field(
        default=None,
        validator=_signing,
        metadata=field_help("signs requests as Standard Webhooks do: whsec_ and base64"),
    )
    previous_signing_secret: Secret | None = attrs.field(
        default=None, validator=_signing, metadata=field_help("signs them too, until every receiver has the new one")
    )
    ca_file: str | None = attrs.field(
        default=None, metadata=field_help("a PEM file of authorities to trust instead of the system's", path=True)
    )
    client_cert: str | None = attrs.field(
        default=None, metadata=field_help("a PEM file of the certificate to present", path=True)
    )
    client_key: str | None = attrs.field(
        default=None, metadata=field_help("a PEM file of its key, where that is not in the same file", path=True)
    )
    client_key_password: Secret | None = attrs.field(
        default=None, metadata=field_help("what that key is encrypted with")
    )
    gzip: bool = attrs.field(default=False, metadata=field_help("whether bodies are compressed"))
    connections: int = attrs.field(
        default=10, validator=_between(1, 1000), metadata=field_help("how many requests may be under way at a time")
    )
    follow_redirects: bool = attrs.field(
        default=False, metadata=field_help("whether to follow 307 and 308; never together with a signing_secret")
    )
    max_request_bytes: int = attrs.field(
        default=1_000_000,
        validator=_between(1, 1_000_000_000),
        metadata=field_help("the longest body, before compression; longer batches are split"),
    )
    max_response_bytes: int = attrs.field(
        default=65_536, validator=_between(1, 100_000_000), metadata=field_help("how much of an answer is read at most")
    )
    allow_private: bool = attrs.field(
        default=False,
        metadata=field_help("whether the URL's host may resolve to addresses off the public internet"),
    )

    def check_posting(self, url: str) -> None:
        """`ValueError` where the URL is none, or where these options do not fit together or with it."""
        ways = {
            "bearer": self.bearer,
            "username": self.username,
            "auth_header": self.auth_header,
        }
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other: give one way to authenticate")
        _together("username", self.username, "password", self.password)
        _together("auth_header", self.auth_header, "auth_value", self.auth_value)
        if self.username is not None and ":" in self.username:
            raise ValueError(f"username: {self.username!r} holds a colon, which ends a user's name in HTTP")
        if self.auth_header and self.auth_header.lower() in map(str.lower, self.headers):
            raise ValueError(f"auth_header: {self.auth_header!r} is among the headers, too")
        if self.previous_signing_secret and not self.signing_secret:
            raise ValueError("previous_signing_secret: give a signing_secret beside it")
        if self.follow_redirects and self.signing_secret:
            raise ValueError("follow_redirects: what is signed goes to its own URL only; give up one of the two")
        self._check_tls(url)

    def _check_tls(self, url: str) -> None:
        if self.client_cert is None and (self.client_key or self.client_key_password):
            raise ValueError("client_cert: required with client_key or client_key_password")
        if self.ca_file or self.client_cert:
            if urlsplit(url).scheme != "https":
                raise ValueError("ca_file and client_cert mean nothing to an http:// url; is it https://?")
            client_context(self.ca_file, self.client_cert, self.client_key, self.client_key_password)

    @property
    def is_authenticated(self) -> bool:
        """Whether requests carry what only the server at the URL should get."""
        return any((self.bearer, self.password, self.auth_value, self.headers, self.client_cert))


def is_header_name(_instance: Any, _attribute: Any, value: str) -> None:
    """A validator for the option that names a header which authenticates."""
    check_name(value)


def is_post_url(instance: Any, attribute: Any, value: Any) -> None:
    """A validator for the option that says where to post; ``None`` passes, where it is a default."""
    if value is not None:
        is_url("https", "http")(instance, attribute, value)
        check_plain(value)


def _together(first: str, one: object, second: str, other: object) -> None:
    if (one is None) != (other is None):
        raise ValueError(f"{first} and {second} go together: {second if other is None else first} is missing")
