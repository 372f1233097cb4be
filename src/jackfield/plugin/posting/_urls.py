"""Which URLs events are sent to: the configured one, and where a redirect may lead."""

from __future__ import annotations

from urllib.parse import SplitResult, urljoin, urlsplit

from jackfield.plugin.options import is_url

__all__ = ["check_plain", "next_url", "port_of"]


def port_of(parts: SplitResult) -> int:
    """The port that a URL means, whether it says so or not."""
    return parts.port or {"http": 80, "https": 443}[parts.scheme]


def check_plain(text: str) -> None:
    """`ValueError` where an absolute URL cannot be sent as it stands, or holds credentials."""
    if any(not "!" <= char <= "~" for char in text):
        raise ValueError(
            "a URL holds printable ASCII only: write its host in the xn-- form, and percent-encode the rest"
        )
    parts = urlsplit(text)
    if "@" in parts.netloc:
        raise ValueError("a URL must not hold a user and a password: give them as username and password")
    try:
        (parts.hostname or "").encode("idna")
    except UnicodeError:
        raise ValueError(f"{parts.hostname!r} is not a host name: between its dots are 1 to 63 characters") from None


def next_url(current: str, status: int, location: str, *, keep_origin: bool) -> str:
    """The URL that a redirect leads to; `ValueError` says why it is not to be followed.

    With `keep_origin` scheme, host and port must stay, since what goes along is meant for that server alone.
    """
    if status not in (307, 308):
        raise ValueError("only 307 and 308 allow a request to be repeated")
    target = urljoin(current, location)
    is_url("https", "http")(None, None, target)
    check_plain(target)
    before, after = urlsplit(current), urlsplit(target)
    if before.scheme == "https" and after.scheme == "http":
        raise ValueError("it would go on without TLS")
    if keep_origin and _origin(before) != _origin(after):
        raise ValueError("it leads to another server, which must not get what authenticates us")
    return target


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, port_of(parts)
