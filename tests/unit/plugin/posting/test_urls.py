"""`jackfield.plugin.posting._urls`: which URLs can be used, and which redirects may be followed."""

import pytest

from jackfield.plugin.posting._urls import check_plain, next_url

HERE = "https://crm.example/a/b?key=1"


@pytest.mark.parametrize("url", [HERE, "http://[::1]:8080/", "http://a_b:1", "https://xn--bcher-kva.example/%C3%A9"])
def test_plain_urls_are_taken(url):
    check_plain(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://bücher.example/", "printable ASCII only"),
        ("https://crm.example/a b", "printable ASCII only"),
        ("https://crm.example/\r\nX-Evil: 1", "printable ASCII only"),
        ("https://me:hunter2@crm.example/", "must not hold a user and a password"),
        ("https://hunter2@crm.example/", "must not hold a user and a password"),
        ("https://a..b/", r"'a\.\.b' is not a host name"),
        (f"https://{'x' * 64}.example/", "is not a host name"),
    ],
)
def test_other_urls_are_refused_and_no_password_is_reported(url, message):
    with pytest.raises(ValueError, match=message) as caught:
        check_plain(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("c", "https://crm.example/a/c"),
        ("/c?d=1", "https://crm.example/c?d=1"),
        ("https://crm.example:443/c", "https://crm.example:443/c"),
        ("//CRM.example/c", "https://CRM.example/c"),
    ],
)
def test_a_redirect_within_the_server_is_followed(status, location, target):
    assert next_url(HERE, status, location, keep_origin=True) == target


def test_a_redirect_to_another_server_is_followed_where_nothing_is_to_be_kept_from_it():
    assert next_url(HERE, 307, "https://other.example/", keep_origin=False) == "https://other.example/"
    assert next_url("http://crm.example/", 308, HERE, keep_origin=False) == HERE


@pytest.mark.parametrize(
    ("status", "location", "message"),
    [
        *[(status, "/c", "only 307 and 308") for status in (300, 301, 302, 303, 304)],
        (307, "https://other.example/", "another server"),
        (307, "https://crm.example:8443/", "another server"),
        (307, "http://crm.example/", "without TLS"),
        (307, "ftp://crm.example/", "not a valid https:// or http:// URL"),
        (307, "https://[::1", "Invalid IPv6 URL"),
        (307, "https://crm.example:99999/", "is not a URL"),
        (307, "https://a@crm.example/", "a user and a password"),
        (307, "https://crm.example/\x85", "printable ASCII"),
    ],
)
def test_other_redirects_are_not_followed_and_the_reason_is_reported(status, location, message):
    with pytest.raises(ValueError, match=message):
        next_url(HERE, status, location, keep_origin=True)


def test_no_redirect_leads_from_tls_to_none_even_where_nothing_is_to_be_kept():
    with pytest.raises(ValueError, match="without TLS"):
        next_url(HERE, 307, "http://crm.example/", keep_origin=False)
