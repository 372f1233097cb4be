"""`jackfield._loading.structure`: what is its own beside the configuration's tests."""

from typing import Literal

import attrs

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
