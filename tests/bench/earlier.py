"""The journal as it was when it was one SQLite database, at the commit `BEFORE`, beside the present one, in one run.

The earlier tree is taken out of the repository; both run with the same libraries.
"""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from race import CORES, HERE, PINNED, server

BEFORE = "63b9408"
ROOT = HERE.parents[1]
EVENTS = 5_000

# One event a commit: median µs, and bytes that were handed to the system, for each.
QUIET = """
import json, statistics, time
from pathlib import Path
from tempfile import TemporaryDirectory

def written():
    return int(Path("/proc/self/io").read_text().split("wchar: ")[1].split()[0])

line = b'{"specversion":"1.0","id":"%%s","data":"' + b"x" * 540 + b'"}'
with TemporaryDirectory() as name:
%(open)s
    times, before = [], written()
    for number in range(%(events)d):
        body = line.replace(b"%%s", b"%%032x" %% number)
        start = time.perf_counter()
        %(keep)s
        times.append(time.perf_counter() - start)
    print(json.dumps([statistics.median(times) * 1e6, (written() - before) / len(times)]))
"""
STORES = {
    "before": (
        """
    from jackfield._store import Store
    from jackfield._store.records import Row
    store = Store.open(Path(name) / "journal.db")
""",
        "store.commit([Row(b'%016x' % number, body, 1)])",
    ),
    "now": (
        """
    from types import SimpleNamespace
    from jackfield._journal.segments import SegmentFolder
    from jackfield.events import NO_PARTIES
    store = SegmentFolder.open(Path(name) / "journal")
    event = SimpleNamespace(kind="call.updated", id="1", correlation="c", parties=NO_PARTIES)
""",
        "store.append([body], [1], 1, ([event], [b'0123456789abcdef']))",
    ),
}


@contextmanager
def trees():
    """By name: the folder of the tree."""
    with TemporaryDirectory() as name:
        archive = subprocess.run(["git", "archive", BEFORE], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", name], input=archive, check=True)
        yield {"before": Path(name), "now": ROOT}


def _run(tree, *arguments):
    sources = [tree / "src", *tree.glob("plugins/*/src")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, sources))}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise SystemExit(f"{tree}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def quiet(rounds):
    """By name: what one event a commit takes in each round, µs and bytes."""
    found = {name: [] for name in STORES}
    with trees() as places:
        for _ in range(rounds):
            for name, (opening, keep) in STORES.items():
                code = QUIET % {"open": opening, "keep": keep, "events": EVENTS}
                found[name].append(_run(places[name], "-c", code))
    return found


def durable(vendor, events, rounds):
    """By name: events for each second of the processor's time, the whole durable way, in every round."""
    found = {name: [] for name in STORES}
    with trees() as places:
        for _ in range(rounds):
            for name, tree in places.items():
                core = ["--core", CORES[-1]] if PINNED else []
                with server(vendor, events) as url:
                    client = [tree / "tests" / "bench" / "client.py", "durable", url, events, vendor, *core]
                    found[name].append(events / _run(tree, *client)["processor"])
    return found
