"""Since when feeds may have missed events because no gateway was running: as the journal of the last one shows."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from jackfield._journal.store import Store
from jackfield.plugin.frames import NO_PAYLOAD

__all__ = ["last_received_at"]

PAGE = 1000
# So many events are looked through in a quarter of a second. A feed that has said nothing for longer
# is taken to have been heard of just before them, which tells too long a gap rather than none.
MOST = 50_000


class _Seen(msgspec.Struct):
    feed: str
    type: str = ""
    data: msgspec.Raw = NO_PAYLOAD


class _Lost(msgspec.Struct):
    since: datetime


_decode = msgspec.json.Decoder(_Seen).decode
_decode_lost = msgspec.json.Decoder(_Lost).decode


def last_received_at(store: Store, feeds: Iterable[str]) -> dict[str, datetime]:
    """When the last event of each feed was received; a feed that the journal has never heard of is not there."""
    wanted = set(feeds)
    found: dict[str, datetime] = {}
    seq, stop = store.next_seq, max(store.first_seq, store.next_seq - MOST)
    oldest: datetime | None = None
    while wanted and seq > stop:
        start = max(stop, seq - PAGE)
        for row in reversed(store.read(start, seq - start).rows):
            oldest = datetime.fromtimestamp(row.received / 1_000_000, UTC)
            with suppress(msgspec.MsgspecError):
                seen = _decode(row.body)
                if seen.feed in wanted and seen.type != "stream.not_verified":  # which may come while it is down
                    wanted.remove(seen.feed)
                    found[seen.feed] = oldest
                    if seen.type == "stream.disconnected":  # and never subscribed again, so no gap was announced
                        found[seen.feed] = _decode_lost(seen.data).since
        seq = start
    if oldest is not None and stop > store.first_seq:
        found |= dict.fromkeys(wanted, oldest)
    return found
