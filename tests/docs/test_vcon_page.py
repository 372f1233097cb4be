"""The page about vCons: its configurations are valid, and its simulators and its gateway make vCons."""

import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jackfield._cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "vcon.md").read_text()
TOML = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHELL = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(name="folder")
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("VINIX_TOKEN", "VOIPBIN_TOKEN", "VCON_TOKEN", "RECORDING_AUTH"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("VCON_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    return tmp_path


def test_each_table_of_the_page_is_valid(folder, capsys):
    first, posted, _keys, recordings, redact = TOML
    head, _, routes = first.partition("[[routes]]")
    feeds = head.partition("[sinks.records]")[0]
    for text in (
        first,
        f"{feeds}{posted}[[routes]]{routes}",
        *(f"{head}{x}[[routes]]{routes}" for x in (recordings, redact)),
    ):
        (folder / "gateway.toml").write_text(text)
        assert main(["check", "--strict", "gateway.toml"]) == 0, capsys.readouterr().err


@pytest.mark.thorough
def test_its_commands_make_a_folder_of_vcons(folder):
    (folder / "gateway.toml").write_text(TOML[0])
    simulators = [shlex.split(line.rstrip("& ")) for line in SHELL[0].splitlines()]
    commands = [*simulators, ["jackfield", "run", "gateway.toml"]]
    running = []
    try:
        for _program, *arguments in commands:
            command = [sys.executable, "-m", "jackfield", *arguments]
            running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            time.sleep(2)
        ends = time.monotonic() + 120
        while time.monotonic() < ends and len(list(folder.glob("var/vcons/*/*.json"))) < 20:
            time.sleep(1)
    finally:
        for each in reversed(running):
            each.send_signal(signal.SIGTERM)
            each.wait()
    assert len(list(folder.glob("var/vcons/*/*.json"))) >= 20
