"""A gap that REST fills after a vCon was written gives one amended vCon, whose reference resolves."""

import json
from collections import Counter

import pytest
import trio

import jackfield
from jackfield.simulation import Faults, simulate
from jackfield_vcon.identity import content_hash
from jackfield_voipbin.simulator import VoipbinSimulator

SETTLE, IDLE = 1.0, 4.0
"""Nobody in the simulated centre says nothing for so long within a contact."""


def config(feed, folder):
    sink = {"type": "vcon", "path": str(folder / "vcons"), "domain": "example.com"}
    sink |= {"settle_seconds": SETTLE, "idle_seconds": IDLE}
    return {
        "gateway": {"journal": str(folder / "journal")},
        "feeds": {"platform": feed},
        "sinks": {"records": sink},
        "routes": [{"select": ["**"], "sinks": ["records"]}],
    }


def vcons(folder):
    """Each file's bytes, by the uuid in its name."""
    return {path.name.partition(".")[0]: path.read_bytes() for path in folder.glob("vcons/*/*.json")}


@pytest.mark.thorough
async def test_a_gap_that_is_filled_gives_one_amended_vcon_whose_reference_resolves(tmp_path, check):
    simulator = VoipbinSimulator(token="t", agents=8, queues=2, speed=120.0, rate=5000.0, profile="2026-10")
    async with (
        simulate(simulator, faults=Faults()) as running,
        jackfield.open_gateway(config(running.feed(), tmp_path)) as gateway,
    ):
        with gateway.listen("stream.*") as facts:
            await trio.sleep(15)
            running.faults.refuse = 503  # nobody is let in for a while
            running.cut()
            await trio.sleep(IDLE + 4 * SETTLE)  # meanwhile what is over and settled is written
            before = vcons(tmp_path)
            running.faults.refuse = 0
            with trio.fail_after(60):
                async for fact in facts:
                    if fact.kind == "stream.backfilled":
                        break
        await trio.sleep(IDLE + 4 * SETTLE)
    after = vcons(tmp_path)
    assert before.items() <= after.items()
    decoded = {uuid: json.loads(body) for uuid, body in after.items()}
    for uuid, vcon in decoded.items():
        check(vcon)
        assert vcon["uuid"] == uuid
    amended = [vcon for vcon in decoded.values() if "amended" in vcon]
    for vcon in amended:
        assert vcon["amended"]["content_hash"] == content_hash(after[vcon["amended"]["uuid"]])
    assert set(Counter(vcon["amended"]["uuid"] for vcon in amended).values()) == {1}
    filled = [vcon for vcon in amended if vcon["amended"]["uuid"] in before]
    by_rest = [vcon for vcon in filled if '"origin":"backfill"' in vcon["attachments"][0]["body"]]
    assert by_rest
