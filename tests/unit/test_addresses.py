"""`jackfield.addresses`: text, errors that point, and single facts of the algebra."""

import pytest

from jackfield.addresses import ANYWHERE, Address, AddressPattern, Source
from jackfield.errors import AddressError

CALL = Address("voipbin", "customer", "abc123", "call", "xyz789", "status")


def test_an_address_reads_and_writes_its_six_segments():
    assert str(CALL) == "voipbin/customer/abc123/call/xyz789/status"
    assert Address.parse(str(CALL)) == CALL
    assert CALL.source == Source("voipbin", "customer", "abc123")
    assert str(CALL.source) == "voipbin/customer/abc123"


def test_syntax_space_and_control_characters_are_percent_encoded():
    address = Address("v", "s", "a/b", "100%", "*@", "two words\n")
    assert str(address) == "v/s/a%2Fb/100%25/%2A%40/two%20words%0A"
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        ("a/b/c/d/e", 9, "5 segments"),
        ("a/b/c/d/e/f/g", 13, "7 segments"),
        ("a//c/d/e/f", 2, "empty segment"),
        ("", 0, "empty segment"),
        ("a/b/c/d/e/f/", 12, "empty segment"),
        ("a/b/*/d/e/f", 4, "no wildcard"),
        ("a/b/c%4/d/e/f", 5, "two hexadecimal digits"),
        ("a/b/%FF/d/e/f", 4, "not UTF-8"),
        ("a/b/c d/d/e/f", 5, "%20"),
        ("a/b/c@d/d/e/f", 5, "%40"),
    ],
)
def test_a_text_that_is_no_address_is_refused_at_the_character(text, position, problem):
    with pytest.raises(AddressError, match=problem) as caught:
        Address.parse(text)
    assert caught.value.position == position


def test_an_address_of_outside_data_is_checked():
    with pytest.raises(AddressError, match="none of them empty"):
        Address.of("a", "b", "", "d", "e", "f")
    with pytest.raises(AddressError, match="6 segments"):
        Address.of("a", "b")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("**", "**"),
        ("*/**", "**"),
        ("vinix/**", "vinix/**"),
        ("vinix/*/*/*/*/*", "vinix/**"),
        ("vinix/account/A/queue/Q/*", "vinix/account/A/queue/Q/*"),
        ("vinix/account/A/queue/Q/**", "vinix/account/A/queue/Q/*"),
        ("vinix/account/A/queue/Q/join/**", "vinix/account/A/queue/Q/join"),
        ("voipbin/customer/c/call/*/hangup", "voipbin/customer/c/call/*/hangup"),
        ("voipbin/customer/c/call/%2a/hangup", "voipbin/customer/c/call/%2A/hangup"),
    ],
)
def test_a_pattern_has_one_canonical_text(text, canonical):
    assert str(AddressPattern.parse(text)) == canonical
    assert AddressPattern.parse(canonical) == AddressPattern.parse(text)


@pytest.mark.parametrize(
    ("text", "position", "problem"),
    [
        ("a/**/f", 2, "last"),
        ("a/b*/c/d/e/f", 3, "whole segment"),
        ("a/***", 2, "whole segment"),
        ("a/b/c", 5, r"'/\*\*' at the end"),
        ("a/b/c/d/e/f/g", 12, "7 segments"),
        ("a/b/c/d/e/f/g/**", 12, "7 segments"),
    ],
)
def test_a_text_that_is_no_pattern_is_refused_at_the_character(text, position, problem):
    with pytest.raises(AddressError, match=problem) as caught:
        AddressPattern.parse(text)
    assert caught.value.position == position


def test_an_encoded_star_is_a_star_and_no_wildcard():
    pattern = AddressPattern.parse("a/b/c/d/%2A/f")
    assert pattern.matches(Address("a", "b", "c", "d", "*", "f"))
    assert not pattern.matches(Address("a", "b", "c", "d", "x", "f"))


def test_patterns_that_differ_in_a_fixed_segment_have_nothing_in_common():
    calls, queues = AddressPattern.parse("*/*/*/call/**"), AddressPattern.parse("*/*/*/queue/**")
    assert calls.intersection(queues) is None
    assert calls.overlaps(queues) is None


def test_the_pattern_of_one_address_covers_nothing_else():
    exact = AddressPattern.exactly(CALL)
    assert exact.matches(CALL)
    assert ANYWHERE.covers(exact)
    assert not exact.covers(ANYWHERE)
