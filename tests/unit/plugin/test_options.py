"""`jackfield.plugin.options`: validators say what is wrong, and quote no secret."""

import pytest

from jackfield.plugin.options import is_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("htp://crm.example/x?key=pa55-s3cret", "'htp://crm.example/x' is not a valid https:// URL"),
        ("http://me:pa55-s3cret@crm.example/#pa55-s3cret", "'http://***@crm.example/' is not a valid https:// URL"),
        ("https://me:pa55-s3cret", "'https://me:***' is not a URL: its host or port is not valid"),
        ("https://crm.example:99999/?token=pa55-s3cret", "'https://crm.example:99999/' is not a URL"),
        ("https://me:pa55-s3cret@[::1/", "is not a URL"),
        ("https://me:pa55-s3cret@\u2100.example/", "is not a URL"),
        ("https://", "'https://' is not a valid https:// URL"),
    ],
)
def test_a_url_that_is_none_is_shown_without_what_may_be_secret(url, shown):
    with pytest.raises(ValueError, match="is not a") as caught:
        is_url("https")(None, None, url)
    assert shown in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://crm.example", "https://[::1]:8080/x?key=1", "https://me:secret@crm.example/"])
def test_a_url_passes(url):
    is_url("https")(None, None, url)
