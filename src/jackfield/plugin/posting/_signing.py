"""Standard Webhooks: how a receiver knows that a request is ours, unaltered, fresh, and seen before or not.

Three headers: an id that stays the same for as long as the same events are tried again, the time of this
attempt, and HMAC-SHA256 over ``{id}.{timestamp}.{body}`` with each secret that is valid.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Sequence

from jackfield.events import Event, content_id

__all__ = ["PREFIX", "key_of", "message_id", "signature_headers"]

PREFIX = "whsec_"
"""What a secret begins with, so that it is known for one."""


def key_of(secret: str) -> bytes:
    """The key in a secret; `ValueError`, which does not quote it, where there is none."""
    text = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):  # the latter for characters outside ASCII
        key = b""
    if not 24 <= len(key) <= 64:
        raise ValueError(f"no Standard Webhooks secret: must be {PREFIX} and then 24 to 64 bytes in base64")
    return key


def message_id(events: Iterable[Event]) -> str:
    """The same for the same events in the same order, and never for others.

    Not an event's own id: two sources may use one id for two events, of which a receiver would drop the
    second; and a vendor's id may hold a full stop, which would make it unclear what was signed.
    """
    return content_id(*(part.encode() for event in events for part in (*event.address[:3], event.id)))


def signature_headers(identity: str, timestamp: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """The headers for a body that is sent at this time, in seconds since 1970, with a signature by each key."""
    signed = b"%b.%d.%b" % (identity.encode(), timestamp, body)
    digests = (hmac.digest(key, signed, hashlib.sha256) for key in keys)
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests),
    }
