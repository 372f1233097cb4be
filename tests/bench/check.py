"""Whether Jackfield is about as fast as it was: ratios of a short race, beside those that ``baseline.json`` keeps.

    python check.py [--save]

The ratio is to the specification's client without its check for UTF-8, in the same race, so the machine hardly matters.
The margin is wide, for other work on the machine does: what is found is a slip that somebody would notice, such as a
step that became quadratic or a copy for each event, and not one of some percent. A ratio that is too low is measured
once more. ``--save`` keeps the ratios of a longer race.
"""

import argparse
import json
import statistics
from pathlib import Path

from race import race

BASELINE = Path(__file__).with_name("baseline.json")
UNIT = "specification-unchecked"
STAGES = ("receive", "translate", "listen", "durable")
MARGIN = 0.4
"""What part of the baseline's ratio must be reached; other work on both cores has taken a third of it."""


def ratios(events, rounds, stages=STAGES):
    """By stage: events for each second of the processor's time, times those of the unit."""
    found = {name: statistics.median(each) for name, each in race((UNIT, *stages), "voipbin", events, rounds).items()}
    return {stage: found[stage] / found[UNIT] for stage in stages}


def slips(found, baseline):
    """Which stages are slower than the margin allows."""
    return [stage for stage, ratio in found.items() if ratio < baseline[stage] * MARGIN]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--save", action="store_true", help="keep what is measured as the new baseline")
    if parser.parse_args().save:
        kept = {stage: round(ratio, 2) for stage, ratio in ratios(20_000, 5).items()}
        BASELINE.write_text(json.dumps(kept, indent=1) + "\n")
        print(f"{BASELINE.name}: {kept}")
        return
    baseline = json.loads(BASELINE.read_text())
    found = ratios(5_000, 2)
    if again := slips(found, baseline):
        found |= ratios(10_000, 3, again)
    for stage, ratio in found.items():
        print(f"{stage:10} {ratio:.2f} x {UNIT}; baseline {baseline[stage]}, at least {baseline[stage] * MARGIN:.2f}")
    if slow := slips(found, baseline):
        raise SystemExit(f"slower than the baseline allows: {', '.join(slow)}; measure with tests/bench/run.py stages")


if __name__ == "__main__":
    main()
