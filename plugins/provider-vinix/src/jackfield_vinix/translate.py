"""From a qubicle event to ours: its word, family, ids, kind, time, identity, correlation.

One event may be written in three ways: with the bare word as its name and no word in the routing
key (KAZOO 4.3), with the word in both (KAZOO 5), or with the whole binding as its name (Vinix's
documentation), of which the leanest form has no routing key at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from jackfield.addresses import Address
from jackfield.errors import FrameError
from jackfield.events import Event, content_id
from jackfield.frames import decode_payload
from jackfield_vinix.kinds import FAMILIES, kind_of
from jackfield_vinix.topics import APPLICATION, PROVIDER, decode_word
from jackfield_vinix.wire import Frame, fold

__all__ = ["translate"]

UNKNOWN_ID = "unknown"
"""Stands where an address needs an id and the vendor gave none."""

# Erlang's calendar counts seconds from the year 0; a live capture of KAZOO 4.3 has both clocks in
# one event and confirms the difference to the second.
GREGORIAN_EPOCH = 62_167_219_200
GREGORIAN_FROM, GREGORIAN_TO = 6 * 10**10, 10**11
MILLISECONDS_FROM = 10**12


def translate(frame: Frame, raw: bytes, feed: str, account_id: str, at: datetime) -> Event:
    """The event in a frame that is no reply; `FrameError` where it names no event or its key is broken.

    `account_id` stands in where the event itself does not say whose it is.
    """
    data, data_json = decode_payload(frame.data, raw)
    fields = fold(data)
    key = _words(frame.routing_key, raw)
    named = _words(frame.identifier, raw) if frame.identifier.startswith(f"{APPLICATION}.") else []
    word = _event_word(frame, named, key, fields)
    if not word:
        raise FrameError("neither a reply nor an event: nothing names what happened", raw)
    family = _family(frame, named, key, fields)
    account = _text(fields, "account_id") or _at(key, 2) or _at(named, 2) or account_id or UNKNOWN_ID
    resource_id = _text(fields, f"{family}_id") or _at(key, 3) or _at(named, 3) or UNKNOWN_ID
    message_id = _text(fields, "msg_id")
    return Event(
        id=message_id or _identity(account, family, resource_id, word, data),
        kind=kind_of(family, word, fields),
        address=Address(PROVIDER, "account", account, family, resource_id, word),
        time=_time(fields.get("event_unix_timestamp")) or _time(fields.get("event_timestamp")),
        received=at,
        feed=feed,
        correlation=_text(fields, "session_id") or _text(fields, "call_id") or None,
        native_type=frame.identifier or word,
        native_topic=frame.routing_key if isinstance(frame.routing_key, str) else "",
        data=data,
        data_json=data_json,
        raw=raw,
    )


def _words(key: Any, raw: bytes) -> list[str]:
    if not isinstance(key, str) or not key:
        return []
    words = key.split(".")
    if not all(words):
        raise FrameError(f"{key!r} has an empty segment", raw)
    return words


def _event_word(frame: Frame, named: list[str], key: list[str], fields: Mapping[str, Any]) -> str:
    if len(named) > 4:
        return decode_word(named[-1])
    bare = "" if named else frame.identifier
    return bare or _text(fields, "event_name") or _at(key, 4)


def _family(frame: Frame, named: list[str], key: list[str], fields: Mapping[str, Any]) -> str:
    category = _text(fields, "event_category").removeprefix(f"{APPLICATION}-")
    subscribed = frame.subscribed_key.split(".") if isinstance(frame.subscribed_key, str) else []
    found = _at(key, 1) or _at(named, 1) or category or _at(subscribed, 1)
    # Without any of these an id still tells: recipient events hold a queue's and a session's id too.
    return found or next((each for each in ("recipient", *FAMILIES) if f"{each}_id" in fields), UNKNOWN_ID)


def _at(words: list[str], number: int) -> str:
    return decode_word(words[number]) if number < len(words) else ""


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _time(value: Any) -> datetime | None:
    """A moment in unix seconds, gregorian seconds or milliseconds, told apart by its size."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    seconds = float(value)
    if GREGORIAN_FROM < value < GREGORIAN_TO:
        seconds -= GREGORIAN_EPOCH
    elif value >= MILLISECONDS_FROM:
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _identity(account: str, family: str, resource_id: str, word: str, data: Any) -> str:
    parts = (PROVIDER, account, family, resource_id, word)
    return content_id(*(part.encode() for part in parts), msgspec.json.encode(data, order="deterministic"))
