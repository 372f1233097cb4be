"""`jackfield._dashboard.access`: who may see the dashboard, and when it does not start at all."""

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from jackfield._dashboard.access import EVERYBODY, Access, Viewer, plan_access
from jackfield.config import ViewerOptions
from jackfield.errors import ConfigError
from jackfield.plugin.http import Request
from jackfield.plugin.secrets import Secret

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
    assert access.viewer(asking({})) is EVERYBODY


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
    assert access.viewer(asking({})) is None


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


def test_a_token_opens_as_bearer_and_its_session_as_cookie_and_neither_shows():
    viewer = Viewer(TOKEN)
    access = Access("::1", viewers=(Viewer("another-long-token"), viewer))
    cookie = access.cookie(viewer)
    assert access.viewer(asking({"authorization": f"Bearer {TOKEN}"})) is viewer
    assert access.viewer(asking({"authorization": f"bearer  {TOKEN}"})) is viewer
    assert access.viewer(asking({"cookie": f"other=1; {cookie.partition(';')[0]}"})) is viewer
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert TOKEN not in repr(access)
    assert viewer.session not in repr(access)


def test_with_viewers_a_token_is_needed_on_loopback_too_and_shows_what_its_table_says():
    night = ViewerOptions(Secret("text", TOKEN), feeds=("office",), personal=False)
    access = plan_access("127.0.0.1", viewers={"night": night})
    assert access.viewer(asking({})) is None
    viewer = access.viewer(asking({"authorization": f"Bearer {TOKEN}"}))
    assert viewer.grant.feeds == {"office"}
    assert (viewer.grant.personal, viewer.grant.payloads, viewer.operator) == (False, False, False)


def test_the_token_of_a_file_shows_everything_and_two_viewers_have_two_tokens(files):
    access = plan_access("::1", files / "token")
    assert access.holder(TOKEN).operator
    assert access.holder(TOKEN).grant == EVERYBODY.grant
    same = {"day": ViewerOptions(Secret("text", TOKEN)), "night": ViewerOptions(Secret("text", TOKEN))}
    assert problems("::1", None, None, None, same) == ["viewers: two viewers have the same token; each needs its own"]


def test_over_tls_the_cookie_goes_nowhere_else(files):
    access = plan_access("::1", files / "token", files / "crt", files / "key")
    cookie = access.cookie(access.viewers[0])
    assert cookie.startswith("__Host-")
    assert "; Secure" in cookie


@given(st.dictionaries(st.sampled_from(["cookie", "authorization", "host"]), st.text(max_size=40)))
def test_nothing_else_opens(headers):
    assert Access("::1", viewers=(Viewer(TOKEN),)).viewer(asking(headers)) is None


@pytest.mark.parametrize("host", ["localhost", "localhost:8321", "127.0.0.1:1", "[::1]", "[::1]:8321", "LocalHost:1"])
def test_a_loopback_dashboard_is_known_by_its_names(host):
    assert Access("127.0.0.1").allows_host(host)


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evil.example:8321", "localhost.evil.example", "192.0.2.1", "[::2]"]
)
def test_a_request_with_a_foreign_host_name_is_refused(host):
    assert not Access("127.0.0.1").allows_host(host)
