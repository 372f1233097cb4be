"""The ordered log between feeds and sinks, in a file or in memory."""

from jackfield._journal.journal import Journal

__all__ = ["Journal"]
