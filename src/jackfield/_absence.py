"""Since when feeds may have missed events because no gateway was running: told by the journal of the last one."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from jackfield._store import Store

__all__ = ["last_signs"]

PAGE = 1000
# So many events are looked through in a quarter of a second. A feed that has said nothing for longer
# is taken to have been heard of just before them, which tells too long a gap rather than none.
MOST = 50_000


class _Seen(msgspec.Struct):
    feed: str


_decode = msgspec.json.Decoder(_Seen).decode


def last_signs(store: Store, feeds: Iterable[str]) -> dict[str, datetime]:
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
                if (feed := _decode(row.body).feed) in wanted:
                    wanted.remove(feed)
                    found[feed] = oldest
        seq = start
    if oldest is not None and stop > store.first_seq:
        found |= dict.fromkeys(wanted, oldest)
    return found
