"""`jackfield._loading.structure`: what is its own beside the configuration's tests."""

import datetime as dt
from typing import Literal

import attrs
import pytest

from jackfield._loading.structure import structure, unknown_keys


def test_a_validator_that_raises_anything_is_a_fault_of_its_value():
    def broken(_instance, _attribute, value):
        raise LookupError(f"no such thing as {value}")

    @attrs.frozen
    class Options:
        thing: str = attrs.field(validator=broken)
        mode: Literal["a", "b"] = "a"

    faults = []
    assert structure(Options, {"thing": "x", "mode": "c"}, "sinks.s", faults) is None
    assert [str(fault) for fault in faults] == [
        "sinks.s.thing: LookupError: no such thing as x",
        "sinks.s.mode: 'c' is none of 'a', 'b'",
    ]


def test_a_word_or_a_number_is_one_of_the_words_or_any_number():
    @attrs.frozen
    class Options:
        acks: Literal["memory", "fsync"] | int = "memory"

    faults = []
    for value in ("memory", "fsync", 2):
        assert structure(Options, {"acks": value}, "sinks.s", faults) == Options(value)
    for value in ("disk", True, 1.5):
        assert structure(Options, {"acks": value}, "sinks.s", faults) is None
    assert [str(fault) for fault in faults] == [
        "sinks.s.acks: 'disk' is none of 'memory', 'fsync', a whole number",
        "sinks.s.acks: true is none of 'memory', 'fsync', a whole number",
        "sinks.s.acks: 1.5 is none of 'memory', 'fsync', a whole number",
    ]


@pytest.mark.parametrize("given", [5, 1.5, True, "x", dt.date(1979, 5, 27), None])
def test_what_is_no_list_or_no_table_is_named_as_it_is_written(given):
    @attrs.frozen
    class Options:
        names: tuple[str, ...] = ()
        numbers: list[int] = attrs.Factory(list)
        headers: dict[str, str] = attrs.Factory(dict)

    for field, wanted in (("names", "a list"), ("numbers", "a list"), ("headers", "a table")):
        faults = []
        structure(Options, {field: given}, "sinks.s", faults)
        assert [str(fault).partition(", not ")[0] for fault in faults] == [f"sinks.s.{field}: must be {wanted}"]
    assert "datetime" not in str(faults[0])


def test_a_table_is_no_list_of_its_keys_and_a_list_no_table():
    @attrs.frozen
    class Options:
        names: tuple[str, ...] = ()
        headers: dict[str, str] = attrs.Factory(dict)

    faults = []
    structure(Options, {"names": {"crm": 1}, "headers": ["a"]}, "sinks.s", faults)
    assert list(map(str, faults)) == [
        "sinks.s.names: must be a list, not a table",
        "sinks.s.headers: must be a table, not a list",
    ]


def test_a_fault_within_a_table_has_the_path_that_the_file_has():
    @attrs.frozen
    class Options:
        headers: dict[str, str] = attrs.Factory(dict)

    faults = []
    structure(Options, {"headers": {"X-Tenant": 5}}, "sinks.s", faults)
    assert list(map(str, faults)) == ["sinks.s.headers.X-Tenant: must be text, not 5"]


def test_options_that_do_not_go_together_are_a_fault_of_their_table():
    @attrs.frozen
    class Options:
        keep: int = 0
        rotate: bool = False

        def __attrs_post_init__(self):
            if self.keep and not self.rotate:
                raise ValueError("keep means nothing without rotate")

    faults = []
    assert structure(Options, {"keep": 3}, "sinks.s", faults) is None
    assert [str(fault) for fault in faults] == ["sinks.s: keep means nothing without rotate"]
    assert structure(Options, {"keep": 3, "rotate": True}, "sinks.s", faults) == Options(3, rotate=True)


def test_options_that_need_nothing_are_made_of_an_empty_table():
    @attrs.frozen
    class Options:
        size: int = 5
        hidden: int = attrs.field(default=1, init=False)

    faults = []
    assert structure(Options, {}, "x", faults) == Options()
    assert structure(Options, {"hidden": 2}, "x", faults) is None


def test_an_unknown_key_that_resembles_nothing_lists_what_is_known():
    assert [str(fault) for fault in unknown_keys({"zzz": 1}, ["path", "keep"], "sinks.s")] == [
        "sinks.s.zzz: unknown option; known here: keep, path"
    ]
