"""`jackfield._cli.early_signals`: a signal to stop while the command is still being imported is a clean stop."""

import signal
import subprocess
import sys

import pytest

# Imports are slow on a loaded machine; this stands for one that takes for ever.
PROGRAM = """
import sys
sys.argv = ["jackfield", *{arguments}]
import jackfield._cli as cli
import time
cli.run_as_program = lambda work: print("there", flush=True) or time.sleep(20)
cli.main()
"""


@pytest.mark.parametrize(
    ("arguments", "number", "status"),
    [
        (["run", "gateway.toml"], signal.SIGTERM, 0),
        (["run", "gateway.toml"], signal.SIGINT, 0),
        (["check", "gateway.toml"], signal.SIGTERM, -signal.SIGTERM),
    ],
)
def test_a_signal_while_run_is_imported_ends_it_with_0(arguments, number, status):
    program = PROGRAM.format(arguments=arguments)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "there\n"
        process.send_signal(number)
        assert process.wait(10) == status


def test_an_interrupt_while_another_command_is_imported_is_said_in_one_line():
    program = """
import sys
sys.argv = ["jackfield", "check"]
import jackfield._cli as cli
def importing(name):
    raise KeyboardInterrupt
cli._parser = importing
sys.exit(cli.main())
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "jackfield: interrupted\n")
