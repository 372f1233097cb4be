"""Which events go where, and which vendor topics that needs."""
