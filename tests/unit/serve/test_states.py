"""`jackfield._serve.states`: a large state, and many clients that begin with it at once, hold up nothing else."""

import json
import time
from contextlib import AsyncExitStack
from itertools import pairwise

import trio
import trio.lowlevel
import trio.testing
from served import api_of, event, events_path, get_json, hear, reading, say, serving, socket

from jackfield._serve import states
from jackfield._serve.grants import Grant
from jackfield.selectors import Selector


def slow(monkeypatch, seconds=0.0):
    """Count the documents that are written, each of which takes some time."""
    written = []
    write = states.snapshot_document

    def document(*given):
        written.append(given)
        time.sleep(seconds)
        return write(*given)

    monkeypatch.setattr(states, "snapshot_document", document)
    return written


async def test_clients_that_come_together_get_one_state_between_them_and_each_what_has_changed_since(monkeypatch):
    written = slow(monkeypatch, 0.02)
    async with api_of() as (gateway, _, url), AsyncExitStack() as stack:
        await gateway.snapshot()
        await gateway.publish(event(1))
        readers = []

        async def come():
            readers.append(await stack.enter_async_context(reading(url, events_path(state=1))))

        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(come)
        for each in readers:
            assert (await each.next()).json["contacts"].keys() == {"acme/1"}
        await gateway.publish(event(1, "contact.connected"))
        for each in readers:
            found = {change["key"]: change["value"] for change in (await each.next()).json["changes"]}
            assert found["acme/1"]["state"] == "connected"
        assert len(written) < 10
        assert len(gateway._live._watches) == 30


async def test_a_change_between_a_shared_state_and_its_client_is_among_the_first_changes(monkeypatch):
    slow(monkeypatch, 0.05)
    async with api_of() as (gateway, api, _):
        await gateway.snapshot()

        async def come():
            async with api.states.watching(Grant()) as (watch, document):
                seen = set(json.loads(document)["contacts"])
                while "acme/2" not in seen:
                    seen |= {each.key for each in (await watch.take()).changes}

        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                for _ in range(5):
                    nursery.start_soon(come)
                await trio.testing.wait_all_tasks_blocked(0.01)
                await gateway.publish(event(2))


async def test_what_was_committed_before_a_client_asks_is_in_its_state(monkeypatch):
    slow(monkeypatch, 0.02)
    async with api_of() as (gateway, _, url), trio.open_nursery() as nursery:
        await gateway.snapshot()
        for _ in range(10):
            nursery.start_soon(get_json, url, "/v1/state")
        for number in range(5):
            await gateway.publish(event(number))
            assert f"acme/{number}" in (await get_json(url, "/v1/state"))["contacts"]


async def test_a_client_that_leaves_while_its_state_is_written_leaves_nothing_behind(monkeypatch):
    async with api_of() as (gateway, api, _):
        with trio.CancelScope() as client:
            write = states.snapshot_document

            def document(*given):
                client.cancel()
                return write(*given)

            monkeypatch.setattr(states, "snapshot_document", document)
            async with api.states.watching(Grant()):
                raise AssertionError("it is gone before")
        assert client.cancelled_caught
        assert gateway._live._watches == []


async def test_the_loop_is_left_to_others_between_two_states(monkeypatch):
    turns, seen = 0, []
    written = slow(monkeypatch, 0.01)
    async with api_of() as (gateway, api, _):
        await gateway.snapshot()

        async def take_turns():
            nonlocal turns
            while True:
                await trio.lowlevel.checkpoint()
                turns += 1

        async def come(number):
            async with api.states.watching(Grant((Selector.parse(f"contact.* @ v{number}/**"),))):
                seen.append(turns)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(take_turns)
            async with trio.open_nursery() as clients:
                for number in range(10):
                    clients.start_soon(come, number)
            nursery.cancel_scope.cancel()
        assert len(written) == 10
        assert all(later - earlier > 5 for earlier, later in pairwise(seen))


async def test_a_large_state_is_sent_in_pieces_which_are_one_message(monkeypatch):
    async with serving() as (gateway, url):
        await gateway.snapshot()
        await gateway.publish(*(event(f"ü{number}") for number in range(900)))
        async with reading(url, events_path(state=1)) as reader, socket(url, protocol="jackfield.v1") as opened:
            snapshot = (await reader.next()).json
            assert len(snapshot["contacts"]) == 900
            await say(opened, type="subscribe", id="s", state=True)
            assert (await hear(opened, "snapshot"))["state"]["contacts"] == snapshot["contacts"]
