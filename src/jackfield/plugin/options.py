"""Options: how a configuration's tables are described.

An option is a field of an attrs class, with one line of help and a validator whose message names the value
and what would be right. The tables of Jackfield itself, in `jackfield.config`, are described in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

__all__ = ["field_help", "ge", "host_and_port", "is_loopback", "is_url"]


def field_help(
    text: str, *, live: bool = False, path: bool = False, exclusive: bool = False, by_provider: bool = False
) -> dict[str, Any]:
    """The ``metadata=`` of an option: one line that errors, help and the reference pages show.

    What is `live` is a simulator's, and can be changed while it runs. A `path` that is not the default is relative to
    the file of the configuration. An `exclusive` path is one sink's: another of its type must not name the same with
    other options. A sink's table `by_provider` has names of providers as keys: one that is not installed is warned of.
    """
    return {"help": text, "live": live, "path": path, "exclusive": exclusive, "by_provider": by_provider}


def is_url(*schemes: str) -> Callable[[Any, Any, str], None]:
    """A validator for options that hold an absolute URL of one of these schemes."""

    def validate(_instance: Any, _attribute: Any, value: str) -> None:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        try:
            parts = urlsplit(value)
            right = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:  # whose text quotes what may be a password
            raise ValueError(f"{_shown(value)!r} is not a URL: its host or port is not valid") from None
        if not right:
            raise ValueError(f"{_shown(value)!r} is not a valid {wanted} URL")

    return validate


def _shown(url: str) -> str:
    """A text that should be a URL, without user, password, query and fragment, where secrets are wont to be."""
    plain = re.sub(r"//[^/]*@", "//***@", re.split(r"[?#]", url, maxsplit=1)[0])
    return re.sub(r"(//[^/:\[]*:)(?!\d{1,5}(?:/|$))[^/]+", r"\1***", plain)


def ge(minimum: float) -> Callable[[Any, Any, float | None], None]:
    """A validator for numbers that must not be smaller; ``None`` passes, where it is a default."""

    def validate(_instance: Any, _attribute: Any, value: float | None) -> None:
        if value is not None and not value >= minimum:
            raise ValueError(f"{value} is not at least {minimum}")

    return validate


def host_and_port(text: str) -> tuple[str, int]:
    """The parts of an address to listen on, ``host:port`` or ``[host]:port``; `ValueError` where it is none."""
    try:
        parts = urlsplit(f"//{text}")
        if parts.hostname and parts.port is not None and parts.netloc == text and not parts.username:
            return parts.hostname, parts.port
    except ValueError:
        pass
    raise ValueError(f'{text!r} is not an address to listen on; write "127.0.0.1:8080" or "[::1]:8080"')


def is_loopback(host: str) -> bool:
    """Whether a host to listen on can be reached from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
