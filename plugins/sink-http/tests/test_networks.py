"""`jackfield.plugin.posting._networks`: a name is connected to only where it leads to an address that is allowed."""

import socket
from ipaddress import IPv4Address, IPv6Address

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from jackfield.plugin.posting._networks import Networks, is_public, race

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8", "64:ff9b::808:808"]
NOT_PUBLIC = [
    *["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1"],
    *["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "::ffff:10.0.0.1"],
    *["169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254"],
    *["0.0.0.0", "::", "255.255.255.255", "224.0.0.1", "239.1.2.3", "ff02::1"],
    *["100.64.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1", "2001:db8::1"],
    *["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a00:1::1"],
]


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_of_this_machine_its_network_or_nobody_is_not(address):
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_of_ipv4_changes_nothing(ip: IPv4Address):
    public = is_public(str(ip))
    assert is_public(str(IPv6Address(0xFFFF << 32 | int(ip)))) is public
    assert is_public(str(IPv6Address(0x64FF9B << 96 | int(ip)))) is public
    assert is_public(str(IPv6Address(0x2002 << 112 | int(ip) << 80))) is public


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_name_never_leads_off_the_internet_unless_that_is_configured(address):
    assert not Networks("crm.example", 443, allow_private=False).allows("crm.example", 443, address)
    assert Networks("crm.example", 443, allow_private=True).allows("crm.example", 443, address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "169.254.1.1"])
def test_an_address_that_the_operator_wrote_is_allowed_at_its_port(address):
    networks = Networks(address, 8080, allow_private=False)
    assert networks.allows(address, 8080, address)
    assert not networks.allows(address, 22, address)
    assert not networks.allows("crm.example", 8080, address)


def test_localhost_is_allowed_as_long_as_it_is_this_machine():
    networks = Networks("localhost", 8080, allow_private=False)
    assert networks.allows("localhost", 8080, "127.0.0.1")
    assert networks.allows("localhost", 8080, "::1")
    assert not networks.allows("localhost", 8080, "169.254.169.254")
    assert not networks.allows("localhost", 8081, "127.0.0.1")


class Names(trio.abc.HostnameResolver):
    """Names that lead where the test says, one answer after the other."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    async def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):
        await trio.lowlevel.checkpoint()
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, type, proto, "", (address, int(port)))
            for address in addresses
        ]

    async def getnameinfo(self, sockaddr, flags):
        raise NotImplementedError


@pytest.fixture
def names():
    """Where every name leads."""

    def lead(*answers):
        resolver = Names(*answers)
        trio.socket.set_custom_hostname_resolver(resolver)
        return resolver

    return lead


async def test_a_name_that_leads_to_this_machine_is_refused_before_anything_is_sent(server, names, failing):
    names(["127.0.0.1", "169.254.169.254"])
    failure = await failing(url=f"http://crm.example:{server.server_port}/")
    assert failure.on_error == "pause"
    assert "crm.example leads to 127.0.0.1, 169.254.169.254, which is not on the public internet" in failure.reason
    assert "allow_private" in failure.reason
    assert server.got == []


async def test_another_way_to_write_an_address_is_a_name(server, failing, write):
    url = f"http://2130706433:{server.server_port}/"
    assert (await failing(url=url)).on_error == "pause"
    await write("1", url=url, allow_private=True)
    assert len(server.got) == 1


async def test_what_was_checked_is_connected_to_and_the_name_is_not_asked_for_again(server, names, write):
    resolver = names(["127.0.0.1"], ["192.0.2.1"])
    await write("1", url=f"http://crm.example:{server.server_port}/", allow_private=True)
    assert server.got[0].headers["host"] == f"crm.example:{server.server_port}"
    assert resolver.asked == [b"crm.example"]


async def test_of_several_addresses_the_next_is_tried_where_one_does_not_answer(server, names, write):
    names(["127.0.0.2", "127.0.0.1"])
    await write("1", url=f"http://crm.example:{server.server_port}/", allow_private=True)
    assert len(server.got) == 1


async def test_a_name_that_does_not_exist_is_tried_again(failing):
    failure = await failing(url="http://nowhere.invalid/")
    assert failure.on_error == "retry"
    assert failure.reason.startswith("http://nowhere.invalid/: ")


@pytest.fixture
def dead(server):
    """Addresses at which nobody answers: their queues of connections are full."""
    addresses, sockets = [f"127.0.0.{number}" for number in range(2, 8)], []
    for address in addresses:
        listener = socket.socket()
        listener.bind((address, server.server_port))
        listener.listen(0)
        sockets.append(listener)
        for _ in range(3):
            client = socket.socket()
            client.settimeout(0)
            client.connect_ex((address, server.server_port))
            sockets.append(client)
    yield addresses
    for each in sockets:
        each.close()


async def test_six_dead_addresses_before_a_good_one_cost_no_request(server, names, write, dead):
    names([*dead, "127.0.0.1"])
    await write("1", "2", url=f"http://crm.example:{server.server_port}/", allow_private=True, timeout=5.0)
    assert len(server.got) == 2


async def test_a_race_goes_on_at_once_after_a_refusal_and_after_a_quarter_of_a_second_else(autojump_clock):
    began = {}

    async def connect(address):
        began[address] = trio.current_time()
        if address.startswith("refused"):
            raise OSError(111, "Connection refused")
        if address != "good":
            await trio.sleep_forever()
        return "connection"

    assert await race(connect, ["refused 1", "dead", "refused 2", "good", "later"]) == "connection"
    assert began == {"refused 1": 0, "dead": 0, "refused 2": 0.25, "good": 0.25}


async def test_a_race_that_nobody_wins_fails_as_the_last_did(autojump_clock):
    async def connect(address):
        await trio.sleep(int(address))
        raise OSError(int(address), "no")

    with pytest.raises(OSError, match="no") as caught:
        await race(connect, ["3", "7", "5"])
    assert caught.value.errno == 7


async def test_connections_that_are_there_at_the_same_moment_are_closed_but_one(autojump_clock):
    closed = []

    class Connection:
        def __init__(self, address):
            self.address = address

        async def aclose(self):
            await trio.lowlevel.checkpoint()
            closed.append(self.address)

    async def connect(address):
        with trio.CancelScope(shield=True):
            await trio.sleep_until(1)
        return Connection(address)

    winner = await race(connect, ["a", "b"])
    assert sorted([winner.address, *closed]) == ["a", "b"]
