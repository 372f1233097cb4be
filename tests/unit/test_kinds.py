"""`jackfield.kinds`: the table is well-formed, and nothing falls outside it unnamed."""

import re

import pytest

from jackfield.kinds import KIND_NAMES, KINDS, unmapped_kind
from jackfield.selectors import KindPattern


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_kind_is_two_plain_words_with_a_meaning(kind):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*", kind.name)
    assert kind.meaning and not kind.meaning.endswith(".")
    assert kind.entity == kind.name.split(".")[0]
    assert KindPattern.parse(kind.name).matches(kind.name)


def test_no_kind_is_there_twice():
    assert len(KIND_NAMES) == len(KINDS)


def test_the_ambiguous_word_delivered_is_no_kind():
    assert not [name for name in KIND_NAMES if name.endswith(".delivered")]


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ("email", "unmapped.email"),
        ("", "unmapped.unknown"),
        ("Zoë/ x", "unmapped.zo_x"),
        ("web-chat", "unmapped.web_chat"),
        ("***", "unmapped.unknown"),
    ],
)
def test_an_unmapped_kind_can_be_selected(resource, kind):
    assert unmapped_kind(resource) == kind
    assert KindPattern.parse(kind).matches(kind)
