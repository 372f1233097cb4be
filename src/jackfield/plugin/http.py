"""REST as a conversation without I/O: a generator yields requests and is sent the answers.

::

    def customer(token: str) -> HTTPFlow[str]:
        answer = yield Request("GET", "https://api.example/customer", (("Authorization", f"Bearer {token}"),))
        return answer.json()["id"]

Whoever drives the generator performs each `Request` and sends in its `Response`, whatever its status. Where there is no
answer at all, a `RestError` is thrown in at the ``yield``, so that the generator may go on without it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import attrs
import msgspec

from jackfield.errors import RestError

__all__ = ["HTTPFlow", "Request", "Response"]

T = TypeVar("T")


def _lower_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@attrs.frozen
class Request:
    """One HTTP request; of its parts only the method and the path show, for the others may hold secrets."""

    method: str
    url: str = attrs.field(repr=False)
    """``http:`` or ``https:`` where it is sent; what a simulated server gets is the target, path and query."""
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    ca_file: str | None = None
    """A PEM file of the authorities to trust instead of the system's."""

    def __str__(self) -> str:
        return f"{self.method} {urlsplit(self.url).path or '/'}"

    def header(self, name: str) -> str:
        """The first header of this name, in any case; empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


@attrs.frozen
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str] = attrs.field(factory=dict, converter=_lower_names, repr=False)
    """Names in lower case; of several of one name the first."""
    body: bytes = attrs.field(default=b"", repr=False)

    def json(self) -> Any:
        """The body as JSON objects; `RestError` where it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RestError(f"the answer with status {self.status} is no JSON: {error}", status=self.status) from None

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait, where it says so in seconds."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isascii() and text.isdigit() else None


HTTPFlow = Generator[Request, Response, T]
"""A conversation by REST that ends with a `T`."""
