"""Ids and lines are what they were, byte for byte: for every fixture and for 100,000 mutated frames.

The digests were made by the translation as it was before it went by plans; only the attribute ``agentreason`` has come
into lines since.
"""

import json

import mutants
import pytest

RECORDED = json.loads(mutants.DIGESTS.read_text())
VENDORS = ("voipbin", "vinix")
FEW = 4


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_fixture_and_the_first_mutants_become_what_they_were(vendor):
    assert mutants.digests(vendor, FEW) == RECORDED[vendor][: FEW + 1]


@pytest.mark.thorough
@pytest.mark.parametrize("vendor", VENDORS)
def test_100_000_mutated_frames_become_what_they_were(vendor):
    assert 2 * mutants.BLOCK * mutants.BLOCKS == 100_000
    assert mutants.digests(vendor, mutants.BLOCKS) == RECORDED[vendor]
