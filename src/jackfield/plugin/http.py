"""HTTP exchanges without I/O: a generator yields requests and is sent the responses.

::

    def customer(token: str) -> HTTPFlow[str]:
        answer = yield Request("GET", "https://api.example/customer", (("Authorization", f"Bearer {token}"),))
        return answer.json()["id"]

The host performs each `Request` and sends its `Response` in, whatever the status. If there is no response at all, a
`RestError` is thrown in at the ``yield``, so that the generator may go on without it.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import attrs
import msgspec

from jackfield.errors import RestError
from jackfield.events import decode_data

__all__ = ["LONGEST_RETRY_AFTER", "HTTPFlow", "Request", "Response", "RetryAfter"]

T = TypeVar("T")

LONGEST_RETRY_AFTER = 3600.0
"""Seconds: a server that asks for more is mistaken or malicious, and is asked again each hour."""


@attrs.frozen
class RetryAfter:
    """What a Retry-After header asks for (RFC 9110, 10.2.3), limited to `LONGEST_RETRY_AFTER`."""

    seconds: float
    """Seconds to wait; never negative, never more than the limit."""
    limited: str = ""
    """The header's own text, shortened, if it asks for more than the limit."""

    @classmethod
    def parse(cls, text: str, date: str = "") -> RetryAfter | None:
        """Read the header's value, seconds or an HTTP date; ``None`` if it is neither, or a moment that is past.

        `date` is the answer's Date header, from which a date in `text` is counted: so neither clock matters.
        """
        text = text.strip()
        seconds = _seconds(text, date)
        if seconds is None:
            return None
        limited = text[:_SHOWN] + "…" * (len(text) > _SHOWN) if seconds > LONGEST_RETRY_AFTER else ""
        return cls(min(seconds, LONGEST_RETRY_AFTER), limited)

    @property
    def note(self) -> str:
        """An addition to the reason of an error: empty unless the wait was limited."""
        if not self.limited:
            return ""
        return f"; its Retry-After of {self.limited!r} is limited to {LONGEST_RETRY_AFTER:g} s"


_SHOWN = 40
_MOST_DIGITS = 10


def _seconds(text: str, date: str) -> float | None:
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0") or "0"
        return float(digits) if len(digits) <= _MOST_DIGITS else float("inf")
    until, now = _moment(text), _moment(date)
    if until is None or now is None or until < now:
        return None
    return (until - now).total_seconds()


def _moment(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime  # few answers hold a date, and it takes as long as the rest of this

    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


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
        """The body, decoded from JSON; `RestError` if it is not valid JSON."""
        try:
            return decode_data(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RestError(
                f"the answer with status {self.status} is not valid JSON: {error}", status=self.status
            ) from None

    @property
    def wait(self) -> RetryAfter | None:
        """What the server asks to wait; a date is counted from the answer's own Date header."""
        return RetryAfter.parse(self.headers.get("retry-after", ""), self.headers.get("date", ""))

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asks to wait, at most `LONGEST_RETRY_AFTER`; ``None`` if it does not say."""
        return None if self.wait is None else self.wait.seconds


HTTPFlow = Generator[Request, Response, T]
"""A sequence of requests that ends with a `T`."""
