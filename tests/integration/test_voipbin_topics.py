"""What VoIPBIN's platform of October 2026 sends over real sockets: by topics of events little more than is selected."""

import json
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import trio

import jackfield
from jackfield.reports import FeedState
from jackfield.simulation import simulate
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator
from jackfield_voipbin.tokens import make_token

TOKEN = make_token(CUSTOMER)


async def until(condition):
    for _ in range(6_000):
        if condition():
            return
        await trio.sleep(0.01)
    pytest.fail("it did not come to that")


@asynccontextmanager
async def stream(*selectors, **options):
    """A simulator that has sent its events to a feed that selects these, as soon as `publish` was awaited."""
    simulator = VoipbinSimulator(TOKEN, rate=1_000.0, profile="2026-10")
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(simulate(simulator, limit=0))
        feed = running.feed() | {"reconcile_seconds": 0} | options
        gateway = await stack.enter_async_context(jackfield.open_gateway({"feeds": {"office": feed}}))
        events = stack.enter_context(gateway.listen(*selectors, buffer=100_000))

        def stats():
            return gateway.state().feeds["office"]

        async def publish(count):
            await until(lambda: stats().state is FeedState.SUBSCRIBED)
            running.limit = running.counters.events + count
            await running.settled()
            await until(lambda: stats().frames >= running.counters.sent)
            return stats(), [event for event in await events.take() if not event.kind.startswith("stream.")]

        yield running, publish


@pytest.mark.parametrize("dialect", ["auto", "prefix"])
async def test_a_calls_events_come_at_most_twice_and_the_feeds_copies_are_counted(dialect):
    async with stream("call.*", dialect=dialect) as (running, publish):
        # Agents' own connections bind further scopes, which double what the agents' calls bring to everybody.
        _, events = await publish(1_500)
        other = running.simulator.client()
        for owner in {event.data["owner_id"] for event in events}:
            list(other.received(json.dumps({"type": "subscribe", "topics": [f"agent_id:{owner}:"]})))
        stats, more = await publish(1_500)
        assert stats.frames == stats.events - derived(events + more)
        assert stats.copies > 0
        assert 1 < stats.frames / (stats.events - stats.copies) <= 2
        assert len({event.id for event in events + more}) == len(events + more) == stats.events - stats.copies


def derived(events):
    return sum("derived_from" in event.data for event in events)


@pytest.mark.parametrize("dialect", ["auto", "prefix"])
async def test_for_final_segments_alone_no_interim_frame_leaves_the_server(dialect):
    async with stream("transcription.segment_completed", dialect=dialect) as (running, publish):
        _, events = await publish(2_000)
        sent = [json.loads(frame) for frame in running.sent]
        assert any("transcribe_speech" in event.event_type for event in running.published)
        assert sent and all("offset_ms" in frame and "streaming_id" not in frame for frame in sent)
        assert {event.kind for event in events} == {"transcription.segment_completed"}


async def test_a_feed_of_one_event_knows_the_name_of_each_bare_frame():
    names = ("transcribe_speech_started", "transcribe_speech_ended")
    for name in names:
        async with stream("transcription.*", "call.*", event=name) as (running, publish):
            stats, events = await publish(2_000)
            assert stats.topics == {f"customer_id:{CUSTOMER}:transcribe:{name}"}
            published = {event.data["id"] for event in running.published if event.event_type == name}
            assert {event.data["id"] for event in events} == published != set()
            assert {(event.native_type, event.inferred) for event in events} == {(name, False)}
