"""`jackfield_http.answers`: what a status, a Retry-After and a server's text mean."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield_http.answers import excerpt, on_error_of


@pytest.mark.parametrize(
    ("on_error", "statuses"),
    [
        (None, [200, 201, 202, 204, 299]),
        ("retry", [101, 408, 425, 429, 500, 501, 502, 503, 504, 507, 599, 600, 999]),
        ("pause", [401, 403, 407]),
        ("disable", [410]),
        (
            "dead_letter",
            [300, 301, 302, 303, 304, 307, 308, 400, 402, 404, 405, 409, 411, 413, 415, 422, 431, 451, 499],
        ),
    ],
)
def test_each_status_has_its_remedy(on_error, statuses):
    assert {status: on_error_of(status) for status in statuses} == dict.fromkeys(statuses, on_error)


secrets = st.text("abc-=S3", min_size=6, max_size=20)


@given(st.lists(secrets, min_size=1, max_size=3), st.lists(st.text(max_size=9), min_size=4, max_size=4), st.booleans())
def test_what_is_hidden_is_not_in_an_excerpt_even_where_it_is_cut_off(hidden, words, cut):
    text = words[0].join(hidden) + words[1] + hidden[0] + words[2]
    if cut:
        text = (text + hidden[-1])[:-2]
    seen = excerpt(text, hidden)
    assert not any(secret in seen for secret in hidden)
    if cut and len(seen) < 200:
        assert not seen.endswith(hidden[-1][:-2])


@given(st.text(st.characters(), max_size=600))
@example("\x1b[2J\r\nfaked: 1\x00\x85\u2028\u202e")
def test_an_excerpt_is_one_short_line_without_control_characters(text):
    seen = excerpt(text, [])
    assert seen.isprintable()
    assert len(seen) <= 201


def test_an_excerpt_is_the_beginning():
    assert excerpt(" no\n\tsuch\x00thing ", []) == "no such thing"
    assert excerpt("x" * 201, []) == "x" * 200 + "…"


def test_a_secret_that_is_broken_by_a_line_or_doubled_spaces_is_hidden_as_well():
    assert excerpt("you sent a  secret phrase", ["a secret  phrase"]) == "you sent ***"
