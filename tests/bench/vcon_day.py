"""A shift of both vendors' simulated contact centres as vCons, counted against the state's totals.

    python tests/bench/vcon_day.py FOLDER [SECONDS] [SPEED]

Two simulators with 24 agents and 6 queues each, at SPEED times a human pace, one gateway, the sink ``vcon``. FOLDER
gets the vCons, and the events as one file. JACKFIELD_VCON_READER may name a Python that has the package ``vcon``,
which then reads each vCon too.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import jsonschema
import trio

import jackfield
from jackfield.events import Event
from jackfield.state import State
from jackfield_vinix.simulator import ACCOUNT
from jackfield_voipbin.simulator import CUSTOMER

SCHEMAS = Path(__file__).parents[2] / "plugins" / "sink-vcon" / "tests" / "schemas"
SETTLE, IDLE = 2.5, 10.0
# Longer than any silence within a contact at such a speed, so that messages are written and nothing else is for it.
PORTS = {"voipbin": 8841, "vinix": 8842}
READER = """
import sys
from vcon import Vcon
for line in sys.stdin:
    valid, errors = Vcon.build_from_json(line).is_valid()
    assert valid, (errors, line[:500])
"""


def config(folder):
    return {
        "gateway": {"journal": str(folder / "journal")},
        "feeds": {
            "voipbin": {
                "provider": "voipbin",
                "url": f"ws://127.0.0.1:{PORTS['voipbin']}/v1.0/ws",
                "token": "of-nobody",
                "customer_id": CUSTOMER,
            },
            "vinix": {
                "provider": "vinix",
                "url": f"ws://127.0.0.1:{PORTS['vinix']}",
                "auth_token": "of-nobody",
                "account_id": ACCOUNT,
            },
        },
        "sinks": {
            "records": {
                "type": "vcon",
                "path": str(folder / "vcons"),
                "domain": "example.com",
                "settle_seconds": SETTLE,
                "idle_seconds": IDLE,
                "recording_urls": {"voipbin": "https://api.example.com/recordings/{id}"},
            },
            "events": {"type": "file", "path": str(folder / "events.jsonl")},
        },
        "routes": [{"select": ["**"], "sinks": ["records", "events"]}],
    }


def start_centres(speed):
    """One simulator of each vendor."""
    more = {"voipbin": ["--profile", "2026-10"], "vinix": ["--account-id", ACCOUNT]}
    centres = []
    for name, port in PORTS.items():
        scale = ["--agents", "24", "--queues", "6", "--speed", str(speed), "--port", str(port)]
        scale += ["--seed", "7", "--rate", "5000"]
        command = [sys.executable, "-m", "jackfield", "simulate", name, "--token", "of-nobody", *scale, *more[name]]
        centres.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    return centres


async def shift(folder, seconds, speed):
    """Let both centres work, and the gateway write."""
    centres = start_centres(speed)
    try:
        await trio.sleep(2)
        async with jackfield.open_gateway(config(folder)):
            await trio.sleep(seconds)
            for centre in centres:
                centre.terminate()
            await trio.sleep(SETTLE * 2)
    finally:
        for centre in centres:
            centre.terminate()
            centre.wait()


def standing(events):
    """The state's own reducers over all events: contacts that are over, and the day's totals."""
    state = State(most=10**6)
    for event in events:
        state.apply(event)
    snapshot = state.snapshot(max(event.received for event in events))
    return {each.id: each for each in snapshot.contacts.values() if each.over}, snapshot.totals[""]


def missing_in(vcon):
    """What it says of a gap within it."""
    return [gap for gap in vcon["attachments"][1]["body"]["gaps"] if gap["kind"] == "gap_suspected"]


def kind_of(vcon):
    """What a reader calls it."""
    types = [dialog["type"] for dialog in vcon["dialog"]]
    kinds = {"amended"} & vcon.keys()
    kinds |= {"transferred"} if "transfer" in types else set()
    kinds |= {"messages"} if types[0] == "text" else set()
    kinds |= {"AI call"} if any(party.get("type") == "bot" for party in vcon["parties"]) else set()
    kinds |= {"with recording"} if any("url" in dialog for dialog in vcon["dialog"]) else set()
    kinds |= {"with transcript"} if any(each["type"] == "transcript" for each in vcon.get("analysis", ())) else set()
    kinds |= {"with disposition"} if any(each["type"] == "report" for each in vcon.get("analysis", ())) else set()
    main = vcon["dialog"][0]
    if types[0] == "recording":
        kinds |= {"answered"}
    elif types[0] == "incomplete":
        kinds |= {f"incomplete: {main['disposition']}"}
    return kinds


def main(folder, seconds=120.0, speed=120.0):
    """Work, count and print; 1 where a figure is not that of the state."""
    if not folder.exists():  # else it is counted once more
        folder.mkdir(parents=True)
        trio.run(shift, folder, seconds, speed)
    events = [Event.from_cloudevent(line) for line in (folder / "events.jsonl").read_bytes().splitlines()]
    paths = sorted((folder / "vcons").glob("*/*.vcon.json"))
    vcons = {path: json.loads(path.read_bytes()) for path in paths}
    schemas = [jsonschema.Draft7Validator(json.loads(path.read_text())) for path in SCHEMAS.glob("*.json")]
    for vcon in vcons.values():
        for schema in schemas:
            schema.validate(vcon)
    if reader := os.environ.get("JACKFIELD_VCON_READER"):
        read = b"".join(path.read_bytes() for path in paths)
        subprocess.run([reader, "-c", READER], input=read, check=True, stdout=subprocess.DEVNULL)
    over, totals = standing(events)
    first = [vcon for vcon in vcons.values() if "amended" not in vcon]
    written = Counter(vcon["dialog"][0].get("interaction_id") for vcon in first)
    kinds = Counter(kind for vcon in first for kind in kind_of(vcon))
    samples = {kind: path for path, vcon in vcons.items() if "amended" not in vcon for kind in kind_of(vcon)}
    of_contacts = [vcon for vcon in first if vcon["dialog"][0].get("interaction_id") in over]
    whole = [vcon for vcon in of_contacts if not missing_in(vcon)]
    main_types = Counter(vcon["dialog"][0]["type"] for vcon in whole)
    print(f"{len(events)} events in {seconds:g} s at {speed:g} times a human pace: {Counter(e.feed for e in events)}")
    print(f"{len(vcons)} vCons, all valid; {len(vcons) - len(first)} of them amend another")
    print(
        f"contacts that are over: {len(over)}; of these with exactly one vCon: {sum(written[id] == 1 for id in over)}"
    )
    print(f"the state's totals: {totals}")
    print(f"vCons of contacts, whole: {main_types}; within an announced gap: {len(of_contacts) - len(whole)}")
    for kind, count in sorted(kinds.items()):
        print(f"{kind:24} {count:6}  {samples[kind].relative_to(folder)}")
    missing = [id for id in over if written[id] != 1]
    print("without exactly one:", missing[:10])
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(float, sys.argv[2:])))
