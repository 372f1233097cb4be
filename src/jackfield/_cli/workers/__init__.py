"""``jackfield run --workers N``: one process owns the listeners, and N processes hold the feeds between them."""
