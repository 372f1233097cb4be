"""Standard streams that are closed, full, or of another encoding: no command fails with a traceback or hangs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jackfield._cli import COMMANDS

TIME_LIMIT = 60.0
CLOSED = b"jackfield: warning: standard output is closed; data is not written\n"
CONFIG = """
[feeds.office]
provider = "voipbin"
url = "ws://127.0.0.1:9/v1.0/ws"
token = { env = "JACKFIELD_TEST_TOKEN" }
customer_id = "ü☎"

[sinks.console]
type = "stdout"

[[routes]]
select = ["contact.*"]
sinks = ["console"]
"""
USES = {
    "--version": (0, "--version"),
    "--help": (0, "--help"),
    "demo": (0, "demo", "--events", "2"),
    "run": (2, "run", "none.toml"),
    "check": (0, "check", "gateway.toml"),
    "tail": (2, "tail", "none.toml"),
    "dashboard": (2, "dashboard", "none.toml"),
    "journal": (2, "journal", "stats", "none.toml"),
    "health": (2, "health", "none.toml"),
    "timeline": (2, "timeline", "none.toml", "c1"),
    "translate": (0, "translate", "contact.* @ voipbin/customer/☎/**"),
    "decode": (0, "decode", "voipbin"),
    "simulate": (2, "simulate", "voipbin"),
    "new": (0, "new", "sink", "acme"),
    "conformance": (2, "conformance", "none"),
    "plugins": (0, "plugins"),
    "schema": (0, "schema"),
    "completion": (0, "completion", "bash"),
    "doctor": (2, "doctor", "none.toml"),
    "reload": (2, "reload", "none.toml"),
    "cluster": (2, "cluster", "status", "none.toml"),
}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "gateway.toml").write_text(CONFIG)

    def run(arguments, streams="", **variables):
        environment = os.environ | {"JACKFIELD_TEST_TOKEN": "t", "PYTHONUTF8": "0", **variables}
        return subprocess.run(
            ["/bin/sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, "-m", "jackfield", *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIME_LIMIT,
            check=False,
        )

    return run


def test_every_command_is_tried():
    assert USES.keys() >= COMMANDS.keys()


# All start and print by the same code; the thorough run tries each.
ORDINARY = ("run", "check", "journal")
EACH = [pytest.param(use, marks=[] if use in ORDINARY else pytest.mark.thorough) for use in USES]


@pytest.mark.parametrize("streams", ["<&- >&- 2>&-", pytest.param(">&-", marks=pytest.mark.thorough)])
@pytest.mark.parametrize("use", EACH)
def test_a_command_works_with_closed_streams(use, streams, run):
    status, *arguments = USES[use]
    done = run(arguments, streams)
    assert done.returncode == status, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert done.stdout == b""
    if streams == ">&-":
        assert done.stderr.startswith(CLOSED)


def test_a_standard_output_that_is_closed_is_said_once(run):
    assert run(USES["translate"][1:], ">&-").stderr.splitlines(keepends=True) == [CLOSED]


@pytest.mark.parametrize(
    ("use", "encoding"),
    [
        ("check", "ascii"),
        ("translate", "utf-16"),
        pytest.param("check", "latin-1", marks=pytest.mark.thorough),
        pytest.param("translate", "ascii", marks=pytest.mark.thorough),
    ],
)
def test_data_is_utf_8_in_any_locale(use, encoding, run):
    done = run(USES[use][1:], PYTHONIOENCODING=encoding, LC_ALL="C")
    assert done.returncode == 0, done.stderr.decode()
    assert "☎" in done.stdout.decode("utf-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("use", ["--help", "check", pytest.param("plugins", marks=pytest.mark.thorough), "demo"])
def test_a_full_standard_output_is_one_message_and_status_1(use, run):
    done = run(USES[use][1:], "> /dev/full")
    assert done.returncode == 1
    assert done.stderr.decode().endswith("jackfield: standard output: No space left on device\n")
    assert b"Traceback" not in done.stderr


def test_a_socket_never_gets_the_number_of_a_standard_stream():
    """Otherwise, what is printed would go to a vendor or into a file."""
    program = "from jackfield._cli.streams import *; prepare_streams(); import socket; exit(socket.socket().fileno())"
    command = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", program]
    assert subprocess.run(command, timeout=TIME_LIMIT, check=False).returncode > 2


def test_a_reader_that_has_read_enough_is_no_error(run):
    done = run(USES["translate"][1:], "| head -n 1")
    assert done.stdout.decode() == "a selector:\n"
    assert done.stderr == b""
