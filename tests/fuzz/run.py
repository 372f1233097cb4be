"""Fuzz the parsers of input from outside, guided by coverage: ``nox -s fuzz -- [--seconds N] [TARGET ...]``.

Each target runs in a process of its own under atheris (libFuzzer). It starts from the corpus beside this file and from
the inputs of earlier runs in `build/fuzz/corpus`, where it keeps new ones. A failing input is written to `build/fuzz`
and ends the run; put it into the corpus with the fix. Without a wheel of atheris, Hypothesis generates the inputs.
"""

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
FAILURES = HERE.parents[1] / "build" / "fuzz"
MOST_BYTES = 4096
HANG_SECONDS = 10
PACKAGES = ["jackfield", "jackfield_vinix", "jackfield_voipbin"]


def fuzz(name, seconds, corpus):
    """Run one target in this process; does not return."""
    import atheris

    with atheris.instrument_imports(include=PACKAGES):
        from targets import TARGETS
    found = FAILURES / "corpus" / name
    found.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={MOST_BYTES}",
        f"-timeout={HANG_SECONDS}",
        f"-artifact_prefix={FAILURES}/{name}-",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(found), str(corpus)], TARGETS[name])
    atheris.Fuzz()


def main():
    """Run the chosen targets one after another; returns an exit status."""
    names = sorted(path.name for path in CORPUS.iterdir())
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(names)} (default: all)")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.targets) - set(names):
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if options.one:
        (name,) = options.targets
        fuzz(name, options.seconds, CORPUS / name)
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed: Hypothesis generates the inputs instead, without coverage")
        command = [sys.executable, "-m", "pytest", "--hypothesis-profile=thorough", str(HERE)]
        return subprocess.run(command, check=False).returncode
    for name in options.targets or names:
        print(f"{name}: {options.seconds} s", flush=True)
        command = [sys.executable, __file__, "--one", "--seconds", str(options.seconds), name]
        if (status := subprocess.run(command, check=False).returncode) != 0:
            print(f"{name}: failed; the input is in {FAILURES}")
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
