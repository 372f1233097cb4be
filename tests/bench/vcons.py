"""So many conversations through the sink ``vcon``: seconds, processor seconds, and the most memory at any time.

    python tests/bench/vcons.py FOLDER [CONVERSATIONS]

Each is a contact of nine events, interleaved with 200 others, as a vendor's feed has them; all are kept for amendments,
as by default. The clock of the sink goes by the events.
"""

import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import trio

from jackfield.addresses import Address
from jackfield.events import Event, Parties
from jackfield.plugin.sink import Batch
from jackfield_vcon import Vcon

START = datetime(2026, 11, 26, tzinfo=UTC)
KINDS = (
    *("contact.created", "contact.queued", "offer.created", "contact.routed", "contact.connected"),
    *("contact.disconnected", "agent.wrapup_started", "contact.ended", "contact.disposition_completed"),
)
AT_ONCE, BATCH = 200, 1000
NOTES = {"disposition": "solved", "notes": "invoice corrected", "more": "x" * 400}


def events(conversations):
    """Those of all conversations, one second between two of one."""
    for first in range(0, conversations, AT_ONCE):
        for step, kind in enumerate(KINDS):
            for number in range(first, min(first + AT_ONCE, conversations)):
                at = START + timedelta(seconds=first / AT_ONCE * 10 + step, microseconds=number % AT_ONCE)
                entity, _, word = kind.partition(".")
                address = Address("acme", "account", "A", entity, f"c{number}", word)
                parties = Parties(
                    caller=f"+49{number:08}", agent_id=f"a{number % 50}", queue_id="q", queue_name="Sales"
                )
                yield Event(
                    f"{kind}-{number}", kind, address, at, at, "office", f"c{number}", parties=parties, data=NOTES
                )


async def play(folder, conversations):
    """Write them all; the seconds that it took."""
    clock = [START.timestamp()]
    sink = Vcon(path=str(folder), domain="example.com", settle_seconds=15)
    began, said = time.monotonic(), 0
    async with sink.open(now=lambda: clock[0]) as writer:
        source = events(conversations)
        while batch := tuple(islice(source, BATCH)):
            clock[0] = batch[-1].received.timestamp()
            await writer.write(Batch(batch))
            if (number := int(batch[-1].correlation[1:])) >= said + 10_000:
                said = number
                print(f"{number:8} {time.monotonic() - began:8.1f} s {memory():8.1f} MB", flush=True)
            await writer.settle()
        clock[0] += 100
        await writer.settle()
    return time.monotonic() - began


def memory():
    """The most memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(folder, conversations=100_000):
    """Play and print; 1 where one is missing."""
    seconds = trio.run(play, folder, conversations)
    files = sum(1 for _ in folder.glob("*/*.vcon.json"))
    used = time.process_time()
    print(f"{files} vCons of {conversations} conversations in {seconds:.0f} s, {used:.0f} s of the processor")
    print(f"at most {memory():.0f} MB; {used / conversations * 1e6:.0f} µs a conversation")
    return int(files != conversations)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
