"""What an event is found by: the key that its copies share, and hashes of names with values; pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from urllib.parse import unquote

import msgspec

__all__ = ["INDEXED", "KEY_BYTES", "Attributes", "key_of", "pair_hash", "read_attributes"]

KEY_BYTES = 16
ID_DIGITS = 2 * KEY_BYTES
# The CloudEvents attributes by whose values events are found.
INDEXED = ("id", "correlationid", "caller", "callee", "agentid", "queueid")


def key_of(provider: str, scope: str, scope_id: str, event_id: str) -> bytes:
    """What all copies of an event share and no two events do: 16 bytes.

    An id of 32 hexadecimal digits is a digest already, and is not digested again.
    """
    salt = _salt(provider, scope, scope_id)
    if len(event_id) == ID_DIGITS and event_id == event_id.lower():
        try:
            digits = bytes.fromhex(event_id)
        except ValueError:
            digits = b""
        if len(digits) == KEY_BYTES:
            return (int.from_bytes(digits, "big") ^ salt).to_bytes(KEY_BYTES, "big")
    salted = salt.to_bytes(KEY_BYTES, "big") + event_id.encode("utf-8", "surrogatepass")
    return blake2b(salted, digest_size=KEY_BYTES).digest()


@lru_cache(256)
def _salt(provider: str, scope: str, scope_id: str) -> int:
    text = f"{len(provider)}/{provider}/{len(scope)}/{scope}/{scope_id}"
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest(), "big")


@lru_cache(4096)
def pair_hash(name: str, value: str) -> int:
    """64 bits of a name with a value."""
    text = f"{name}\0{value}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


class Attributes(msgspec.Struct, frozen=True):
    """Of an event's line, what it is found by."""

    id: str = ""
    source: str = ""
    type: str = ""
    correlationid: Any = None
    caller: Any = None
    callee: Any = None
    agentid: Any = None
    queueid: Any = None

    def key(self) -> bytes:
        """The key of `key_of`; empty for the facts about a stream, which have no copies."""
        parts = self.source.split("/")
        if self.type.startswith("stream.") or len(parts) != 4:
            return b""
        return key_of(unquote(parts[1]), unquote(parts[2]), unquote(parts[3]), self.id)

    def pairs(self) -> Iterator[int]:
        """The hashes of its names and values."""
        for name in INDEXED:
            value = getattr(self, name)
            if value and isinstance(value, str):
                yield pair_hash(name, value)


_decode = msgspec.json.Decoder(Attributes).decode


def read_attributes(line: bytes) -> Attributes:
    """What an event's line says; nothing where it is not JSON."""
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Attributes()
