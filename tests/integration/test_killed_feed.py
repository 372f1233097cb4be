"""A killed gateway: the next one announces the gap, and states what the killed one had not verified."""

import signal
from datetime import UTC, datetime, timedelta

JOURNAL = """
[gateway]
journal = "var/journal"
"""


def spans(events, kind, feed):
    found = [event["data"] for event in events if event["type"] == kind and event["feed"] == feed]
    return [tuple(datetime.fromisoformat(data[name]) for name in ("since", "until")) for data in found]


def received(events, feed):
    return [datetime.fromisoformat(event["recordedtime"]) for event in events if event["feed"] == feed]


def lived(events, feed):
    moments = received(events, feed)
    return moments[-1] - moments[0] if moments else timedelta()


async def test_after_a_kill_the_time_without_a_gateway_is_a_gap_and_what_was_not_verified_before_it_is_stated(
    start, vendor, folder
):
    config = folder.configure(await vendor("voipbin", rate=5.0), await vendor("vinix", rate=5.0), JOURNAL)
    feeds = ("office", "support")
    killed = await start("run", config)
    await killed.until(lambda _: all(lived(folder.events(), feed) > timedelta(seconds=7) for feed in feeds))
    assert await killed.stop(signal.SIGKILL) != 0
    first, at = folder.events(), datetime.now(UTC)

    again = await start("run", config)
    for feed in feeds:
        await again.says(f"{feed}: events may be missing between")
        await again.says(f"{feed}: nothing is known to be missing between")
    seen = len(folder.events())
    await again.until(lambda _: len(folder.events()) > seen + 5)
    assert await again.stop() == 0
    second = folder.events()[len(first) :]
    for feed in feeds:
        (gap,) = spans(second, "stream.gap_suspected", feed)
        unverified = spans(second, "stream.not_verified", feed)[0]
        # What the killed one stated is not stated again; else it begins when that was subscribed, right at its start.
        stated = [until for _, until in spans(first, "stream.not_verified", feed)]
        began = max([received(first, feed)[0], *stated])
        assert began - timedelta(milliseconds=1) <= unverified[0] < began + timedelta(seconds=3)
        assert unverified[1] - unverified[0] > timedelta(seconds=1)
        assert abs(unverified[1] - gap[0]) < timedelta(milliseconds=1)
        # An account is kept every five seconds.
        assert at - timedelta(seconds=8) < gap[0] < at < gap[1]
