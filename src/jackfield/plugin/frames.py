"""Reading vendors' JSON: a frame into a struct, its payload into objects, or one `FrameError` for any bytes.

For the ``wire`` and ``translate`` modules of providers. A frame's outermost object is decoded into a
`msgspec.Struct` in which the payload stays a `msgspec.Raw`, so that its text can be passed on as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from jackfield.errors import FrameError
from jackfield.events import decode_data, decode_struct

__all__ = ["NO_PAYLOAD", "decode_frame", "decode_payload", "iso_moment", "unix_moment"]

T = TypeVar("T")

NO_PAYLOAD = msgspec.Raw(b"")
"""The default of a struct's payload field: the frame has none."""

_decode_plain = msgspec.json.Decoder().decode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_frame(decode: Callable[[bytes], T], raw: bytes, frame: bytes | None = None) -> T:
    """What `decode`, a struct's decoder, makes of a frame; `FrameError` where it is not such a JSON object.

    Where the JSON in `raw` is a part of the frame only, such as the data of a server-sent event, `frame` is the whole.
    """
    try:
        return decode(raw)  # as nearly all frames are read, so without a call in between
    except _UNREADABLE:
        pass
    try:
        return decode_struct(decode, raw)
    except msgspec.ValidationError as error:
        inside = " - at `$" in str(error)  # such as a number beyond every float where the struct has a text
        problem = f"its JSON object has what cannot be read: {error}" if inside else "not a JSON object"
        raise FrameError(problem, raw if frame is None else frame) from None
    except _UNREADABLE as error:
        raise FrameError(f"not valid JSON: {error}", raw if frame is None else frame) from None


def decode_payload(payload: msgspec.Raw, raw: bytes) -> tuple[Any, bytes | None]:
    """A frame's payload as objects and as its own text; both ``None`` where there is none.

    `FrameError` if it is not valid JSON: decoding the frame has skipped over it.
    """
    text = bytes(payload)
    if not text:
        return None, None
    try:
        return _decode_plain(text), text  # as nearly all are read, so without a call in between
    except _UNREADABLE:
        pass
    try:
        return decode_data(text), text
    except _UNREADABLE as error:
        raise FrameError(f"data is not valid JSON: {error}", raw) from None


def iso_moment(text: Any) -> datetime | None:
    """A text of ISO 8601 with its zone as a moment in UTC; ``None`` for anything else that a vendor may send."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def unix_moment(seconds: Any) -> datetime | None:
    """Seconds since 1970 as a moment in UTC; ``None`` for anything else that a vendor may send."""
    try:
        return None if isinstance(seconds, bool) else datetime.fromtimestamp(seconds, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
