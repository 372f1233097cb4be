"""A feed: one connection to one vendor account, from the socket to events."""
