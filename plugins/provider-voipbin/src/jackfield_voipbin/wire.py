"""What is on VoIPBIN's wire: subscriptions out, and whatever JSON object comes in.

Sources: the platform's public documentation, pages "WebSocket" and "Receiving Events". The answers
(``ack`` and ``error``) are those of its page "WebSocket structures" before August 2026; the real
platform has never sent any, so nothing waits for them. What kind of message a frame is says
`jackfield_voipbin.frame_format`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from jackfield.plugin.frames import NO_PAYLOAD, decode_frame

__all__ = ["ERROR_CODES", "Frame", "read_frame", "subscription"]

ERROR_CODES = ("PERMISSION_DENIED", "INVALID_TOPIC", "INVALID_MESSAGE", "RATE_LIMITED")


class Frame(msgspec.Struct, frozen=True):
    """Those fields of whatever the server sends by which one tells what it is; ``None`` where there is none."""

    event_type: Any = None
    timestamp: Any = None
    topic: Any = None
    data: msgspec.Raw = NO_PAYLOAD
    type: Any = None
    action: Any = None
    status: Any = None
    topics: Any = None
    code: Any = None
    message: Any = None
    id: Any = None
    customer_id: Any = None


_decode = msgspec.json.Decoder(Frame).decode


def read_frame(raw: bytes) -> Frame:
    """The frame as far as its outermost object goes; `FrameError` if it is not a JSON object."""
    return decode_frame(_decode, raw)


def subscription(action: str, topic: str) -> str:
    """The text that subscribes to one topic, or unsubscribes from it.

    One topic in each message: the platform applies none of a message's topics if one is bad.
    """
    return msgspec.json.encode({"type": action, "topics": [topic]}).decode()
