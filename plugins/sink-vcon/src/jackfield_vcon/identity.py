"""Ids that are derived and never drawn, so that a conversation has one for ever, whoever works it out; pure."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from uuid import UUID

from jackfield.events import Event
from jackfield_vcon.payloads import same_message

__all__ = [
    "agent_uuid",
    "check_domain",
    "content_hash",
    "conversation_of",
    "hash_text",
    "key_of",
    "vcon_uuid",
    "whole_text",
]

_DOMAIN = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9-]{1,63}(?<!-))*")
_HALF = re.compile("[\ud800-\udfff]")
# What is about one conversation, by the entities whose own id others name as theirs.
_NAMED = frozenset({"call", "recording", "transcription", "ai_call", "flow"})


def key_of(event: Event) -> str:
    """The conversation that an event names: its correlation, else the thing that it is about."""
    _, _, scope_id, resource, resource_id, _ = event.address
    own = event.correlation or f"{resource}/{resource_id}"
    return whole_text(f"{event.address.provider}/{scope_id}/{own}")


def conversation_of(event: Event) -> tuple[str, str] | None:
    """The key under which others may name what this event is about, and the conversation to which that belongs.

    A transcript's segments name the transcription only, and that names the call; what a machine says names the flow. A
    message of a conversation repeats one that was published by itself.
    """
    entity, address = event.kind.partition(".")[0], event.address
    if entity == "message" and event.correlation and (repeated := same_message(event)):
        return whole_text(f"{address.provider}/{address.scope_id}/{repeated}"), key_of(event)
    if entity not in _NAMED or not event.correlation or event.correlation == address.resource_id:
        return None
    return whole_text(f"{address.provider}/{address.scope_id}/{address.resource_id}"), key_of(event)


def whole_text(text: str) -> str:
    """A text with U+FFFD for each half of a surrogate pair, which nothing could store; events are written so too."""
    return text if text.isascii() else _HALF.sub("\ufffd", text)


def check_domain(domain: str) -> None:
    """`ValueError` where uuids cannot be made of it, since it is none."""
    if not _DOMAIN.fullmatch(domain) or len(domain) > 253:
        raise ValueError(f'{domain!r} is not a domain; give one that is yours, such as "example.com"')


def vcon_uuid(domain: str, key: str, version: int, form: str = "") -> str:
    """The uuid of one version of a conversation's vCon, of version 8: its bits are a digest's.

    The draft proposes the moment of creation and a digest of the domain: that would be another at each derivation, and
    one for all conversations that begin at once. What is left out gives another `form`, and so another uuid.
    """
    return _uuid8("vcon", domain, key, str(version), form)


def agent_uuid(domain: str, provider: str, scope_id: str, agent_id: str) -> str:
    """An agent's uuid, which is the same in every conversation."""
    return _uuid8("agent", domain, provider, scope_id, agent_id)


def content_hash(body: bytes) -> str:
    """A content's hash as vCons write it."""
    return hash_text(hashlib.sha512(body).digest())


def hash_text(sha512: bytes) -> str:
    """A digest as vCons write it: the algorithm and base64url without padding."""
    return f"sha512-{urlsafe_b64encode(sha512).rstrip(b'=').decode()}"


def _uuid8(*parts: str) -> str:
    framed = b"".join(b"%d:%b" % (len(each), each) for each in (part.encode("utf-8", "replace") for part in parts))
    digest = bytearray(hashlib.sha256(b"jackfield-vcon:" + framed).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(UUID(bytes=bytes(digest)))
