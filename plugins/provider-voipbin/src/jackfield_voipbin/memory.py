"""What came of which resource, so that a query by REST finds what is missing and nothing twice; bounded.

A state is known by its resource's id and the moment of the change: a message that does not name its event has the
same two. The memory outlives connections, since what came before a gap says what is old after it.

It is bounded by time (`reach_seconds`, while connected) and by bytes (`MOST_STATES` states of some 200 bytes). What it
forgot it dates: of a state up to `forgotten_until` nobody knows whether it came, so it is neither lost nor new.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain

import attrs

from jackfield.events import Event
from jackfield.kinds import unmapped_kind
from jackfield_voipbin.recent import Recent

__all__ = ["Memory"]

# States are forgotten by the slice, so that forgetting costs a millisecond at a time.
SLICE_SECONDS = 60.0
SLICE_STATES = 8_192
MOST_STATES = 40 * SLICE_STATES
MOST_OPEN = 4_000
MOST_HEARD = 100
LONG_ID = 64
# A stamp further ahead of our clock is a mistake, and says nothing of what was forgotten.
SKEW = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNKNOWN_KIND = unmapped_kind("")

# Resources that have a history to be read, and the states in which nothing further happens to them.
_FINAL: Mapping[str, tuple[str, ...] | None] = {
    "call": ("hangup",),
    "activeflow": ("ended",),
    "conference": ("terminated",),
    "transcribe": ("done",),
    "aicall": ("terminated",),
    # These go on for ever: what is said in them is read once after anything of them came.
    "conversation": None,
    "chat": None,
}
# Of the resources of topics under which it comes: what something was said in, and the field that says so.
_SAID_IN = {
    "transcript": ("transcribe", "transcribe_id"),
    "transcribe": ("transcribe", "transcribe_id"),
    "aimessage": ("aicall", "aicall_id"),
    "aicall": ("aicall", "aicall_id"),
    "conversation": ("conversation", "conversation_id"),
    "chatmessage": ("chat", "chat_id"),
    "chatparticipant": ("chat", "chat_id"),
    "chat": ("chat", "chat_id"),
}
_ENDS = ("deleted", "ended", "completed")

# One value for each resource and each of its two states, so that an event makes none.
_OPEN = {resource: ((resource, False), (resource, True)) for resource in _FINAL}


def _hash(moment: datetime) -> int:
    """Of a moment, at a third of the price of its own hash, which first asks its zone for the time in UTC."""
    return hash(moment - _EPOCH)


class _Slice:
    """States that came within a minute or so: noted in two lists, and sorted before somebody asks, which is rare.

    A state is the hashes of a resource's id and of a moment, combined by XOR: 64 bits are as good to know one again
    as a long id, and a number costs the garbage collector nothing.
    """

    __slots__ = ("_sorted", "count", "ids", "moments")

    def __init__(self) -> None:
        self.count = 0
        """How many were noted."""
        self.ids: list[str] = []
        self.moments: list[datetime] = []
        """Of these ids, one by one; what was sorted is in neither."""
        self._sorted: dict[int, datetime] = {}

    def states(self) -> dict[int, datetime]:
        """The moments by their states."""
        if self.ids:
            hashes = zip(map(hash, self.ids), map(_hash, self.moments), strict=True)
            self._sorted |= zip([one ^ other for one, other in hashes], self.moments, strict=True)
            self.ids.clear()
            self.moments.clear()
        return self._sorted

    def times(self) -> Iterator[datetime]:
        """The moments in no order."""
        return chain(self.moments, self._sorted.values())


@attrs.define
class Memory:
    """What is remembered of one feed."""

    reach_seconds: float = 600.0
    """What came within so many seconds is known, unless it is more than `MOST_STATES`."""
    forgotten_until: datetime | None = None
    """The latest moment of a forgotten state; ``None`` where nothing was forgotten."""
    _newest: _Slice = attrs.field(factory=_Slice)
    _slices: deque[tuple[float, _Slice]] = attrs.field(factory=deque)
    """The slices before it, oldest first, and when each was full, in seconds of `_clock`."""
    _clock: float = 0.0
    _slice_began: float = 0.0
    _open: Recent[str, tuple[str, bool]] = attrs.field(factory=lambda: Recent(MOST_OPEN))
    """Resources with a history that changed since it was last read or may change: which, and if it is over."""
    came: set[str] = attrs.field(factory=set)
    """The resources of which any event came over this connection."""
    reconciled: datetime | None = None
    """Until when everything was compared with REST."""

    def note(self, event: Event, moment: datetime | None) -> None:
        """Remember an event that was emitted; `moment` is when its resource changed."""
        data = event.data
        if event.kind == UNKNOWN_KIND:  # whoever selects what it was did not get it, so REST may bring it again
            return
        if moment is None or not isinstance(data, dict) or not isinstance(resource_id := data.get("id"), str):
            return
        newest = self._newest
        newest.ids.append(resource_id)
        newest.moments.append(moment)
        newest.count += 1
        if len(resource_id) > LONG_ID:
            newest.states()  # keeps its hash alone
        if newest.count >= SLICE_STATES:
            self._begin_slice(event.received)
        resource, word = event.address.resource, event.address.event
        status = data.get("status")
        if (said_in := _SAID_IN.get(resource)) is not None:
            resource, field = said_in
            if isinstance(whole_id := data.get(field), str):
                resource_id, status, word = whole_id, None, ""
        if resource in _FINAL:
            final, known = _FINAL[resource], self._open.get(resource_id)
            over = final is None or status in final or word in _ENDS or (known is not None and known[1])
            self._open.put(resource_id, _OPEN[resource][over])

    def heard(self, resource: str) -> None:
        """An event of this resource came live."""
        if len(self.came) < MOST_HEARD:
            self.came.add(resource)

    def tick(self, at: datetime, passed: float) -> None:
        """So many seconds have passed; forget what came too long ago."""
        self._clock += passed
        if self._clock - self._slice_began >= SLICE_SECONDS:
            self._begin_slice(at)
        while self._slices and self._clock - self._slices[0][0] >= self.reach_seconds:
            self._forget(at)
        # Sorting takes 4 ms for a slice: a query that had to sort them all would hold up everything else.
        if (unsorted := next((full for _, full in self._slices if full.ids), None)) is not None:
            unsorted.states()

    def _begin_slice(self, at: datetime) -> None:
        self._slices.append((self._clock, self._newest))
        self._newest, self._slice_began = _Slice(), self._clock
        while (len(self._slices) + 1) * SLICE_STATES > MOST_STATES:
            self._forget(at)

    def _forget(self, at: datetime) -> None:
        _, forgotten = self._slices.popleft()
        latest = max((moment for moment in forgotten.times() if moment <= at + SKEW), default=None)
        if latest is not None and (self.forgotten_until is None or latest > self.forgotten_until):
            self.forgotten_until = latest

    def knows(self, resource_id: str, moment: datetime) -> bool:
        """Whether this state was emitted, as far as the memory reaches back."""
        state = hash(resource_id) ^ _hash(moment)
        return any(states.get(state) == moment for states in self._all())

    def reaches(self, moment: datetime) -> bool:
        """Whether a state of this moment would be known if it had been emitted."""
        return self.forgotten_until is None or moment > self.forgotten_until

    def newest(self, resource_ids: Collection[str]) -> dict[str, datetime]:
        """The moments of these resources' newest emitted states, as far as the memory reaches back."""
        wanted = {hash(resource_id): resource_id for resource_id in resource_ids}
        found: dict[str, datetime] = {}
        for states in self._all() if wanted else ():
            for key, moment in states.items():
                if (resource_id := wanted.get(key ^ _hash(moment))) is not None:
                    found[resource_id] = max(moment, found.get(resource_id, moment))
        return found

    def _all(self) -> list[dict[int, datetime]]:
        return [each.states() for each in (self._newest, *(full for _, full in self._slices))]

    def histories(self) -> list[tuple[str, str]]:
        """The resources whose history is to be read, with their ids, newest first."""
        return [(resource, resource_id) for resource_id, (resource, _) in self._open.newest_first()]

    def close(self, resource_id: str) -> None:
        """The history of a resource was read: if it is over, that was the last time."""
        if (known := self._open.get(resource_id)) is not None and known[1]:
            self._open.remove(resource_id)
