"""`jackfield._cli.queued_stderr`: nobody waits for a stream that is not read, and what is lost is counted."""

import os
import re
import threading
from contextlib import suppress

import pytest

from jackfield._cli.queued_stderr import QueuedStderr


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, writing
    for number in (reading, writing):
        with suppress(OSError):
            os.close(number)


def read_all(reading, done):
    """What comes through a pipe until its writer is closed."""
    parts = []
    while part := os.read(reading, 65536):
        parts.append(part)
    done.append(b"".join(parts).decode())


def test_lines_are_written_in_order_and_a_part_of_one_with_its_rest(pipe):
    reading, writing = pipe
    stream = QueuedStderr(writing)
    print("one", file=stream, flush=True)
    stream.write("t")
    stream.write("wo\nthr")
    stream.drain(10)
    assert os.read(reading, 100) == b"one\ntwo\nthr"


def test_whoever_writes_never_waits_and_each_line_arrives_or_is_counted(pipe):
    reading, writing = pipe
    stream = QueuedStderr(writing, most_bytes=100_000)
    total = 20_000
    for number in range(total):  # far more than the pipe and the queue hold; without the queue this never ends
        print(f"line {number}", file=stream, flush=True)
    stream.drain(0.01)
    done = []
    reader = threading.Thread(target=read_all, args=(reading, done))
    reader.start()
    stream.drain(30)
    print("the end", file=stream)
    stream.drain(30)
    os.close(writing)
    reader.join()
    (text,) = done
    lost = sum(int(found) for found in re.findall(r"jackfield: (\d+) lines? of messages lost", text))
    numbers = [int(found) for found in re.findall(r"^line (\d+)$", text, re.MULTILINE)]
    assert numbers == sorted(numbers)
    assert lost > 0
    assert len(numbers) + lost == total
    assert text.endswith("the end\n")


def test_a_stream_whose_reader_has_gone_is_no_error(pipe):
    reading, writing = pipe
    os.close(reading)
    stream = QueuedStderr(writing)
    print("x", file=stream)
    stream.drain(10)


def test_what_cannot_be_encoded_is_escaped(pipe):
    reading, writing = pipe
    stream = QueuedStderr(writing)
    print("\ud83d ü", file=stream)
    stream.drain(10)
    assert os.read(reading, 100) == b"\\ud83d \xc3\xbc\n"
