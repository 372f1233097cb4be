"""`jackfield._delivery.suspicion`: ten suspect answers in a row, for more than one correlation, are the endpoint's."""

from jackfield._delivery.suspicion import ROW, Suspicion


def test_ten_in_a_row_of_two_correlations_are_about_the_endpoint_and_nine_are_open():
    suspicion = Suspicion()
    assert [suspicion.suspect([number % 2]) for number in range(ROW)] == ["open"] * 9 + ["endpoint"]
    assert suspicion.paused


def test_while_it_is_paused_each_such_answer_is_about_the_endpoint_until_something_arrives():
    suspicion = Suspicion()
    for number in range(ROW):
        suspicion.suspect([number])
    assert suspicion.suspect([0]) == "endpoint"
    suspicion.succeeded()
    assert not suspicion.paused
    assert suspicion.suspect([0]) == "open"


def test_ten_in_a_row_of_one_correlation_are_about_the_events():
    suspicion = Suspicion()
    assert [suspicion.suspect(["a"]) for _ in range(ROW)] == ["open"] * 9 + ["event"]
    assert not suspicion.paused
    assert suspicion.row == 0


def test_a_success_between_starts_the_row_anew():
    suspicion = Suspicion()
    for number in range(100):
        if number % 9 == 0:
            suspicion.succeeded()
        assert suspicion.suspect([number]) == "open"
