"""A running gateway: feeds, journal, sinks and listeners, started and stopped in one order."""
