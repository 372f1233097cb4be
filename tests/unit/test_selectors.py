"""`jackfield.selectors`: text, errors that point, and single facts of the algebra."""

from typing import NamedTuple

import pytest

from jackfield.addresses import Address, AddressPattern
from jackfield.errors import SelectorError
from jackfield.selectors import EVERYTHING, KindPattern, Selector


class Happened(NamedTuple):
    kind: str
    address: Address


JOIN = Happened("contact.queued", Address.parse("vinix/account/4b31dd1d/queue/Q/join"))


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("**", True),
        ("*.*", True),
        ("contact.queued", True),
        ("contact.*", True),
        ("*.queued", True),
        ("agent.ready", False),
        ("contact.* @ vinix/account/4b31dd1d/**", True),
        ("contact.* @ vinix/account/other/**", False),
        ("vinix/account/4b31dd1d/queue/*/join", True),
        ("@ vinix/**", True),
        ("contact.*@vinix/**", True),
        ("agent.* @ vinix/**", False),
    ],
)
def test_a_selector_matches_by_kind_and_by_address(text, matches):
    assert Selector.parse(text).matches(JOIN) is matches


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("*.*", "**"),
        ("  contact.*  ", "contact.*"),
        ("*.*@vinix/**", "vinix/**"),
        ("contact.queued @ **", "contact.queued"),
        ("contact.*  @  vinix/*/**", "contact.* @ vinix/**"),
    ],
)
def test_a_selector_has_one_canonical_text(text, canonical):
    assert str(Selector.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        ("", 0, "empty"),
        ("   ", 0, "empty"),
        ("contact", 0, "two words"),
        ("contact.queued.now", 0, "two words"),
        ("  Contact.*", 2, "lower-case"),
        ("contact.", 8, "lower-case"),
        ("contact.* @", 11, "must follow '@'"),
        ("contact.* @ vinix//x", 18, "empty segment"),
        ("contact.* @ vinix/**/x", 18, "last"),
        ("voipbin/customer", 16, r"/\*\*"),
    ],
)
def test_a_text_that_is_no_selector_is_refused_at_the_character(text, position, problem):
    with pytest.raises(SelectorError, match=problem) as caught:
        Selector.parse(text)
    assert caught.value.position == position
    assert caught.value.text == text


def test_an_error_can_point_at_its_character():
    with pytest.raises(SelectorError) as caught:
        Selector.parse("contact.* @ a//b")
    assert caught.value.pointed() == "contact.* @ a//b\n              ^ empty segment"


def test_the_intersection_narrows_both_halves():
    contacts, vinix = Selector.parse("contact.*"), Selector.parse("*.queued @ vinix/**")
    assert contacts.intersection(vinix) == Selector.parse("contact.queued @ vinix/**")
    assert contacts.overlaps(vinix) == AddressPattern.parse("vinix/**").witness()


def test_selectors_of_different_kinds_have_nothing_in_common():
    assert Selector.parse("contact.*").overlaps(Selector.parse("agent.*")) is None
    assert Selector.parse("contact.*").intersection(Selector.parse("agent.*")) is None


def test_everything_covers_every_selector():
    assert EVERYTHING.covers(Selector.parse("contact.* @ vinix/**"))
    assert not Selector.parse("contact.*").covers(EVERYTHING)


def test_a_kind_pattern_writes_its_stars():
    assert str(KindPattern()) == "*.*"
