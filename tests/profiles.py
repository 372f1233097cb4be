"""Hypothesis profiles for all tests, of the core and of every plugin: --hypothesis-profile dev, ci or thorough.

Without a choice it is ci. How busy the machine is says nothing about a property, so no profile counts seconds.
"""

from hypothesis import HealthCheck, settings

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", patient, max_examples=25)
settings.register_profile("ci", patient, max_examples=30, derandomize=True)
settings.register_profile("thorough", patient, max_examples=5000)
settings.load_profile("ci")
