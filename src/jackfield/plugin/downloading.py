"""A file from a URL, within bounds of size and time, for a plugin that wants what it is made of and not the file.

The package httpcore2 must be among the plugin's dependencies; it is imported at the first download.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

import attrs
import trio

from jackfield.plugin.options import is_url
from jackfield.plugin.posting._answers import on_error_of
from jackfield.plugin.posting._headers import fit
from jackfield.plugin.posting._tls import client_context
from jackfield.plugin.posting._urls import check_plain, port_of

if TYPE_CHECKING:
    import httpcore2

__all__ = ["Digest", "DownloadError", "Downloader"]

MOST_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)


class DownloadError(Exception):
    """There is no such file, or it was not there in time; `may_pass` where another attempt may help."""

    def __init__(self, reason: str, *, may_pass: bool) -> None:
        self.reason = reason
        self.may_pass = may_pass
        super().__init__(reason)


@attrs.frozen
class Digest:
    """What a file is."""

    sha512: bytes
    size: int
    """In bytes."""
    media_type: str
    """As the server calls it, without parameters; empty where it does not."""


@attrs.frozen
class Downloader:
    """How files are downloaded."""

    max_bytes: int
    max_seconds: float
    """For the whole file, redirects included."""
    allow_private: bool = False
    """Whether a host may have an address off the public internet."""
    ca_file: str | None = None
    """A PEM file of authorities to trust instead of the system's."""
    ca_option: str = "ca_file"
    """What the plugin calls that option, for those who read why something is not trusted."""

    def check(self) -> None:
        """`ValueError` where the authorities cannot be read."""
        self._context()

    def _context(self) -> ssl.SSLContext:
        try:
            return client_context(self.ca_file, None, None, None)
        except ValueError as error:  # which begins with the option's name
            raise ValueError(str(error).replace("ca_file", self.ca_option, 1)) from None

    async def digest(self, url: str, headers: Mapping[str, str] | None = None) -> Digest:
        """The digest of what is at a URL; `DownloadError` says why not, without quoting the URL.

        The headers go to the URL's own host only, and not with a redirect to another.
        """
        # Imported late: httpcore2 is an extra of the core, and slow to import.
        from jackfield.plugin.posting._exchange import TROUBLES
        from jackfield.plugin.posting._troubles import explain

        try:
            with trio.fail_after(self.max_seconds):
                return await self._follow(url, dict(headers or {}))
        except trio.TooSlowError:
            raise DownloadError(f"not there within {self.max_seconds:g} s", may_pass=True) from None
        except TROUBLES as error:
            reason, on_error = explain(error, self.ca_option)
            raise DownloadError(reason, may_pass=on_error == "retry") from None

    async def _follow(self, url: str, headers: dict[str, str]) -> Digest:
        try:
            for value in headers.values():
                fit(value)
        except ValueError as error:  # which does not quote it, as HTTP's own would
            raise DownloadError(f"what authenticates {error}", may_pass=False) from None
        for _ in range(MOST_REDIRECTS + 1):
            parts = _checked(url)
            async with self._get(parts, headers) as response:
                if response.status not in REDIRECTS:
                    return await self._read(response)
                location = _header(response, b"location")
            target = urljoin(url, location)
            if _origin(_checked(target)) != _origin(parts):
                headers = {}
            if parts.scheme == "https" and urlsplit(target).scheme == "http":
                raise DownloadError("a redirect leads on without TLS", may_pass=False)
            url = target
        raise DownloadError(f"more than {MOST_REDIRECTS} redirects in a row", may_pass=False)

    @asynccontextmanager
    async def _get(self, parts: SplitResult, headers: Mapping[str, str]) -> AsyncGenerator[httpcore2.Response, None]:
        import httpcore2

        from jackfield.plugin.posting._networks import CheckedBackend, Networks

        host, port = parts.hostname or "", port_of(parts)
        # No host is the operator's own here: a vendor's payload may name any.
        try:
            context = self._context()
        except ValueError as error:
            raise DownloadError(str(error), may_pass=True) from None
        backend = CheckedBackend(Networks("", port, self.allow_private))
        target = httpcore2.URL(
            scheme=parts.scheme,
            host=host,
            port=parts.port,
            target=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        )
        given = [("host", parts.netloc), ("user-agent", "jackfield"), ("accept-encoding", "identity"), *headers.items()]
        async with (
            httpcore2.AsyncConnectionPool(ssl_context=context, network_backend=backend) as pool,
            pool.stream("GET", target, headers=given) as response,
        ):
            yield response

    async def _read(self, response: httpcore2.Response) -> Digest:
        if response.status != 200:
            may_pass = on_error_of(response.status) == "retry" or response.status == 404  # it may not be there yet
            raise DownloadError(f"the server answered HTTP {response.status}", may_pass=may_pass)
        if (encoding := _header(response, b"content-encoding").strip().lower()) not in ("", "identity"):
            raise DownloadError(
                f"the server answered with its {encoding} form, which was not asked for", may_pass=False
            )
        digest, size = hashlib.sha512(), 0
        async with aclosing(response.aiter_stream()) as chunks:
            async for chunk in chunks:
                size += len(chunk)
                if size > self.max_bytes:
                    raise DownloadError(f"longer than {self.max_bytes} bytes", may_pass=False)
                digest.update(chunk)
        declared = _header(response, b"content-type").partition(";")[0].strip().lower()
        return Digest(digest.digest(), size, declared)


def _checked(url: str) -> SplitResult:
    try:
        is_url("https", "http")(None, None, url)
        check_plain(url)
    except ValueError:
        raise DownloadError("the link is not a plain URL of https or http", may_pass=False) from None
    return urlsplit(url)


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, port_of(parts)


def _header(response: httpcore2.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for each, value in response.headers if each.lower() == name), "")
