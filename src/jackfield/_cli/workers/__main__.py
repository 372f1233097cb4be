"""A worker's process: ``python -m jackfield._cli.workers SOCKET``, the number of its end of the parent's socket."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run as a worker."""
    # All are for the parent. A service manager may send them to each process, and the order of the end is the parent's.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    # What takes a second to import comes behind that.
    from jackfield._cli.workers.member import run

    sys.exit(run(int(sys.argv[1])))


if __name__ == "__main__":
    main()
