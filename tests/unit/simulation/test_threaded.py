"""`jackfield.simulation.simulate_in_thread`: a simulator beside blocking tests, and beside asyncio."""

import asyncio

import pytest

import jackfield.aio
import jackfield.blocking
from jackfield.errors import PluginError
from jackfield.simulation import simulate_in_thread
from jackfield_voipbin.simulator import VoipbinSimulator


def test_a_blocking_test_gets_events_and_switches_the_server():
    with simulate_in_thread(VoipbinSimulator(token="t", rate=200.0), limit=0) as running:
        document = {"feeds": {"office": running.feed()}}
        with jackfield.blocking.open_gateway(document) as gateway, gateway.listen("**", timeout=20) as events:
            for event in events:
                if event.kind == "stream.subscribed":
                    running.let_happen(50)
                if event.kind.startswith("call."):
                    break
            running.faults.garbage = 1.0
            assert running.cut() == 1
            assert any(event.kind == "stream.disconnected" for event in events)
    assert running.counters.cut == 1
    assert running.url.startswith("ws://127.0.0.1:")


def test_a_test_of_asyncio_gets_events():
    async def main():
        with simulate_in_thread(VoipbinSimulator(token="t", rate=200.0)) as running:
            async with jackfield.aio.open_gateway({"feeds": {"office": running.feed()}}) as gateway:
                with gateway.listen("call.*") as calls:
                    event = await asyncio.wait_for(anext(aiter(calls)), 20)
                    return event.feed, len(running.published) > 0

    assert asyncio.run(main()) == ("office", True)


def test_what_cannot_be_simulated_is_raised_where_it_was_asked_for():
    class Odd(VoipbinSimulator):
        def url(self, authority):
            raise PluginError("there is no URL")

    with pytest.raises(PluginError, match="there is no URL"), simulate_in_thread(Odd(token="t")):
        pass
