"""The forms in which VoIPBIN sends a message, and what each says of its event.

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

__all__ = ["Form", "Message", "form_of", "message_of"]


class Form(Enum):
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
    """What a message says of its event, whatever its form; empty or ``None`` where it does not say."""

    form: Form
    name: str
    """The vendor's name of the event."""
    topic: str | None
    timestamp: Any
    data: Any
    """The payload as objects."""
    data_json: bytes | None
    """The payload as the vendor wrote it."""


def form_of(frame: Frame, raw: bytes) -> Form:
    """The form of a frame, the first that fits; `FrameError` if it is not valid JSON."""
    if frame.event_type is not None:
        return Form.DOCUMENTED
    if _is_answer(frame):
        return Form.ANSWER
    if frame.id is None and frame.customer_id is None:
        return Form.WRAPPED if _is_wrapped(frame) else Form.OPAQUE
    return Form.BARE if frame.id is not None and _is_dated_or_owned(frame, raw) else Form.OPAQUE


def message_of(frame: Frame, form: Form, raw: bytes) -> Message:
    """The content of a frame of this form; `FrameError` if its name is missing or its data is not valid JSON."""
    if form is Form.DOCUMENTED:
        if not isinstance(frame.event_type, str) or not frame.event_type:
            raise FrameError(f"event_type is {frame.event_type!r} and not a name", raw)
        topic = frame.topic if isinstance(frame.topic, str) else None
        return Message(form, frame.event_type, topic, frame.timestamp, *_payload(frame, raw))
    if form is Form.WRAPPED:
        return Message(form, frame.type, None, None, *decode_payload(frame.data, raw))
    return Message(form, "", None, None, *_whole(raw))


def _is_answer(frame: Frame) -> bool:
    about = (frame.action, frame.code, None if frame.status is None else frame.topics)
    return frame.type in ("ack", "error") and frame.id is None and any(each is not None for each in about)


def _is_wrapped(frame: Frame) -> bool:
    return isinstance(frame.type, str) and bool(frame.type) and bool(bytes(frame.data))


def _is_dated_or_owned(frame: Frame, raw: bytes) -> bool:
    return frame.customer_id is not None or any(key.startswith("tm_") for key in _whole(raw)[0])


def _payload(frame: Frame, raw: bytes) -> tuple[Any, bytes | None]:
    """An envelope's ``data``; where it has none, the whole of it, if anything stands beside its own fields."""
    found = decode_payload(frame.data, raw)
    if found[1] is None and (whole := _whole(raw))[0].keys() - {"event_type", "timestamp", "topic"}:
        return whole
    return found


def _whole(raw: bytes) -> tuple[Any, bytes | None]:
    return decode_payload(msgspec.Raw(raw.strip()), raw)
