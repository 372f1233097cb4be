"""Hypothesis profiles for all tests, of the core and of every plugin: --hypothesis-profile dev, ci or thorough.

Without a choice it is ci. How busy the machine is says nothing about a property, so no profile counts seconds.
"""

import pytest
from hypothesis import HealthCheck, settings

from jackfield.testing.rules import NotApplicable

NOT_APPLICABLE = "not applicable"

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", patient, max_examples=25)
settings.register_profile("ci", patient, max_examples=30, derandomize=True)
settings.register_profile("thorough", patient, max_examples=5000)
settings.load_profile("ci")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    """A rule about what a vendor does not have is no test that was left out: it is counted by itself."""
    error = call.excinfo.value if call.excinfo is not None else None
    report = yield
    if isinstance(error, NotApplicable):
        report.outcome, report.longrepr = "passed", None
        report.user_properties.append((NOT_APPLICABLE, str(error)))
    return report


def pytest_report_teststatus(report):
    if report.when == "call" and NOT_APPLICABLE in dict(report.user_properties):
        return NOT_APPLICABLE, "-", NOT_APPLICABLE.upper()
    return None
