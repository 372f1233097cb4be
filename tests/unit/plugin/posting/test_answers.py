"""`jackfield.plugin.posting._answers`: what a status, a Retry-After and a server's text mean."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.plugin.posting._answers import excerpt, on_error_of
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import Secret


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


SECRET = "s3cret-Token+of/24=xyz"


@pytest.mark.parametrize("around", ["{}", "no such key: {}", "{} is not valid", "'{}'", "<b>{}</b>", "a\r\n{}\r\nb"])
@pytest.mark.parametrize("cut", range(8, len(SECRET) + 1))
def test_no_part_of_a_secret_is_in_an_excerpt_even_where_it_is_cut_off(around, cut):
    seen = excerpt(around.format(SECRET[:cut]), Redactor.of([Secret("text", SECRET)]))
    assert not any(SECRET[at : at + 8] in seen for at in range(len(SECRET)))
    assert "***" in seen


@given(st.text(st.characters(), max_size=600))
@example("\x1b[2J\r\nfaked: 1\x00\x85\u2028\u202e")
def test_an_excerpt_is_one_short_line_without_control_characters(text):
    seen = excerpt(text, Redactor())
    assert seen.isprintable()
    assert len(seen) <= 201


def test_an_excerpt_is_the_beginning():
    assert excerpt(" no\n\tsuch\x00thing ", Redactor()) == "no such thing"
    assert excerpt("x" * 201, Redactor()) == "x" * 200 + "…"


def test_a_secret_that_is_broken_by_a_line_or_doubled_spaces_is_hidden_as_well():
    redact = Redactor.of([Secret("text", "a secret  phrase")])
    for said in ("a secret  phrase", "a secret phrase", "a secret \r\n phrase"):
        assert excerpt(f"you sent {said}", redact) == "you sent ***"
