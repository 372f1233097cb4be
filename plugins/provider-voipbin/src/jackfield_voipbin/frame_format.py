"""The formats in which VoIPBIN sends a message, and what each says of its event.

Its documentation has an envelope; its webhooks, and its websocket until July 2026, wrap the resource in
``{type, data}``; its websocket since then sends the bare resource, with neither a name nor a topic. A
top-level ``type`` proves nothing: calls, messages and conferences have one of their own, and a bare
conference has an object ``data`` besides.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

from jackfield.errors import FrameError
from jackfield.plugin.frames import decode_payload
from jackfield_voipbin.wire import Frame

__all__ = ["FrameFormat", "Message", "format_of", "message_of"]


class FrameFormat(Enum):
    """What a frame is; every JSON object is exactly one of these."""

    DOCUMENTED = "documented"
    """``{event_type, timestamp, topic, data}``, of which all but the first may be missing."""
    ANSWER = "answer"
    """``ack`` or ``error``, about a subscription."""
    WRAPPED = "wrapped"
    """``{type, data}``: the event's name and its resource."""
    BARE = "bare"
    """The resource itself."""
    OPAQUE = "opaque"
    """Any other object, such as a customer's flow may send; its payload is the whole of it."""


class Message(msgspec.Struct, frozen=True):
    """What a message says of its event, whatever its format; empty or ``None`` where it does not say."""

    format: FrameFormat
    name: str
    """The vendor's name of the event."""
    topic: str | None
    timestamp: Any
    data: Any
    """The payload as objects."""
    data_json: bytes | None
    """The payload as the vendor wrote it."""


def format_of(frame: Frame, raw: bytes) -> FrameFormat:
    """The format of a frame, the first that fits; `FrameError` if it is not valid JSON."""
    if frame.event_type is not None:
        return FrameFormat.DOCUMENTED
    if _is_answer(frame):
        return FrameFormat.ANSWER
    if frame.id is None and frame.customer_id is None:
        return FrameFormat.WRAPPED if _is_wrapped(frame) else FrameFormat.OPAQUE
    return FrameFormat.BARE if frame.id is not None and _is_dated_or_owned(frame, raw) else FrameFormat.OPAQUE


def message_of(frame: Frame, kind: FrameFormat, raw: bytes) -> Message:
    """The content of a frame of this format; `FrameError` if its name is missing or its data is not valid JSON."""
    if kind is FrameFormat.DOCUMENTED:
        if not isinstance(frame.event_type, str) or not frame.event_type:
            raise FrameError(f"event_type is {frame.event_type!r} and not a name", raw)
        topic = frame.topic if isinstance(frame.topic, str) else None
        data, text = decode_payload(frame.data, raw)
        if text is None:
            data, text = _beside(raw)
        return Message(kind, frame.event_type, topic, frame.timestamp, data, text)
    if kind is FrameFormat.WRAPPED:
        return Message(kind, frame.type, None, None, *decode_payload(frame.data, raw))
    return Message(kind, "", None, None, *_whole(raw))


def _is_answer(frame: Frame) -> bool:
    about = (frame.action, frame.code, None if frame.status is None else frame.topics)
    return frame.type in ("ack", "error") and frame.id is None and any(each is not None for each in about)


def _is_wrapped(frame: Frame) -> bool:
    return isinstance(frame.type, str) and bool(frame.type) and bool(bytes(frame.data))


def _is_dated_or_owned(frame: Frame, raw: bytes) -> bool:
    return frame.customer_id is not None or any(key.startswith("tm_") for key in _whole(raw)[0])


def _beside(raw: bytes) -> tuple[Any, bytes | None]:
    """The payload of an envelope without ``data``: the whole of it, if anything stands beside its own fields."""
    whole = _whole(raw)
    return whole if whole[0].keys() - {"event_type", "timestamp", "topic"} else (None, None)


def _whole(raw: bytes) -> tuple[Any, bytes | None]:
    return decode_payload(msgspec.Raw(raw.strip()), raw)
