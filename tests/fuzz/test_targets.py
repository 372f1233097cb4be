"""The fuzz targets hold for the kept corpus, and for what Hypothesis generates."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_its_corpus(name):
    inputs = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    assert inputs
    for data in inputs:
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_a_target_holds_for_any_bytes_and_changed_inputs(name, data):
    kept = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
    start = data.draw(st.sampled_from(kept))
    at = data.draw(st.integers(0, len(start)))
    TARGETS[name](data.draw(st.binary()))
    TARGETS[name](start[:at] + data.draw(st.binary(max_size=4)) + start[at + data.draw(st.integers(0, 4)) :])


def test_each_target_has_a_corpus():
    assert {path.name for path in CORPUS.iterdir()} == TARGETS.keys()
