"""`jackfield.plugin.posting._headers`: what may be sent beside the sink's own headers."""

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.plugin.posting._headers import basic, check_further, check_name, fit


@given(st.text() | st.text("ab \t\r\n\x00é", max_size=5))
def test_whatever_fits_is_sent_by_http_as_it_is(value):
    try:
        fit(value)
    except ValueError as error:
        assert len(value) < 6 or value not in str(error)
        assert value != value.strip(" \t") or not value or any(not " " <= char <= "~" for char in value)
        return
    request = h11.Request(method="POST", target="/", headers=[("Host", "x"), ("X", value)])
    assert dict(request.headers)[b"x"] == value.encode("ascii")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\x00b", "é", " a", "a ", "", "\t"])
def test_what_would_break_out_of_a_header_does_not_fit(value):
    with pytest.raises(ValueError, match="holds what no header can carry"):
        fit(value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "é", "(x)"])
def test_a_name_is_a_token(name):
    with pytest.raises(ValueError, match="is not a name of a header"):
        check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *["Content-Type", "content-length", "Content-Encoding", "Host", "Expect"],
        *["Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Proxy-Authorization"],
        *["webhook-id", "Webhook-Signature", "ce-id", "CE-anything"],
    ],
)
def test_what_the_sink_or_http_sets_is_not_for_the_operator(name):
    with pytest.raises(ValueError, match=f"'{name}' is set by the sink or by HTTP itself"):
        check_further([(name, "x")])


def test_what_is_refused_is_named_and_its_value_is_not_quoted():
    for headers, message in [
        ([("Authorization", "hunter2")], "'Authorization' is a secret"),
        ([("X-Key", "hunter2"), ("x-key", "hunter2")], "'x-key' stands there twice"),
        ([("X-Key", "hunter2\n")], "'X-Key' holds what no header can carry"),
    ]:
        with pytest.raises(ValueError, match=message) as caught:
            check_further(headers)
        assert "hunter2" not in str(caught.value)


def test_other_headers_are_welcome():
    check_further([("X-Tenant", "acme corp"), ("User-Agent", "bridge/1"), ("Accept", "*/*")])


def test_a_user_and_a_password_are_encoded_as_http_says():
    assert basic("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert basic("test", "123£") == "Basic dGVzdDoxMjPCow=="
