"""The options that the sink, the feed and the coordinator share: where a server is, and how to log in there."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from jackfield.plugin.options import field_help, ge, is_url
from jackfield.plugin.secrets import Secret

__all__ = ["RedisAddress", "RedisServer"]

PORT = 6379
_NAME = re.compile(r"[^\s{}]+")


def _url(instance: object, attribute: attrs.Attribute[str], value: str) -> None:
    is_url("redis", "rediss")(instance, attribute, value)
    parts = urlsplit(value)
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{shown!r} holds a user or a password; give them as username and password")
    if parts.query or parts.fragment or not re.fullmatch(r"(/\d*)?", parts.path):
        raise ValueError(f"{shown!r} is not redis://HOST:PORT or redis://HOST:PORT/DATABASE")


def name(_instance: object, _attribute: object, value: str) -> None:
    """A validator of what becomes part of a key."""
    if not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is not a name without white space and braces")


@attrs.frozen(kw_only=True)
class RedisAddress:
    """Where Redis is."""

    url: str = attrs.field(
        validator=_url, metadata=field_help("where Redis is, such as redis://host:6379/0; rediss:// is by TLS")
    )
    username: str | None = attrs.field(default=None, metadata=field_help("a user of Redis's access control lists"))
    password: Secret | None = attrs.field(default=None, metadata=field_help("the user's password"))
    timeout: float = attrs.field(
        default=10.0, validator=ge(0.01), metadata=field_help("seconds to connect, and seconds for one answer")
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

    def __attrs_post_init__(self) -> None:
        if self.username is not None and self.password is None:
            raise ValueError("username and password go together: password is missing")
        if self.client_key is not None and self.client_cert is None:
            raise ValueError("client_cert: required with client_key")
        if (self.ca_file or self.client_cert) and not self.is_tls:
            raise ValueError("ca_file and client_cert mean nothing to a redis:// url; is it rediss://?")
        for option, path in self._files():
            try:
                with Path(path).open("rb"):
                    pass
            except OSError as error:
                raise ValueError(f"{option}: {path}: {error.strerror}") from None
        self.tls()

    def _files(self) -> list[tuple[str, str]]:
        options = {"ca_file": self.ca_file, "client_cert": self.client_cert, "client_key": self.client_key}
        return [(option, path) for option, path in options.items() if path]

    @property
    def is_tls(self) -> bool:
        """Whether it is reached by TLS."""
        return urlsplit(self.url).scheme == "rediss"

    @property
    def host(self) -> str:
        """The host's name."""
        return urlsplit(self.url).hostname or "localhost"

    @property
    def port(self) -> int:
        """The port, that of Redis where none is given."""
        return urlsplit(self.url).port or PORT

    @property
    def database(self) -> int:
        """The number of the database."""
        return int(urlsplit(self.url).path.strip("/") or 0)

    @property
    def shown(self) -> str:
        """The server as it may be shown."""
        return f"{urlsplit(self.url).scheme}://{self.host}:{self.port}/{self.database}"

    def tls(self) -> ssl.SSLContext | None:
        """A context that verifies servers; `ValueError` says what is wrong with the files."""
        if not self.is_tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.client_cert is not None:
                # A password is always given: OpenSSL would ask for it on the terminal.
                context.load_cert_chain(self.client_cert, self.client_key, lambda: "")
        except ssl.SSLError as error:
            given = " and ".join(option for option, _ in self._files())
            raise ValueError(f"{given}: not a certificate and its key in PEM form ({error.reason})") from None
        return context


@attrs.frozen(kw_only=True)
class RedisServer(RedisAddress):
    """Where a stream is."""

    stream: str = attrs.field(
        default="events", validator=name, metadata=field_help("a name of the stream; its keys hold it")
    )
