"""Runs clients against the load generator, each in a process of its own, in turn, so that a drift hits all of them."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
PINNED = len(CORES) > 1
"""Whether server and client have a core each; without that the figures say little."""


def _on(core):
    return ["--core", str(CORES[core])] if PINNED else []


@contextmanager
def server(vendor, events, *options):
    """A load generator; its URL."""
    command = [sys.executable, HERE / "blast.py", vendor, str(events), *map(str, options), *_on(0)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"ws://127.0.0.1:{process.stdout.readline().strip()}/"
        finally:
            process.kill()


def run(name, vendor, events, *options, more=(), seen=None):
    """What one client measures against a server of its own."""
    with server(vendor, events, *options) as url:
        command = [sys.executable, HERE / "client.py", name, url, str(seen or events), vendor, *_on(-1)]
        command += ["--with", *map(str, more)] if more else []
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def race(names, vendor, events, rounds):
    """By name: events for each second of the processor's time, in every round."""
    found = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            found[name].append(events / run(name, vendor, events)["processor"])
    return found
