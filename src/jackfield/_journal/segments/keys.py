"""What an event is found by: the key that its copies share, and its attributes; pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import unquote

import msgspec

__all__ = ["INDEXED", "KEY_BYTES", "Attributes", "key_of", "read_attributes", "salt_of", "salted", "salted_digests"]

KEY_BYTES = 16
# The CloudEvents attributes by whose values events are found.
INDEXED = ("id", "correlationid", "caller", "callee", "agentid", "queueid")


def key_of(provider: str, scope: str, scope_id: str, event_id: str) -> bytes:
    """What all copies of an event share and no two events do: 16 bytes.

    An id of 32 hexadecimal digits is a digest already, and is not digested again.
    """
    return salted(salt_of(provider, scope, scope_id), event_id)


def salted(salt: int, event_id: str) -> bytes:
    """The key of an event with that id of a source with that salt."""
    try:
        digits = bytes.fromhex(event_id)
    except ValueError:
        digits = b""
    if len(digits) == KEY_BYTES and digits.hex() == event_id:  # which has no capitals and no spaces
        return (int.from_bytes(digits, "big") ^ salt).to_bytes(KEY_BYTES, "big")
    salted = salt.to_bytes(KEY_BYTES, "big") + event_id.encode("utf-8", "surrogatepass")
    return blake2b(salted, digest_size=KEY_BYTES).digest()


def salted_digests(salt: int, ids: Sequence[str]) -> list[bytes] | None:
    """What `salted` gives for each id, all in a few calls; ``None`` where one is not 32 hexadecimal digits."""
    text = "".join(ids)
    try:
        digits = bytes.fromhex(text)
    except ValueError:
        return None
    if set(map(len, ids)) != {2 * KEY_BYTES} or digits.hex() != text:
        return None
    mask = int.from_bytes(salt.to_bytes(KEY_BYTES, "big") * len(ids), "big")
    mixed = (int.from_bytes(digits, "big") ^ mask).to_bytes(len(digits), "big")
    return [mixed[at : at + KEY_BYTES] for at in range(0, len(mixed), KEY_BYTES)]


@lru_cache(256)
def salt_of(provider: str, scope: str, scope_id: str) -> int:
    """The salt of a source."""
    text = f"{len(provider)}/{provider}/{len(scope)}/{scope}/{scope_id}"
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest(), "big")


@lru_cache(256)
def _salt_of(source: str) -> int | None:
    """Of CloudEvents' ``source``; ``None`` where it is not one of Jackfield's."""
    parts = source.split("/")
    return salt_of(unquote(parts[1]), unquote(parts[2]), unquote(parts[3])) if len(parts) == 4 else None


class Attributes(msgspec.Struct, frozen=True):
    """Of an event's line, what it is found by."""

    id: str = ""
    source: str = ""
    type: str = ""
    correlationid: str = ""
    caller: str = ""
    callee: str = ""
    agentid: str = ""
    queueid: str = ""

    def key(self) -> bytes:
        """The key of `key_of`; empty for the facts about a stream, which have no copies."""
        salt = _salt_of(self.source)
        return b"" if salt is None or self.type.startswith("stream.") else salted(salt, self.id)


_decode = msgspec.json.Decoder(Attributes).decode


def read_attributes(line: bytes) -> Attributes:
    """What an event's line says; nothing where it is not JSON, or nested more deeply than the stack is here."""
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Attributes()
