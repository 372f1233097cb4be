"""Support for tests, of Jackfield's own and of its plugins'."""
