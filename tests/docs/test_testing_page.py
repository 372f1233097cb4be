"""The page on testing a program: what it shows is a test file that passes."""

import os
import re
import subprocess
import sys
from pathlib import Path

from jackfield.errors import DeliveryError
from jackfield.plugin.sink import Batch
from jackfield.testing import RecordingSink, run_in_virtual_time, sample_events

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "testing.md"


def test_the_tests_that_the_page_shows_pass(tmp_path):
    pieces = re.findall(r"^```python title=(\S+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert {name for name, _ in pieces} == {"conftest.py", "waiting.py", "test_waiting.py"}
    for name, text in pieces:
        with (tmp_path / name).open("a") as file:
            file.write(text + "\n\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "test_waiting.py"]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
    done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 passed" in done.stdout


def test_a_recording_sink_keeps_what_it_gets_fails_while_failure_is_set_and_counts_attempts():
    async def main():
        sink, events = RecordingSink(), sample_events(4)
        await sink.write(Batch(tuple(events[:2])))
        sink.failure = DeliveryError("no room", delivered=0)
        try:
            await sink.write(Batch(tuple(events[2:])))
        except DeliveryError as error:
            assert error is sink.failure
        assert sink.events == events[:2]
        sink.failure = None
        await sink.write(Batch(tuple(events[2:])))
        assert await sink.wait_for(lambda event: True, count=3) == events[:3]
        return sink.attempts, sink.events == events

    assert run_in_virtual_time(main) == (3, True)
