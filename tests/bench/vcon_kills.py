"""A recorded shift through a gateway that is killed again and again, and through one that is not: the same vCons.

    python tests/bench/vcon_kills.py EVENTS FOLDER [KILLS] [MOST_EVENTS]

EVENTS is the file of `vcon_day.py`. Each gateway goes on where the one before has published, and is killed at a random
moment, while events come and vCons are written.
"""

import random
import subprocess
import sys
from itertools import islice
from pathlib import Path

SETTLE, PACE = 3.0, (50, 0.15)
PROGRAM = """
import sys
from pathlib import Path
import trio
import jackfield
from jackfield.events import Event

async def main(events, folder, settle, most, pause):
    at = Path(folder, "published")
    lines = Path(events).read_bytes().splitlines()
    events = [Event.from_cloudevent(line) for line in lines]
    feed = {"provider": "voipbin", "url": "ws://127.0.0.1:1/", "token": "t", "customer_id": "C"}
    sink = {"type": "vcon", "path": folder + "/vcons", "domain": "example.com", "settle_seconds": float(settle)}
    config = {"feeds": {"office": feed}, "gateway": {"journal": folder + "/journal"}, "sinks": {"records": sink},
              "routes": [{"select": ["contact.*", "call.*", "offer.*", "agent.*", "message.*", "recording.*",
              "transcription.*", "ai_call.*", "summary.*", "flow.*", "conversation.*"], "sinks": ["records"]}]}
    async with jackfield.open_gateway(config) as gateway:
        print("open", flush=True)
        for start in range(int(at.read_text()) if at.exists() else 0, len(events), int(most)):
            await gateway.publish(*events[start : start + int(most)])
            part = at.with_suffix(".part")
            part.write_text(str(start + int(most)))
            part.replace(at)
            await trio.sleep(float(pause))
        print("published", flush=True)
        await trio.sleep(float(settle) * 3)

trio.run(main, *sys.argv[1:])
"""


def play(events, folder, seconds):
    """Run the gateway to its end, or until it is killed after so many seconds; whether it came to its end."""
    command = [sys.executable, "-c", PROGRAM, str(events), str(folder), str(SETTLE), *map(str, PACE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"open\n"
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait() == 0


def written(folder):
    """All vCons."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.glob("vcons/*/*.json")}


def main(source, folder, kills=20, most=20_000):
    """Play both and compare; 1 where they differ."""
    once, killed = folder / "once", folder / "killed"
    for each in (once, killed):
        each.mkdir(parents=True)
    events = folder / "events.jsonl"
    with source.open("rb") as lines:
        events.write_bytes(b"".join(islice((line for line in lines if b'"type":"stream.' not in line), most)))
    assert play(events, once, None)
    chance, seen = random.Random(1), []
    for _ in range(kills):
        assert not play(events, killed, chance.uniform(0.5, 5.5))
        seen.append((int((killed / "published").read_text()), len(written(killed))))
    print("published, and vCons, at each kill:", seen)
    assert play(events, killed, None)
    ours, theirs = written(once), written(killed)
    same = sum(theirs.get(name) == body for name, body in ours.items())
    print(f"{len(ours)} vCons without a kill, {len(theirs)} with {kills}; {same} the same, byte for byte")
    return int(ours != theirs)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])))
