"""Which event it is: the id that all copies of one event share, and no two events of an account do.

The vendor gives its messages ids, which are correlation ids as well: KAZOO's applications copy them from a request into
each of its answers, and calls have the switch's clock there. So different events may share one, and the identity is
account, family, thing, word and message id together. Where there is none, it is made from what happened, where, when,
and the payload, but from nothing that the way adds in which a copy is written or came.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from jackfield.addresses import Address
from jackfield.events import content_id, encode_data
from jackfield_vinix.times import TIME_FIELDS
from jackfield_vinix.wire import fold_within, text_of

__all__ = ["identity"]

# Said by the address already, or by the server that passed the event on about itself.
_NO_CONTENT = frozenset({"account_id", "app_name", "app_version", "event_category", "event_name", "node", "server_id"})


def identity(address: Address, time: datetime | None, fields: Mapping[str, Any], data: Any) -> str:
    """The event's id, from its folded fields or its payload; `RecursionError` where that is nested too deeply."""
    message_id = fields.get("msg_id")
    if type(message_id) is not str:
        message_id = text_of(fields, "msg_id")
    if message_id:
        # One list, encoded at once, keeps its parts apart as well as parts of their own, at a third of the price.
        what = encode_data((*address, message_id))
        return sha256(b"7:message%d:%b" % (len(what), what)).hexdigest()[:32]  # as `content_id(b"message", what)`
    return _derived(address, time, fields if isinstance(data, dict) else data)


def _derived(address: Address, time: datetime | None, content: Any) -> str:
    if isinstance(content, Mapping):
        repeated = {*_NO_CONTENT, f"{address.resource}_id", *(TIME_FIELDS if time is not None else ())}
        content = {field: value for field, value in content.items() if field not in repeated}
    what = encode_data(fold_within(content), ordered=True)
    parts = (*address, "" if time is None else time.isoformat())
    return content_id(*(part.encode(errors="surrogatepass") for part in parts), what)
