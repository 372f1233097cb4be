"""`jackfield._dashboard.access`: who may see the dashboard, and when it does not start at all."""

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from jackfield._dashboard.access import Access, plan_access
from jackfield.errors import ConfigError
from jackfield.plugin.http import Request

TOKEN = "correct horse battery staple"


def asking(headers):
    return Request("GET", "/", tuple(headers.items()))


@pytest.fixture
def files(tmp_path):
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "crt"))
    issued.private_key_pem.write_to_path(str(tmp_path / "key"))
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    return tmp_path


def problems(*arguments):
    with pytest.raises(ConfigError) as caught:
        plan_access(*arguments)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "LOCALHOST"])
def test_on_loopback_nothing_is_needed(host):
    access = plan_access(host)
    assert access.local
    assert access.admits(asking({}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "dashboard.example", "127.0.0.1.example", ""])
def test_elsewhere_both_a_token_and_tls_are_needed(host, files):
    found = problems(host)
    assert len(found) == 2
    assert all(word in " ".join(found) for word in ("--token-file", "--tls-cert", "not a loopback address"))
    assert len(problems(host, files / "token")) == 1
    assert len(problems(host, None, files / "crt", files / "key")) == 1
    access = plan_access(host, files / "token", files / "crt", files / "key")
    assert access.tls is not None
    assert not access.local
    assert not access.admits(asking({}))


def test_problems_with_the_files_are_reported(files):
    (files / "short").write_text("12345")
    (files / "empty").write_text(" \n")
    assert "has 5 characters; at least 16" in problems("::1", files / "short")[0]
    assert "is empty" in problems("::1", files / "empty")[0]
    assert "cannot be read" in problems("::1", files / "none")[0]
    assert "cannot be read" in problems("::1", None, files / "none", files / "key")[0]
    assert "needs a certificate" in problems("::1", None, None, files / "key")[0]
    assert "must be PEM" in problems("::1", None, files / "token", files / "key")[0]
    assert "12345" not in problems("::1", files / "short")[0]


def test_the_token_opens_as_bearer_and_the_session_as_cookie_and_neither_shows():
    access = Access("::1", token=TOKEN)
    cookie = access.cookie()
    assert access.admits(asking({"authorization": f"Bearer {TOKEN}"}))
    assert access.admits(asking({"authorization": f"bearer  {TOKEN}"}))
    assert access.admits(asking({"cookie": f"other=1; {cookie.partition(';')[0]}"}))
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert TOKEN not in repr(access)
    assert access.session not in repr(access)


def test_over_tls_the_cookie_goes_nowhere_else(files):
    cookie = plan_access("::1", files / "token", files / "crt", files / "key").cookie()
    assert cookie.startswith("__Host-")
    assert "; Secure" in cookie


@given(st.dictionaries(st.sampled_from(["cookie", "authorization", "host"]), st.text(max_size=40)))
def test_nothing_else_opens(headers):
    assert not Access("::1", token=TOKEN).admits(asking(headers))


@pytest.mark.parametrize("host", ["localhost", "localhost:8321", "127.0.0.1:1", "[::1]", "[::1]:8321", "LocalHost:1"])
def test_a_loopback_dashboard_is_known_by_its_names(host):
    assert Access("127.0.0.1").allows_host(host)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8321", "localhost.evil.example", "192.0.2.1", "[::2]"]
)
def test_a_request_with_a_foreign_host_name_is_refused(host):
    assert not Access("127.0.0.1").allows_host(host)
