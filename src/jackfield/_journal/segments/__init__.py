"""The append-only log of events: segment files of JSON lines, in the format of docs/reference/journal-format.md."""

from jackfield._journal.segments.folder import JournalGone, Lines, SegmentFolder

__all__ = ["JournalGone", "Lines", "SegmentFolder"]
