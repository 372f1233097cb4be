"""The algebra of patterns and selectors against brute force over a small world, and its laws."""

from itertools import product
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from jackfield._routing.index import SelectorIndex
from jackfield.addresses import Address, AddressPattern
from jackfield.selectors import KindPattern, Selector
from jackfield.testing import strategies

# A world small enough to try every address in it, in which a fresh letter stands for all others.
LETTERS = "ab*"
WORLD = [Address(*letters) for letters in product(LETTERS, repeat=6)]
small_patterns = st.builds(AddressPattern, *[st.none() | st.sampled_from("ab")] * 6)


class Happened(NamedTuple):
    kind: str
    address: Address


happenings = st.builds(Happened, strategies.kinds(), strategies.addresses())


def members(pattern):
    """The addresses of the world that the text of a pattern means, segment by segment."""
    words = str(pattern).split("/")
    if words[-1] == "**":
        words[-1:] = ["*"] * (7 - len(words))
    return {
        address for address in WORLD if all(word in ("*", letter) for word, letter in zip(words, address, strict=True))
    }


@given(small_patterns)
def test_a_pattern_matches_what_its_text_means(pattern):
    assert {address for address in WORLD if pattern.matches(address)} == members(pattern)


@given(small_patterns, small_patterns)
def test_covering_is_inclusion(one, other):
    assert one.covers(other) == (members(other) <= members(one))


@given(small_patterns, small_patterns)
def test_the_intersection_is_the_intersection(one, other):
    both = one.intersection(other)
    assert (members(both) if both else set()) == members(one) & members(other)


@given(strategies.addresses())
def test_an_address_is_read_back_from_its_text(address):
    assert Address.parse(str(address)) == address


@given(strategies.address_patterns())
def test_a_pattern_is_read_back_from_its_text(pattern):
    assert AddressPattern.parse(str(pattern)) == pattern


@given(strategies.selectors())
def test_a_selector_is_read_back_from_its_text(selector):
    assert Selector.parse(str(selector)) == selector


@given(strategies.address_patterns(), strategies.address_patterns())
def test_a_witness_is_in_both(one, other):
    witness = one.overlaps(other)
    assert (witness is None) == (one.intersection(other) is None)
    if witness is not None:
        assert one.matches(witness) and other.matches(witness)


@given(strategies.selectors(), strategies.selectors(), happenings)
def test_matching_follows_the_algebra(one, other, event):
    both = one.intersection(other)
    assert (one.matches(event) and other.matches(event)) == (both is not None and both.matches(event))
    if one.covers(other) and other.matches(event):
        assert one.matches(event)
    if one.covers(other):
        assert both == other


@given(strategies.kind_patterns(), strategies.kinds())
def test_a_kind_pattern_matches_word_by_word(pattern, kind):
    assert pattern.matches(kind) == all(
        word in ("*", mine) for word, mine in zip(str(pattern).split("."), kind.split("."), strict=True)
    )
    assert KindPattern.parse(str(pattern)) == pattern


@given(st.lists(strategies.selectors(), max_size=12), happenings, st.data())
def test_the_index_finds_who_a_walk_over_all_selectors_finds(selectors, event, data):
    index = SelectorIndex()
    for number, selector in enumerate(selectors):
        index.add(selector, number % 5)
    gone = data.draw(st.sets(st.sampled_from(range(len(selectors))))) if selectors else set()
    for number in gone:
        index.remove(selectors[number], number % 5)
    left = [(selector, number % 5) for number, selector in enumerate(selectors) if number not in gone]
    assert index.match(event) == {subscriber for selector, subscriber in left if selector.matches(event)}


@given(st.text())
def test_any_text_is_a_selector_or_an_error_that_points_into_it(text):
    try:
        Selector.parse(text)
    except ValueError as error:
        assert 0 <= error.position <= len(text)
        assert error.text == text
