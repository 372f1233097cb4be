"""The plugins' tests, too, have the profiles of Hypothesis that are in tests/profiles.py."""

import profiles

__all__ = ["profiles"]
