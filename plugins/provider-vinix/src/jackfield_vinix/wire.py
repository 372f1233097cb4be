"""What is on the wire of Vinix Contact Center's gateway (KAZOO's blackhole): requests out, replies and events in.

Sources: Vinix's page "Contact Center Websockets" for bindings and requests; for replies and for the
several ways in which one event may be written, KAZOO's own code and a published live capture.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from jackfield.plugin.frames import NO_PAYLOAD, decode_frame

__all__ = ["ENVELOPE", "Frame", "fold", "fold_within", "is_folded", "plain_id", "read_frame", "request", "text_of"]


class Frame(msgspec.Struct, frozen=True, gc=False):
    """Whatever the server sends; which fields are present decides what it is.

    An event is named by `name`, `event` or `event_name`, by the whole binding or by its last word; a
    reply has the action ``reply``.
    """

    action: Any = None
    name: Any = None
    event: Any = None
    event_name: Any = None
    routing_key: Any = None
    subscription_key: Any = None
    subscribed_key: Any = None
    request_id: Any = None
    status: Any = None
    data: msgspec.Raw = NO_PAYLOAD

    @property
    def identifier(self) -> str:
        """What the frame itself calls its event; empty where it does not."""
        if isinstance(name := self.name, str) and name:
            return name
        return next((each for each in (self.event, self.event_name) if isinstance(each, str) and each), "")


ENVELOPE = frozenset(Frame.__struct_fields__)
"""What stands around a payload."""

_decode = msgspec.json.Decoder(Frame).decode


def read_frame(raw: bytes) -> Frame:
    """The frame as far as its outermost object goes; `FrameError` if it is not a JSON object."""
    try:
        return _decode(raw)  # as nearly all are read, so without a call in between
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return decode_frame(_decode, raw)


def fold(data: Any) -> Mapping[str, Any]:
    """The payload for reading, as KAZOO's websocket normalises it: ``Queue-ID`` is ``queue_id``, and no field is empty.

    KAZOO's webhooks and its message bus write the other form. Only the outermost keys are folded, for
    only they are read; what is passed on is never touched. Empty for a payload that is not an object.
    """
    if not isinstance(data, dict):
        return {}
    if is_folded(data):  # as KAZOO's websocket has done already
        values = data.values()
        if None not in values and "" not in values:
            return data
    return {key.lower().replace("-", "_"): value for key, value in data.items() if value is not None and value != ""}


def is_folded(names: Iterable[str]) -> bool:
    """Whether these are the names of fields as KAZOO's websocket writes them."""
    text = "".join(names)
    return "-" not in text and text == text.lower()


def fold_within(value: Any) -> Any:
    """The same at every depth, for comparing copies; `RecursionError` where that is deeper than Python follows."""
    if isinstance(value, list):
        return [fold_within(each) for each in value]
    if isinstance(value, dict):
        return {key: fold_within(each) for key, each in fold(value).items()}
    return value


def text_of(fields: Mapping[str, Any], name: str) -> str:
    """A field that holds a word or an id; a number is its digits, and anything else no text."""
    value = fields.get(name)
    if type(value) is str:
        return value
    return str(value) if type(value) is int else ""


def plain_id(text: str) -> str:
    """An id for comparing: Vinix's pages write UUIDs with dashes, KAZOO the 32 digits."""
    return text.replace("-", "").lower()


def request(action: str, request_id: str, auth_token: str, name: str = "", **data: str) -> str:
    """The text of one request; one binding in each, since KAZOO 4 knows no list of them.

    The name goes beside the data: there alone the server reads it, for its list of connections.
    """
    named = {"name": name} if name else {}
    given = {"data": data} if data else {}
    message = {"action": action, "auth_token": auth_token, "request_id": request_id} | named | given
    return msgspec.json.encode(message).decode()
