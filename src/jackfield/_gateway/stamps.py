"""Which secrets and certificates a configuration stands for now: a renewed one changes no option, only its text."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import attrs

from jackfield.config import GatewayConfig
from jackfield.errors import SecretError
from jackfield.plugin._files import open_file
from jackfield.plugin.secrets import Secret

__all__ = ["are_in_files", "renewed", "stamps_of"]

Stamps = Mapping[str, tuple[bytes, ...]]
# Of the files that options name these are read when something is opened; others, such as a sink's own, are written.
_READ = ("cert", "key", "ca_file")
_KEY = os.urandom(16)


def stamps_of(config: GatewayConfig) -> Stamps:
    """By ``feeds.NAME``, ``sinks.NAME`` and ``webhooks``: what their secrets and certificates are, unreadably.

    It is for a thread where they `are_in_files`.
    """
    return {name: tuple(map(_digest, found)) for name, found in _found_in(config).items()}


def are_in_files(config: GatewayConfig) -> bool:
    """Whether a file must be read to know them."""
    found = [each for every in _found_in(config).values() for each in every]
    return any(not isinstance(each, Secret) or each.kind == "file" for each in found)


def renewed(before: Stamps, after: Stamps) -> set[str]:
    """What is in both, and has another text now."""
    return {name for name in before.keys() & after.keys() if before[name] != after[name]}


def _found_in(config: GatewayConfig) -> dict[str, list[Secret | str]]:
    """The secrets, and the paths of what is read when something is opened, in the options of each part."""
    parts: dict[str, tuple[Any, ...]] = {
        f"feeds.{each.name}": (each.provider, each.connection) for each in config.feeds
    }
    parts |= {f"sinks.{each.name}": (each.impl,) for each in config.sinks}
    parts["webhooks"] = (config.webhooks,)
    return {name: [found for each in options for found in _found(each)] for name, options in parts.items()}


def _found(options: Any) -> Iterator[Secret | str]:
    for field in attrs.fields(type(options)) if attrs.has(type(options)) else ():
        value: Any = getattr(options, field.name, None)
        path = field.metadata.get("path") and isinstance(value, str) and any(part in field.name for part in _READ)
        if isinstance(value, Secret) or path:
            yield value


def _revealed(secret: Secret) -> bytes:
    try:
        return secret.reveal().encode("utf-8", "surrogateescape")
    except SecretError:
        return b""


def _content(path: str) -> bytes:
    try:
        with open_file(path) as file:
            return file.read()
    except OSError:
        return b""


def _digest(found: Secret | str) -> bytes:
    text = _revealed(found) if isinstance(found, Secret) else _content(found)
    return blake2b(text, key=_KEY, digest_size=16).digest()
