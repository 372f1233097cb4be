"""``jackfield demo``: the main job in one command."""

import json
import os
import signal

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent


async def test_fifty_events_are_exactly_fifty_cloudevents_of_both_vendors_under_the_same_names(start):
    demo = await start("demo", "--events", "50", "--format", "jsonl", "--rate", "50")
    assert await demo.ended() == 0
    await demo.until(lambda demo: len(demo.out) >= 50)
    assert len(demo.out) == 50
    vendors = {}
    for line in demo.out:
        event = JSONFormat().read(CloudEvent, line)
        assert event.get_specversion() == "1.0"
        vendors.setdefault(event.get_type(), set()).add(event.get_source().split("/")[1])
    for kind in ("contact.queued", "offer.created", "contact.connected", "agent.ready"):
        assert vendors[kind] == {"voipbin", "vinix"}


async def test_the_readable_form_is_a_line_an_event_and_reports_go_elsewhere(start):
    demo = await start("demo", "--events", "10", "--rate", "50")
    assert await demo.ended() == 0
    await demo.until(lambda demo: len(demo.out) >= 10)
    assert len(demo.out) == 10
    assert all("-demo" in line for line in demo.out)
    assert any("subscribed" in line for line in demo.err)


async def test_ctrl_c_ends_it_in_good_order(start):
    demo = await start("demo", "--rate", "50", "--format", "jsonl")
    await demo.until(lambda demo: len(demo.out) > 10)
    assert await demo.stop(signal.SIGINT) == 0
    assert not [line for line in demo.err if "Traceback" in line]
    assert all(json.loads(line) for line in demo.out)


async def test_a_reader_that_has_seen_enough_ends_it_quietly(start):
    reader, writer = os.pipe()
    demo = await start("demo", "--rate", "50", "--format", "jsonl", stdout=writer)
    os.close(writer)
    os.read(reader, 100)
    os.close(reader)
    assert await demo.ended() == 0
    assert not [line for line in demo.err if "Traceback" in line or "BrokenPipe" in line]
