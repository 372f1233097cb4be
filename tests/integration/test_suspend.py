"""A machine that sleeps: the wall clock of a gateway's process runs ahead of its monotonic clock, or is set back."""

import os
from datetime import datetime, timedelta
from pathlib import Path

import attrs
import pytest

HOUR = timedelta(hours=1)
LIBRARIES = [*Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), *Path("/usr/lib/faketime").glob("libfaketime.so.1")]
LIBRARY = os.environ.get("LIBFAKETIME") or next(map(str, LIBRARIES), None)


@attrs.define
class WallClock:
    """The wall clock of processes that are started in its environment; their monotonic clock runs on by itself."""

    offset: Path

    @property
    def environment(self):
        return {
            "LD_PRELOAD": LIBRARY,
            "FAKETIME_TIMESTAMP_FILE": str(self.offset),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "1",
        }

    def set_by(self, seconds):
        written = self.offset.with_suffix(".new")
        written.write_text(f"{seconds:+d}\n")
        written.replace(self.offset)


@pytest.fixture
def wall_clock(tmp_path):
    if LIBRARY is None:
        pytest.skip("libfaketime is not installed")
    clock = WallClock(tmp_path / "offset")
    clock.set_by(0)
    return clock


async def test_a_sleep_of_an_hour_is_an_announced_gap_and_a_clock_that_is_set_back_is_none(
    start, vendor, folder, wall_clock
):
    urls = await vendor("voipbin"), await vendor("vinix")
    gateway = await start("run", folder.configure(*urls), environment=wall_clock.environment)
    await gateway.until(lambda _: folder.count("office") > 20 and folder.count("support") > 20)
    wall_clock.set_by(3600)
    for feed in ("office", "support"):
        await gateway.says(f"{feed}: events may be missing between")
    seen = folder.count("office")
    await gateway.until(lambda _: folder.count("office") > seen + 20)
    wall_clock.set_by(0)
    seen = [folder.count(feed) for feed in ("office", "support")]
    await gateway.until(lambda _: folder.count("office") > seen[0] + 200 and folder.count("support") > seen[1] + 200)
    assert await gateway.stop() == 0

    gaps = [event for event in folder.events() if event["type"] == "stream.gap_suspected"]
    spans = [[datetime.fromisoformat(gap["data"][name]) for name in ("since", "until")] for gap in gaps]
    # A busy machine may make this process stand still for some seconds, which is a gap too.
    hours = [(gap, until - since) for gap, (since, until) in zip(gaps, spans, strict=True) if until - since > HOUR / 60]
    assert sorted(gap["feed"] for gap, _ in hours) == ["office", "support"], [gap["data"] for gap in gaps]
    for gap, length in hours:
        assert HOUR - timedelta(seconds=5) <= length <= HOUR + timedelta(seconds=30)
        assert "this process did not run for" in gap["data"]["cause"]
    for event in folder.events():  # no span of the stream ends before it begins
        if {"since", "until"} <= event["data"].keys() and event["type"].startswith("stream."):
            assert event["data"]["since"] <= event["data"]["until"]
