"""``jackfield demo``: the main job in one command."""

import json
import os
import signal

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent


def printed(demo):
    """The events so far, as an independent reader has them."""
    return [JSONFormat().read(CloudEvent, line) for line in demo.out]


async def test_fifty_events_are_exactly_fifty_cloudevents(start):
    demo = await start("demo", "--events", "50", "--format", "jsonl", "--rate", "50")
    assert await demo.ended() == 0
    await demo.until(lambda demo: len(demo.out) >= 50)
    assert len(demo.out) == 50
    assert {event.get_specversion() for event in printed(demo)} == {"1.0"}


async def test_both_vendors_events_come_under_the_same_names_and_ctrl_c_ends_it_in_good_order(start):
    demo = await start("demo", "--rate", "50", "--format", "jsonl")
    vendors = {"voipbin", "vinix"}
    kinds = {"contact.queued", "offer.created", "contact.connected", "agent.ready", "call.initiated", "call.connected"}

    def seen(demo):
        return {(event.get_type(), event.get_source().split("/")[1]) for event in printed(demo)}

    await demo.until(lambda demo: {(kind, vendor) for kind in kinds for vendor in vendors} <= seen(demo))
    assert await demo.stop(signal.SIGINT) == 0
    assert not [line for line in demo.err if "Traceback" in line]
    assert all(json.loads(line) for line in demo.out)


async def test_the_readable_form_is_a_line_an_event_and_reports_go_elsewhere(start):
    demo = await start("demo", "--events", "10", "--rate", "50")
    assert await demo.ended() == 0
    await demo.until(lambda demo: len(demo.out) >= 10)
    assert len(demo.out) == 10
    assert all("-demo" in line for line in demo.out)
    assert any("subscribed" in line for line in demo.err)


async def test_a_reader_that_has_seen_enough_ends_it_quietly(start):
    reader, writer = os.pipe()
    demo = await start("demo", "--rate", "50", "--format", "jsonl", stdout=writer)
    os.close(writer)
    os.read(reader, 100)
    os.close(reader)
    assert await demo.ended() == 0
    assert not [line for line in demo.err if "Traceback" in line or "BrokenPipe" in line]


async def test_one_selector_shows_the_answered_calls_of_both_vendors(start):
    demo = await start("demo", "call.connected", "--rate", "50", "--format", "jsonl")
    await demo.until(lambda demo: {event.get_source().split("/")[1] for event in printed(demo)} == {"voipbin", "vinix"})
    assert await demo.stop(signal.SIGINT) == 0
    assert {event.get_type() for event in printed(demo)} == {"call.connected"}


async def test_nothing_in_its_first_seconds_looks_like_a_fault(start):
    demo = await start("demo", "--events", "100", "--rate", "16")
    assert await demo.ended() == 0
    assert not [line for line in demo.err if "verified" in line or "missing" in line or "warning" in line]


async def test_agents_take_calls_of_minutes_and_their_time_goes_by_faster(start):
    demo = await start("demo", "--agents", "6", "--queues", "2", "--speed", "60", "--format", "jsonl")
    await demo.until(lambda demo: {"contact.connected", "contact.ended"} <= {each.get_type() for each in printed(demo)})
    assert await demo.stop(signal.SIGINT) == 0
    named = {name.partition("@")[0] for event in printed(demo) if (name := event.get_extension("agentname"))}
    assert 4 <= len(named) <= 6  # some were ready before the feeds were subscribed
