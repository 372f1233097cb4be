"""The journal's file: the one place that knows that it is an SQLite database."""

from jackfield._journal.store.store import Store, delete_dead_letters, forget_sink

__all__ = ["Store", "delete_dead_letters", "forget_sink"]
