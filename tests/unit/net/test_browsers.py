"""`jackfield._net.browsers`: requests that a foreign page makes a browser send."""

import pytest

from jackfield._net.browsers import is_own_host, is_own_origin


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]", "[::1]:8080"])
def test_a_name_of_this_machine_is_the_servers_own(host):
    assert is_own_host(host, "127.0.0.1")
    assert is_own_host(host, "::1")


@pytest.mark.parametrize("host", ["", "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil"])
def test_on_loopback_any_other_name_is_dns_rebinding(host):
    assert not is_own_host(host, "127.0.0.1")
    assert is_own_host(host, "0.0.0.0")


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("", "localhost:1", True),
        ("http://localhost:3000", "localhost:1", True),
        ("http://127.0.0.1", "localhost:1", True),
        ("http://[::1]:5", "localhost:1", True),
        ("https://sim.example:8", "sim.example:8", True),
        ("https://evil.example", "localhost:1", False),
        ("https://localhost.evil.example", "localhost:1", False),
        ("null", "localhost:1", False),
        ("file://", "localhost:1", False),
        ("file://", "", False),
        ("http://[", "localhost:1", False),
    ],
)
def test_an_origin_is_the_servers_own_or_of_this_machine(origin, host, own):
    assert is_own_origin(origin, host) is own
