"""Hypothesis profiles for all tests, of the core and of every plugin: --hypothesis-profile quick, dev, ci or thorough.

The default is ci. A property does not depend on the machine's load, so no profile limits the time.
"""

from hypothesis import HealthCheck, settings

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", patient, max_examples=5)
settings.register_profile("dev", patient, max_examples=25)
settings.register_profile("ci", patient, max_examples=30, derandomize=True)
settings.register_profile("thorough", patient, max_examples=5000)
settings.load_profile("ci")
