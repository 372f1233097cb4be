"""Hypothesis profiles for all tests, of the core and of every plugin: --hypothesis-profile quick, dev, ci or thorough.

The default is ci. A property does not depend on the machine's load, so no profile limits the time.

``@pytest.mark.thorough`` is for cases that repeat at length, or in one more combination, what the ordinary run tests
already: the thorough profile runs them, all others deselect them.
"""

from hypothesis import HealthCheck, settings

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", patient, max_examples=5)
settings.register_profile("dev", patient, max_examples=25)
settings.register_profile("ci", patient, max_examples=30, derandomize=True)
settings.register_profile("thorough", patient, max_examples=5000)
settings.load_profile("ci")


def is_thorough():
    """Whether this run has the thorough profile."""
    return settings.get_current_profile_name() == "thorough"


def deselect_thorough(config, items):
    """Leave out the cases of the thorough profile."""
    if is_thorough():
        return
    left_out = [item for item in items if item.get_closest_marker("thorough")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
