"""From a qubicle event to ours: address, kind, time, identity, correlation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jackfield.addresses import Address
from jackfield.errors import FrameError
from jackfield.events import Event
from jackfield.frames import decode_payload
from jackfield_vinix.identity import identity
from jackfield_vinix.kinds import kind_of
from jackfield_vinix.naming import UNKNOWN_ID, address_of_event
from jackfield_vinix.times import event_time
from jackfield_vinix.wire import Frame, fold, text_of

__all__ = ["translate"]


def translate(frame: Frame, raw: bytes, feed: str, account_id: str, at: datetime) -> Event:
    """The event in a frame that is no reply; `FrameError` where it names no event or its key is broken.

    `account_id` stands in where the event itself does not say whose it is.
    """
    data, data_json = decode_payload(frame.data, raw)
    fields = fold(data)
    address = address_of_event(frame, fields, account_id, raw)
    time = event_time(fields)
    try:
        event_id = identity(address, time, fields, data)
    except RecursionError:
        raise FrameError("data is nested too deeply to tell its copies", raw) from None
    return Event(
        id=event_id,
        kind=kind_of(address.resource, address.event, fields),
        address=address,
        time=time,
        received=at,
        feed=feed,
        correlation=_correlation(address, fields),
        native_type=frame.identifier or address.event,
        native_topic=frame.routing_key if isinstance(frame.routing_key, str) else "",
        data=data,
        data_json=data_json,
        raw=raw,
    )


def _correlation(address: Address, fields: Mapping[str, Any]) -> str | None:
    """The session, which all three families know; a session's own event has it in its address at least."""
    own = address.resource_id if address.resource == "session" and address.resource_id != UNKNOWN_ID else ""
    return text_of(fields, "session_id") or own or text_of(fields, "call_id") or None
