"""A gateway process that is stopped (SIGSTOP) while both vendors go on sending."""

import signal
from datetime import datetime, timedelta

import trio

STOPPED_SECONDS = 5.0  # longer than Vinix buffers for (2 s), shorter than VoIPBIN does (10 s)


def gaps(folder, feed):
    return [event for event in folder.events() if event["feed"] == feed and event["type"] == "stream.gap_suspected"]


async def test_a_stop_longer_than_a_vendor_buffers_for_is_an_announced_gap_of_that_feed_only(start, vendor, folder):
    gateway = await start("run", folder.configure(await vendor("voipbin"), await vendor("vinix")))
    await gateway.until(lambda _: folder.count("office") > 20 and folder.count("support") > 20)
    gateway.process.send_signal(signal.SIGSTOP)
    await trio.sleep(STOPPED_SECONDS)  # a stopped process knows real time only
    gateway.process.send_signal(signal.SIGCONT)
    await gateway.says("support: events may be missing between")
    seen = folder.count("office")
    await gateway.until(lambda _: folder.count("office") > seen + 20)
    assert await gateway.stop() == 0

    # The server has dropped what it could not send meanwhile, and its counters may show that as well.
    (gap,) = (each for each in gaps(folder, "support") if "this process did not run for" in each["data"]["cause"])
    since, until = (datetime.fromisoformat(gap["data"][each]) for each in ("since", "until"))
    assert until - since >= timedelta(seconds=STOPPED_SECONDS - 0.5)
    assert gaps(folder, "office") == []
