"""`Gateway.timeline`: a contact by its correlation or a number, while the gateway runs."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

import jackfield
from jackfield import aio, blocking
from jackfield.addresses import Address
from jackfield.errors import JackfieldError, JournalError
from jackfield.events import Event, Parties

NOW = datetime.now(UTC).replace(microsecond=0)
FEED = {"provider": "voipbin", "url": "ws://127.0.0.1:1/", "token": "t", "customer_id": "C"}  # where nobody answers
KINDS = ("contact.queued", "contact.connected", "contact.ended")


def event(number, step):
    kind = KINDS[step]
    at = NOW + timedelta(seconds=10 * number + step)
    address = Address("acme", "account", "A", "contact", f"c{number}", kind.partition(".")[2])
    caller = Parties(caller=f"+49{number % 3:04}")
    return Event(f"{kind}-{number}", kind, address, at, at, "office", f"c{number}", parties=caller)


def gap(number):
    at = NOW + timedelta(seconds=10 * number + 2)
    address = Address("acme", "account", "A", "stream", "office", "gap_suspected")
    since = {"since": (at - timedelta(seconds=1)).isoformat(), "until": at.isoformat()}
    return Event(f"gap-{number}", "stream.gap_suspected", address, at, at, "office", data=since)


EVENTS = [event(number, step) for number in range(12) for step in range(len(KINDS))] + [gap(7)]


@pytest.fixture(name="config")
def _config(tmp_path):
    return {"feeds": {"office": FEED}, "gateway": {"journal": str(tmp_path / "journal")}}


def kinds(timeline):
    return [entry.kind for entry in timeline.entries]


async def test_a_contact_by_its_correlation_with_the_gap_in_it(config):
    async with jackfield.open_gateway(config) as gateway:
        await gateway.publish(*EVENTS)
        (timeline,) = await gateway.timeline("c7")
        assert sorted(kinds(timeline)) == sorted([*KINDS, "stream.gap_suspected"])
        assert timeline.waited == timedelta(seconds=1)
        (other,) = await gateway.timeline("c3")
        assert kinds(other) == list(KINDS)
        assert await gateway.timeline("nobody") == []


@pytest.mark.parametrize("number", ["+490001", "490001", "0049 0001", "+49-0001"])
async def test_the_newest_contacts_of_a_number(config, number):
    async with jackfield.open_gateway(config) as gateway:
        await gateway.publish(*EVENTS)
        found = await gateway.timeline(number)
        assert [each.entries[0].event.correlation for each in found] == ["c1", "c4", "c7", "c10"]
        newest = await gateway.timeline(number, last=2)
        assert [each.entries[0].event.correlation for each in newest] == ["c7", "c10"]


async def test_none_is_no_number_of_contacts_and_a_closed_gateway_has_none(config):
    async with jackfield.open_gateway(config) as gateway:
        for last in (0, -1):
            with pytest.raises(ValueError, match="at least 1"):
                await gateway.timeline("c1", last=last)
    with pytest.raises(JackfieldError, match="closed"):
        await gateway.timeline("c1")


async def test_a_journal_in_memory_says_that_it_keeps_no_contacts():
    async with jackfield.open_gateway({"feeds": {"office": FEED}}) as gateway:
        with pytest.raises(JournalError, match="must be a folder"):
            await gateway.timeline("c1")


def test_the_same_beside_asyncio(config):
    async def main():
        async with aio.open_gateway(config) as gateway:
            await gateway.publish(*EVENTS)
            (timeline,) = await gateway.timeline("+49 0001", last=1)
        return timeline

    assert kinds(asyncio.run(main())) == list(KINDS)


def test_the_same_in_a_script(config):
    with blocking.open_gateway(config) as gateway:
        gateway.publish(*EVENTS)
        (timeline,) = gateway.timeline("c3", timeout=10)
    assert kinds(timeline) == list(KINDS)
    with pytest.raises(JackfieldError, match="closed"):
        gateway.timeline("c3")
