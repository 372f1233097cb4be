"""The example programs: small, and the commands and configurations that their pages show work."""

import importlib
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import cattrs
import pytest
import trio

from jackfield import Registry
from jackfield.config import build_config

ROOT = Path(__file__).parents[2]
PAGES = ["agent-desktop", "auto-responder", "call-dashboard"]


def shown(page, language):
    text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("program", sorted((ROOT / "docs" / "examples").glob("*.py")), ids=lambda path: path.name)
def test_each_program_has_less_than_150_lines_and_stands_on_the_public_interface(program):
    text = program.read_text()
    assert len(text.splitlines()) < 150
    assert not re.search(r"jackfield\S*\._|import _", text)


@pytest.mark.parametrize("page", PAGES)
async def test_the_demo_that_a_page_shows_runs_by_that_one_command_until_it_is_interrupted(page):
    (command,) = [block for block in shown(page, "sh") if "--demo" in block]
    python, *arguments = shlex.split(command)
    assert python == "python"
    process = await trio.lowlevel.open_process(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    out = b""
    with trio.fail_after(25):
        while out.count(b"\n") < 2:
            out += await process.stdout.receive_some()
        process.send_signal(signal.SIGINT)
        async for more in process.stdout:
            out += more
        assert await process.wait() == 0
    assert b"Traceback" not in out


def test_the_auto_responders_configuration_and_rules_are_right(monkeypatch):
    monkeypatch.setenv("VOIPBIN_TOKEN", "x")
    monkeypatch.syspath_prepend(ROOT / "docs" / "examples")
    program = importlib.import_module("auto_responder")
    rules, document = map(tomllib.loads, shown("auto-responder", "toml"))
    registry = Registry.load().extended([program])
    config = build_config(document, providers=registry.providers, sinks=registry.sinks)
    assert [sink.name for sink in config.sinks] == ["answers"]
    assert config.warnings == ()
    assert cattrs.structure(rules, program.Rules).answer("Stop") == ("You have been unsubscribed.", True)
