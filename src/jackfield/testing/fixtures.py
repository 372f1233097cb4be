"""Fixtures for pytest: put ``pytest_plugins = ["jackfield.testing.fixtures"]`` into your ``conftest.py``.

``recording_sink``
    A `jackfield.testing.RecordingSink`, to give as a plugin to `open_gateway`.
``simulated``
    Starts a vendor's server on a thread of its own, and stops it after the test; for blocking tests, asyncio and trio.
    ``simulated(VoipbinSimulator(token="t"))`` is a `jackfield.simulation.ThreadedSimulator`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from jackfield.plugin.simulator import Simulator
from jackfield.simulation import Faults, ThreadedSimulator, simulate_in_thread
from jackfield.testing._recording import RecordingSink

__all__ = ["recording_sink", "simulated"]


@pytest.fixture
def recording_sink() -> RecordingSink:
    """A sink that keeps what it gets."""
    return RecordingSink()


@pytest.fixture
def simulated() -> Iterator[Callable[..., ThreadedSimulator]]:
    """Starts simulators that end with the test."""
    with ExitStack() as stack:

        def start(simulator: Simulator, *, faults: Faults | None = None, limit: int | None = None) -> ThreadedSimulator:
            return stack.enter_context(simulate_in_thread(simulator, faults=faults, limit=limit))

        yield start
