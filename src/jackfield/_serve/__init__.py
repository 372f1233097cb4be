"""What programs and probes ask a running gateway for by HTTP: its metrics and its health."""
