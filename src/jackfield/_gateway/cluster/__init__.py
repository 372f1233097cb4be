"""Several gateways with the same feeds: who holds which, and what the others keep meanwhile."""
