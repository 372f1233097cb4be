"""`jackfield.plugin.http`: requests, responses, and what a Retry-After asks for."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.errors import RestError
from jackfield.plugin.http import Request, Response, RetryAfter

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def seconds_of(text):
    wait = RetryAfter.parse(text, format_datetime(NOW, usegmt=True))
    return wait and wait.seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("17", 17),
        ("3600", 3600),
        ("86400", 3600),
        ("9" * 5000, 3600),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30),
        ("Saturday, 21-Nov-26 12:00:30 GMT", 30),
        ("Sat Nov 21 12:00:30 2026", 30),
        ("Sun, 22 Nov 2026 12:00:00 GMT", 3600),
        ("Sat, 21 Nov 2026 11:59:59 GMT", None),
        ("Thu, 01 Jan 0001 00:00:00 GMT", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("Sat, 99 Nov 2026 12:00:00 GMT", None),
        ("", None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date_and_nothing_else(text, seconds):
    assert seconds_of(text) == seconds


@given(st.integers(0, 3600))
def test_a_date_in_the_future_is_as_many_seconds(ahead):
    date = format_datetime(NOW + timedelta(seconds=ahead), usegmt=True)
    assert seconds_of(date) == ahead


@example("9" * 400)
@example("31536000")
@given(st.text() | st.text("0123456789 ,:-+GMTNovSa", max_size=40))
def test_whatever_a_server_asks_for_it_is_asked_again_within_the_hour(text):
    seconds = seconds_of(text)
    assert seconds is None or 0 <= seconds <= 3600


@pytest.mark.parametrize("text", ["31536000", "9" * 400, "Mon, 22 Nov 2027 12:00:00 GMT"])
def test_a_wait_that_was_limited_is_named_in_the_note_and_not_at_full_length(text):
    wait = RetryAfter.parse(text, format_datetime(NOW, usegmt=True))
    assert wait.note.startswith(f"; its Retry-After of '{text[:20]}")
    assert wait.note.endswith("is limited to 3600 s")
    assert len(wait.note) < 120


def test_a_wait_within_the_limit_needs_no_note():
    assert RetryAfter.parse("3600").note == ""


@given(st.integers(-(10**6), 10**6))
def test_a_date_is_counted_from_the_answers_own_date_so_that_no_clock_of_ours_matters(skew):
    """The server's clock may be wrong by days."""
    theirs = NOW + timedelta(seconds=skew)
    date, until = format_datetime(theirs, usegmt=True), format_datetime(theirs + timedelta(seconds=30), usegmt=True)
    assert Response(429, {"Retry-After": until, "Date": date}).retry_after == 30


def test_a_date_without_anything_to_count_it_from_is_no_wait():
    assert Response(429, {"Retry-After": format_datetime(NOW, usegmt=True)}).retry_after is None


def test_neither_a_request_nor_an_answer_shows_what_may_be_secret():
    request = Request("PUT", "https://h/p?token=s3cret", (("X-Auth-Token", "s3cret"),), b"s3cret")
    assert "s3cret" not in repr(request) + str(request) + repr(Response(200, {"set-cookie": "s3cret"}, b"s3cret"))
    assert str(request) == "PUT /p"


def test_a_header_is_found_in_any_case():
    assert Request("GET", "/", (("X-A", "1"), ("x-a", "2"))).header("x-A") == "1"
    assert Request("GET", "/").header("x-a") == ""


def test_a_body_that_is_no_json_is_reported_with_its_status():
    with pytest.raises(RestError, match="the answer with status 502 is not valid JSON"):
        Response(502, body=b"<html>").json()
