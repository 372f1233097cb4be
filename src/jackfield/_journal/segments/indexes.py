"""The indexes of a folder's segments: loaded at the start, made where a segment is closed, removed with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import attrs

from jackfield._journal.segments.index import Index, build_index, index_path, load_index
from jackfield._journal.segments.segment import Segment
from jackfield.errors import JournalError

__all__ = ["Indexes"]


@attrs.define(eq=False)
class Indexes:
    """By the segments' first positions."""

    _known: dict[int, Index] = attrs.field(factory=dict)

    def get(self, segment: Segment) -> Index | None:
        """A segment's index, if it has one that fits."""
        return self._known.get(segment.first)

    def bytes_of(self, segment: Segment) -> int:
        """How many bytes a segment has on the disk, with its index."""
        index = self._known.get(segment.first)
        return segment.size + (0 if index is None else index.size)

    def keys_in(self, segment: Segment) -> int:
        """How many keys a segment's index holds."""
        index = self._known.get(segment.first)
        return 0 if index is None else index.key_count

    def load(self, segments: list[Segment], *, missing: bool) -> Iterator[str]:
        """Let segments know from their indexes what else they would be read through for; what is wrong with those.

        That an index is `missing` is said only where no other process may be making it.
        """
        for segment in segments:
            found = load_index(segment)
            if isinstance(found, str):
                is_missing = found.endswith("is missing")
                if not is_missing or (missing and segment.limit is not None):
                    yield f"{found}; it is made again"
                if is_missing:
                    continue
            elif found.header.next == (segment.limit or max(found.header.next, segment.confirmed)):
                segment.next, segment.marks = found.header.next, found.header.marks
                segment.received = found.header.received[0]
                # What is written next must stand behind a whole group.
                if segment.limit is not None or not any(piece.problem for piece in segment.chunk(-1)):
                    self._known[segment.first] = found
                    continue
            segment.read_through()
            yield from segment.problems

    def maintain(self, segments: list[Segment]) -> Iterator[None]:
        """Make those of closed segments, and begin the newest one's, in slices between which others get a turn."""
        yield from self.build(segments[:-1])
        for newest in segments[-1:]:
            if (entries := newest.entries) is not None:
                yield from entries.digest()

    def build(self, segments: list[Segment]) -> Iterator[None]:
        """Make those that are missing, in slices between which others get a turn."""
        for segment in segments:
            if segment.first in self._known:
                continue
            with suppress(FileNotFoundError):  # retention has deleted it
                yield from build_index(segment)
                # Where groups are not in order no mark helps; where the newest ends badly the next start must see it.
                useless = segment.misplaced or (segment.limit is None and bool(segment.problems))
                if useless or not segment.path.exists():
                    index_path(segment).unlink()
                elif isinstance(found := load_index(segment), Index):
                    self._known[segment.first] = found
                    segment.received = found.header.received[0]

    def discard(self, segment: Segment) -> None:
        """Do without a segment's index until it is made again."""
        self._known.pop(segment.first, None)

    def forget(self, segment: Segment) -> None:
        """Remove a segment's index: the segment grows, or is deleted."""
        self._known.pop(segment.first, None)
        try:
            index_path(segment).unlink(missing_ok=True)
        except OSError as error:
            raise JournalError(f"{index_path(segment)}: cannot be deleted: {error.strerror}") from None
