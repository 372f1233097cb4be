"""HTTP, TLS and backoff, shared by everything that talks to the network."""
