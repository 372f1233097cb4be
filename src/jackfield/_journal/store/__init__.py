"""What keeps the journal's events: memory, or a folder of segments with an SQLite file beside them."""

from jackfield._journal.store.interface import Store
from jackfield._journal.store.memory import MemoryStore
from jackfield._journal.store.segment_store import SegmentStore
from jackfield._journal.store.sidecar import delete_dead_letters, forget_sink

__all__ = ["MemoryStore", "SegmentStore", "Store", "delete_dead_letters", "forget_sink"]
