"""The plugins' tests, too, have the profiles of Hypothesis that are in tests/profiles.py."""

import profiles


def pytest_collection_modifyitems(config, items):
    profiles.deselect_thorough(config, items)
