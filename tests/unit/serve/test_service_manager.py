"""`jackfield._serve.service_manager`: what a service manager gets, by a real socket."""

import socket

import pytest
import trio

import jackfield
from jackfield._serve.service_manager import ServiceManager, managed
from jackfield_voipbin.simulator import VoipbinSimulator

CONFIG = {"feeds": {"office": VoipbinSimulator("t").feed("ws://127.0.0.1:9/")}}


@pytest.fixture
def messages(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as received:
        received.bind(str(tmp_path / "notify"))
        received.settimeout(0)
        yield received, str(tmp_path / "notify")


def read(received):
    found = []
    while True:
        try:
            found.append(received.recv(4096).decode().splitlines())
        except BlockingIOError:
            return found


async def test_it_is_ready_turns_and_stops(messages, autojump_clock):
    received, path = messages
    manager = ServiceManager.of({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "4000000"})
    async with jackfield.open_gateway(CONFIG) as gateway, managed(gateway, manager):
        ((ready, status),) = read(received)
        assert ready == "READY=1"
        assert status.startswith("STATUS=degraded: feeds.office: ")
        await trio.sleep(4.5)
        assert [lines[0] for lines in read(received)] == ["WATCHDOG=1"] * 2
    assert read(received)[-1] == ["STOPPING=1", "STATUS=stopping"]


async def test_an_abstract_address_is_one_too():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as received:
        received.bind("\0jackfield-test-notify")
        received.settimeout(0)
        ServiceManager.of({"NOTIFY_SOCKET": "@jackfield-test-notify"}).notify("READY=1")
        assert read(received) == [["READY=1"]]


@pytest.mark.parametrize(
    "environment", [{}, {"NOTIFY_SOCKET": "/nowhere/notify"}, {"NOTIFY_SOCKET": "x", "WATCHDOG_USEC": "often"}]
)
async def test_without_a_manager_that_listens_nothing_happens(environment, autojump_clock):
    async with jackfield.open_gateway(CONFIG) as gateway, managed(gateway, ServiceManager.of(environment)):
        await trio.sleep(30)


def test_the_watchdog_of_another_process_is_not_ours():
    environment = {"NOTIFY_SOCKET": "x", "WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "1"}
    assert ServiceManager.of(environment, process=2) == ServiceManager("x", 0.0)
    assert ServiceManager.of(environment, process=1) == ServiceManager("x", 4.0)
