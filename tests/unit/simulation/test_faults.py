"""`jackfield.simulation._faults`: what becomes of one frame, as a function of the faults and of chance."""

import json
from random import Random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.simulation import Counters, Faults
from jackfield.simulation._faults import GARBAGE, copies, extras

shares = st.floats(0, 1)
mischief = st.builds(
    Faults,
    drop=shares,
    duplicate=st.integers(1, 5),
    shuffle=st.floats(0, 10),
    garbage=shares,
    binary=shares,
    oversized=shares,
    oversized_bytes=st.integers(100, 300),
)


@given(mischief, st.integers(0, 200), st.integers())
def test_each_frame_is_lost_or_comes_in_all_its_copies_and_the_counters_say_so(faults, length, seed):
    chance, done = Random(seed), Counters()
    out = [each for number in range(length) for each in copies(faults, number, chance, done)]
    came = {number: [item for _, item in out].count(number) for _, number in out}
    assert set(came.values()) <= {faults.duplicate}
    assert len(came) == length - done.dropped
    assert done.duplicated == len(came) * (faults.duplicate - 1)
    assert all(0 <= delay <= faults.shuffle for delay, _ in out)
    if not faults.shuffle:
        assert out == sorted(out)


@given(mischief, st.integers(0, 100), st.integers())
def test_extra_frames_are_what_they_are_called_and_are_counted(faults, length, seed):
    chance, done = Random(seed), Counters()
    out = [each for _ in range(length) for each in extras(faults, chance, done)]
    binary = [each for each in out if isinstance(each, bytes)]
    garbage = [each for each in out if each in GARBAGE]
    oversized = [each for each in out if isinstance(each, str) and each not in GARBAGE]
    assert (len(binary), len(garbage), len(oversized)) == (done.binary, done.garbage, done.oversized)
    assert all(len(each) == faults.oversized_bytes and json.loads(each) for each in oversized)


@pytest.mark.parametrize("frame", GARBAGE)
def test_garbage_is_no_json(frame):
    with pytest.raises(json.JSONDecodeError):
        json.loads(frame)


@given(mischief, st.integers())
def test_the_same_seed_makes_the_same_mischief(faults, seed):
    first, second = (
        [(list(copies(faults, n, chance, Counters())), list(extras(faults, chance, Counters()))) for n in range(50)]
        for chance in (Random(seed), Random(seed))
    )
    assert first == second


@given(st.integers())
def test_without_faults_everything_goes_out_as_it_is(seed):
    done = Counters()
    assert list(copies(Faults(), "frame", Random(seed), done)) == [(0.0, "frame")]
    assert list(extras(Faults(), Random(seed), done)) == []
    assert done == Counters()
    assert Faults().clear


@pytest.mark.parametrize("name", ["stalled", "drop", "duplicate", "shuffle", "garbage", "binary", "oversized"])
def test_what_touches_an_events_frames_is_no_clear_line(name):
    assert not Faults(**{name: 2 if name == "duplicate" else 1}).clear


def test_a_share_is_that_share_in_the_long_run():
    chance, done = Random(1), Counters()
    for _ in range(10_000):
        list(copies(Faults(drop=0.3), None, chance, done))
        list(extras(Faults(garbage=0.1, binary=0.2, oversized=0.4), chance, done))
    found = [done.dropped, done.garbage, done.binary, done.oversized]
    assert found == [pytest.approx(share * 10_000, rel=0.1) for share in (0.3, 0.1, 0.2, 0.4)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("drop", 1.01),
        ("drop", float("nan")),
        ("duplicate", 0),
        ("shuffle", -1),
        ("oversized_bytes", 1),
        ("lag_drop", -1),
        ("refuse", 101),
        ("refuse_rest", 600),
        ("close_code", 999),
        ("close_code", 1005),
        ("retry_after", -1),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_value_and_changes_nothing(name, value):
    with pytest.raises(ValueError, match=str(value)):
        Faults(**{name: value})
    faults = Faults()
    with pytest.raises(ValueError, match=str(value)):
        setattr(faults, name, value)
    assert faults == Faults()


def test_every_fault_is_live_and_has_its_line_of_help():
    for field in attrs.fields(Faults):
        assert field.metadata["live"] is True
        assert len(field.metadata["help"]) > 10
