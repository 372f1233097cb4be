"""Vendors' servers to test against: a contact centre's day, and a real websocket server that shows it and misbehaves.

::

    async with simulate(VoipbinSimulator(token="t"), faults=Faults(drop=0.1)) as running:
        ...  # connect to running.url

`simulate_in_thread` is the same for tests that do not run on trio.
"""

from jackfield.simulation._faults import Counters, Faults
from jackfield.simulation._running import Running
from jackfield.simulation._server import serve, simulate
from jackfield.simulation._threaded import ThreadedSimulator, simulate_in_thread

__all__ = ["Counters", "Faults", "Running", "ThreadedSimulator", "serve", "simulate", "simulate_in_thread"]
