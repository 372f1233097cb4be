"""From an event of the gateway to ours: address, kind, time, identity, correlation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from jackfield.addresses import Address
from jackfield.errors import FrameError
from jackfield.events import Event, EventDraft
from jackfield.plugin.frames import decode_payload
from jackfield_vinix.identity import identity
from jackfield_vinix.naming import FULL, plan_by_key, read_names
from jackfield_vinix.parties import read_parties
from jackfield_vinix.plans import LONG, Plan, plan_of
from jackfield_vinix.state import AccountState
from jackfield_vinix.times import GREGORIAN_EPOCH, GREGORIAN_FROM, GREGORIAN_TO, event_time, message_time
from jackfield_vinix.topics import PROVIDER
from jackfield_vinix.wire import ENVELOPE, Frame, fold, text_of

__all__ = ["translate"]

# What a named tuple is made of; its own constructor is a Python function, and takes twice as long.
_new_address = tuple.__new__
_from_timestamp = datetime.fromtimestamp


def translate(
    frame: Frame, raw: bytes, feed: str, account_id: str, at: datetime, state: AccountState | None = None
) -> Event:
    """The event in a frame that is not a reply; `FrameError` where it names no event or its key is broken.

    `account_id` stands in where the event itself does not say whose it is. The state learns of the event, and names
    its session where the event itself does not.
    """
    data, data_json = decode_payload(frame.data, raw)
    name, key = frame.name, frame.routing_key
    plan, words = None, []
    # Nearly all events have a whole key, and a bare word or the key for a name; their plan says what else there is to
    # read. Whatever is not as usual is read by a function of its own, and a law says that these ways agree.
    if type(data) is dict and type(name) is str and type(key) is str and len(raw) < LONG:
        words = key.split(".")
        if len(words) >= FULL and "" not in words and "%" not in key and "+" not in key:
            word = name if name != key else words[4] if len(words) > FULL else ""  # documented: the key is the name too
            plan = plan_by_key(account_id, word, words[0], words[1], words[2], *data)
    if plan is not None and data.get("account_id") in (None, plan.account):
        fields, resource_id = data, data.get(plan.id_field)
        if type(resource_id) is not str or not resource_id:
            resource_id = text_of(data, plan.id_field) or words[3]
    else:
        data, data_json, fields, plan, resource_id = _read_whole(frame, data, data_json, raw, account_id)
    moment = fields.get(plan.time)
    if type(moment) is int and 0 < moment < GREGORIAN_TO:  # no such moment is beyond the calendar
        time: datetime | None = _from_timestamp(moment - GREGORIAN_EPOCH if moment > GREGORIAN_FROM else moment, UTC)
    else:
        time = event_time(fields) or (None if plan.is_qubicle else message_time(text_of(fields, "msg_id")))
    event = EventDraft()
    event.address = address = _new_address(
        Address, (PROVIDER, "account", plan.account, plan.family, resource_id, plan.word)
    )
    event.time = time
    try:
        event.id = identity(address, time, fields, data)
    except RecursionError:
        raise FrameError("data is nested too deeply to identify its copies", raw) from None
    event.kind = plan.kind if plan.other is None or not plan.other[1](fields) else plan.other[0]
    event.received = at
    event.feed = feed
    event.correlation = (state or AccountState()).learn(address, fields, time) or text_of(fields, "call_id") or None
    event.native_type = name if name and type(name) is str else frame.identifier or plan.word
    event.native_topic = key if type(key) is str else ""
    if plan.parties is not None:
        event.parties = read_parties(fields, plan.parties)
    event.data_json = data_json  # its objects are made when somebody asks; these have shown that it is good
    event.raw = raw
    return event.freeze()


def _read_whole(
    frame: Frame, data: Any, data_json: bytes | None, raw: bytes, account_id: str
) -> tuple[Any, bytes | None, Mapping[str, Any], Plan, str]:
    """Payload and its text, its fields under their folded names, plan and resource's id, however a frame is written."""
    fields = fold(data)
    if data_json is None:  # KAZOO's webhooks have no envelope: the fields are the frame itself
        body, text = decode_payload(msgspec.Raw(raw), raw)
        if own := {name: value for name, value in body.items() if name not in ENVELOPE}:
            data, data_json, fields = body, text, fold(own)
    family, word, account, resource_id = read_names(frame, fields, account_id, raw)
    return data, data_json, fields, plan_of(family, word, account, fields), resource_id
