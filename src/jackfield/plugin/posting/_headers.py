"""Which headers an operator may add, and what a secret must be like to go into one."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

__all__ = ["basic", "check_further", "check_name", "fit"]

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[!-~](?:[\t -~]*[!-~])?")

_OURS = frozenset(
    {"content-encoding", "content-length", "content-type", "expect", "host"}
    | {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}  # hop by hop
    | {"proxy-authenticate", "proxy-authorization"}
)
_OUR_PREFIXES = ("ce-", "webhook-")


def fit(value: str) -> str:
    """The value, if a header can carry it; `ValueError`, which does not quote it, if not."""
    if not _VALUE.fullmatch(value):
        raise ValueError(
            "holds what no header can carry: only printable ASCII characters, and no space at either end, will do"
        )
    return value


def check_name(name: str) -> None:
    """`ValueError` where this is not a header's name, or that of a header which the sink sets itself."""
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is not a name of a header")
    if name.lower() in _OURS or name.lower().startswith(_OUR_PREFIXES):
        raise ValueError(f"{name!r} is set by the sink or by HTTP itself")


def check_further(headers: Iterable[tuple[str, str]]) -> None:
    """`ValueError`, which quotes no value, where these cannot be sent beside the sink's own headers."""
    seen: set[str] = set()
    for name, value in headers:
        check_name(name)
        if name.lower() == "authorization":
            raise ValueError(f"{name!r} is a secret: give it as bearer, username and password, or auth_value")
        if name.lower() in seen:
            raise ValueError(f"{name!r} stands there twice")
        seen.add(name.lower())
        try:
            fit(value)
        except ValueError as error:
            raise ValueError(f"{name!r} {error}") from None


def basic(username: str, password: str) -> str:
    """The value of an Authorization header of the scheme Basic."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"
