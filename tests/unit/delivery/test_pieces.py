"""`jackfield._delivery.pieces`: what is sent again is what was sent before, less what arrived."""

from datetime import UTC, datetime

import attrs

from jackfield._delivery.pieces import Pieces
from jackfield._feed.stream_events import stream_event
from jackfield.addresses import Source

AT = datetime(2026, 1, 1, tzinfo=UTC)


def items(text):
    """An item for each letter, which is its correlation."""
    source = Source("v", "s", "i")
    return [
        (number, attrs.evolve(stream_event(source, "f", "connected", AT), correlation=key))
        for number, key in enumerate(text)
    ]


def numbers(piece):
    return [number for number, _ in piece.records]


def test_a_piece_is_split_in_the_middle_and_stays_in_order():
    pieces = Pieces()
    pieces.add(items("abcde"))
    pieces.split(pieces.front())
    assert numbers(pieces.front()) == [0, 1]
    assert [number for number, _ in pieces] == [0, 1, 2, 3, 4]


def test_probes_go_around_the_correlations_and_each_is_the_first_of_its_own():
    pieces = Pieces()
    pieces.add(items("aabacb"))
    assert [numbers(pieces.probe()) for _ in range(6)] == [[0], [2], [4]] * 2
    assert sorted(number for number, _ in pieces) == [0, 1, 2, 3, 4, 5]


def test_a_probe_of_the_only_correlation_is_its_first_event_again():
    pieces = Pieces()
    pieces.add(items("aaa"))
    assert [numbers(pieces.probe()) for _ in range(3)] == [[0]] * 3


def test_suspects_are_settled_by_a_later_success_only_and_else_come_back_in_front_in_order():
    pieces = Pieces()
    pieces.add(items("abcd"))
    piece = pieces.front()
    pieces.suspect(piece.remove([0]), 1, "404", 5)
    pieces.suspect(piece.remove([0]), 1, "404", 6)
    assert [number for number, _ in pieces] == [0, 1, 2, 3]
    assert [(item[0], attempts, reason) for item, attempts, reason in pieces.settled_suspects(6)] == [(0, 1, "404")]
    pieces.retry_suspects()
    assert (numbers(pieces.front()), pieces.front().attempts, pieces.suspects) == ([1], 1, False)
