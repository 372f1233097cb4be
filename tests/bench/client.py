"""One client in a process: ``python client.py NAME URL EVENTS VENDOR [--core N]``; prints what it measured."""

import argparse
import json
import os
import resource


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("url")
    parser.add_argument("events", type=int)
    parser.add_argument("vendor")
    parser.add_argument("--core", type=int)
    parser.add_argument("--with", dest="more", type=int, nargs="*", default=[], help="a stage's own argument")
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    from peers import PEERS

    extra = {}
    if options.name in PEERS:
        watch, total = PEERS[options.name](options.url, options.events)
    else:
        import serving  # noqa: F401  # whose stages are among them
        from watching import EXTRA, STAGES

        watch, total = STAGES[options.name](options.url, options.events, options.vendor, *options.more)
        extra = EXTRA
    first = 100_000_000
    expected = sum(range(first, first + options.events))
    if total != expected:
        raise SystemExit(f"{options.name}: events were lost or doubled: {total} instead of {expected}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": watch.seconds, "processor": watch.processor, "memory": memory, **extra}))


if __name__ == "__main__":
    main()
