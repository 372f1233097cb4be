"""From an event of the gateway to ours: address, kind, time, identity, correlation."""

from __future__ import annotations

from datetime import datetime

import msgspec

from jackfield.errors import FrameError
from jackfield.events import Event, EventDraft
from jackfield.plugin.frames import decode_payload
from jackfield_vinix.identity import identity
from jackfield_vinix.naming import address_of_event
from jackfield_vinix.parties import read_parties
from jackfield_vinix.plans import by_fields
from jackfield_vinix.state import AccountState
from jackfield_vinix.times import event_time, message_time
from jackfield_vinix.wire import ENVELOPE, Frame, text_of

__all__ = ["translate"]


def translate(
    frame: Frame, raw: bytes, feed: str, account_id: str, at: datetime, state: AccountState | None = None
) -> Event:
    """The event in a frame that is not a reply; `FrameError` where it names no event or its key is broken.

    `account_id` stands in where the event itself does not say whose it is. The state learns of the event, and names
    its session where the event itself does not.
    """
    data, data_json = decode_payload(frame.data, raw)
    fields, by = by_fields(data, len(raw))
    if data_json is None:  # KAZOO's webhooks have no envelope: the fields are the frame itself
        body, text = decode_payload(msgspec.Raw(raw), raw)
        if own := {name: value for name, value in body.items() if name not in ENVELOPE}:
            data, data_json = body, text
            fields, by = by_fields(own, len(raw))
    address, plan = address_of_event(frame, fields, account_id, raw)
    time = event_time(fields, by.times)
    if time is None and not plan.is_qubicle:
        time = message_time(text_of(fields, "msg_id"))
    try:
        event_id = identity(address, time, fields, data)
    except RecursionError:
        raise FrameError("data is nested too deeply to identify its copies", raw) from None
    session_id = (state or AccountState()).learn(address, fields, time)
    event = EventDraft()
    event.id = event_id
    event.kind = plan.kind if plan.other is None or not plan.other[1](fields) else plan.other[0]
    event.address = address
    event.time = time
    event.received = at
    event.feed = feed
    event.correlation = session_id or text_of(fields, "call_id") or None
    name = frame.name
    event.native_type = name if isinstance(name, str) and name else frame.identifier or plan.word
    event.native_topic = frame.routing_key if isinstance(frame.routing_key, str) else ""
    event.parties = read_parties(fields, by.parties, plan.media, plan.reason)
    event.data = data
    event.data_json = data_json
    event.raw = raw
    return event.freeze()
