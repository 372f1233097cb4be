"""What Jackfield costs, beside its peers, measured side by side in one run: ``nox -s bench -- --help``.

The load generator and each client are processes of their own, on a core of their own, in turn. Counted is the
client's processor time, since a client keeps one core busy and other processes do not lengthen that; even so
quote the ratios, for machines differ and drift.
"""

import argparse
import json
import platform
import time
from dataclasses import asdict
from pathlib import Path

from figures import show
from race import PINNED
from sections import SECTIONS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}; none: all")
    parser.add_argument("--events", type=int, default=100_000, help="in a run (default: 100000)")
    parser.add_argument("--rounds", type=int, default=5, help="of which the median counts (default: 5)")
    parser.add_argument("--quick", action="store_true", help="10000 events, one round")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save what was found")
    parser.add_argument("--compare", type=Path, metavar="FILE", help="show the change since a run that was saved")
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"no such section: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    events, rounds = (10_000, 1) if options.quick else (options.events, options.rounds)
    earlier = json.loads(options.compare.read_text())["sections"] if options.compare else {}
    saved = {"python": platform.python_version(), "at": time.time(), "events": events, "sections": {}}
    if not PINNED:
        print("there is one core only: server and client disturb each other")
    goals = []
    for name in options.sections or SECTIONS:
        figures, hanging = SECTIONS[name](events, rounds)
        goals += hanging
        show(f"{name}: {SECTIONS[name].__doc__}", figures, earlier.get(name))
        saved["sections"][name] = [asdict(figure) for figure in figures]
    if goals:
        print("\nGoals")
        for goal in goals:
            print(f"  {goal}")
    if options.json:
        options.json.write_text(json.dumps(saved, indent=1))


if __name__ == "__main__":
    main()
