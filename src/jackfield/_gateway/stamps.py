"""Which secrets and certificates a configuration stands for now: a renewed one changes no option, only its text."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import attrs

from jackfield.config import GatewayConfig
from jackfield.errors import SecretError
from jackfield.plugin.secrets import Secret

__all__ = ["renewed", "stamps_of"]

Stamps = Mapping[str, tuple[bytes, ...]]
# Of the files that options name these are read when something is opened; others, such as a sink's own, are written.
_READ = ("cert", "key", "ca_file")
_KEY = os.urandom(16)


def stamps_of(config: GatewayConfig) -> Stamps:
    """By ``feeds.NAME``, ``sinks.NAME`` and ``webhooks``: what their secrets and certificates are, unreadably.

    It reads files, so it is for a thread.
    """
    parts: dict[str, tuple[Any, ...]] = {
        f"feeds.{each.name}": (each.provider, each.connection) for each in config.feeds
    }
    parts |= {f"sinks.{each.name}": (each.impl,) for each in config.sinks}
    parts["webhooks"] = (config.webhooks,)
    return {name: tuple(digest for each in options for digest in _digests(each)) for name, options in parts.items()}


def renewed(before: Stamps, after: Stamps) -> set[str]:
    """What is in both, and has another text now."""
    return {name for name in before.keys() & after.keys() if before[name] != after[name]}


def _digests(options: Any) -> Iterator[bytes]:
    for field in attrs.fields(type(options)) if attrs.has(type(options)) else ():
        value = getattr(options, field.name, None)
        if isinstance(value, Secret):
            yield _digest(_revealed(value))
        elif field.metadata.get("path") and isinstance(value, str) and any(part in field.name for part in _READ):
            yield _digest(_content(value))


def _revealed(secret: Secret) -> bytes:
    try:
        return secret.reveal().encode("utf-8", "surrogateescape")
    except SecretError:
        return b""


def _content(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""


def _digest(data: bytes) -> bytes:
    return blake2b(data, key=_KEY, digest_size=16).digest()
