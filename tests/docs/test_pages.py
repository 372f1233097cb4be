"""The documentation: what is made from the code is up to date, and what it shows works."""

import doctest
import importlib
import io
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import attrs
import httpcore2
import pytest
import trio
from hypothesis import settings

from jackfield import Registry
from jackfield._cli import COMMANDS, main
from jackfield.config import build_config
from jackfield.plugin.hooks import HookSpecs

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("plugins/*/*.md")),
]


TUTORIALS = {ROOT / "docs" / "tutorial" / f"first-{what}.md": what for what in ("provider", "sink")}


def begin(what, folder, monkeypatch):
    """Write the plugin that a tutorial begins with, and let it be imported until the end of the test."""
    assert main(["new", what, "acme", "--into", str(folder)]) == 0
    monkeypatch.syspath_prepend(folder / "jackfield-acme" / "src")
    for name in [name for name in sys.modules if name.partition(".")[0] == "jackfield_acme"]:
        monkeypatch.delitem(sys.modules, name)


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def test_pages_that_are_made_from_the_code_are_up_to_date():
    command = [sys.executable, ROOT / "docs" / "generate.py", "--check"]
    check = subprocess.run(command, capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", page.read_text()):
        if not target.startswith("http"):
            there = page.parent / target if target else page
            assert there.exists(), target
            assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


def anchors(page):
    """The headings of a page, as links spell them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_command_and_every_hook_is_on_its_page():
    commands = (ROOT / "docs" / "reference" / "commands.md").read_text()
    assert all(f"`jackfield {name}" in commands for name in COMMANDS)
    for page, form in (("plugins.md", "`{}("), ("hooks.md", "## `{}`")):
        hooks = (ROOT / "docs" / "reference" / page).read_text()
        assert all(form.format(name) in hooks for name in vars(HookSpecs) if name.startswith("jackfield_"))


def test_every_option_of_every_plugin_is_on_its_page():
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text()
    registry = Registry.load()
    for section, specs in (("feeds", registry.providers), ("sinks", registry.sinks)):
        for name, spec in specs.items():
            table = re.search(
                rf"^## `\[{section}\.NAME\]` with `\w+ = \"{name}\"`$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL
            )[1]
            assert all(f"| `{field.alias}` | " in table for field in attrs.fields(spec.cls))


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial/first-gateway.md"])
def test_every_configuration_that_is_shown_is_valid(page, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VOIPBIN_TOKEN", "x")
    monkeypatch.setenv("VINIX_TOKEN", "x")
    shown = blocks(ROOT / page, "toml")
    assert shown
    for number, content in enumerate(shown):
        path = tmp_path / f"{number}.toml"
        path.write_text(content)
        assert main(["check", str(path)]) == 0
        assert "warning" not in capsys.readouterr().err


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_session_that_is_shown_goes_as_it_is_shown(page, tmp_path, monkeypatch):
    if page in TUTORIALS:
        begin(TUTORIALS[page], tmp_path, monkeypatch)
    content = "\n".join(blocks(page, "pycon"))
    session = doctest.DocTestParser().get_doctest(content, {}, page.name, str(page), 0)
    report = io.StringIO()
    results = doctest.DocTestRunner(verbose=False).run(session, out=report.write)
    assert results.failed == 0, report.getvalue()


@pytest.mark.parametrize(("page", "what"), TUTORIALS.items(), ids=["provider", "sink"])
def test_a_tutorial_begins_with_the_commands_that_are_tried_in_a_fresh_environment(page, what):
    """`tests/integration/test_new.py` runs them."""
    (commands,) = blocks(page, "sh")
    assert commands.splitlines() == [
        f"jackfield new {what} acme",
        "cd jackfield-acme",
        "pip install -e '.[testing]'",
        "pytest",
        "jackfield conformance jackfield-acme",
    ]


@pytest.mark.parametrize(("page", "what"), TUTORIALS.items(), ids=["provider", "sink"])
def test_the_configuration_that_a_tutorial_shows_is_that_of_its_plugin(page, what, tmp_path, monkeypatch):
    begin(what, tmp_path, monkeypatch)
    (shown,) = blocks(page, "toml")
    monkeypatch.setenv("ACME_TOKEN", "x")
    document = tomllib.loads(shown)
    document.setdefault("feeds", {"office": {"provider": "voipbin", "token": "t", "customer_id": "c"}})
    registry = Registry.load().extended([importlib.import_module("jackfield_acme")])
    assert build_config(document, providers=registry.providers, sinks=registry.sinks).feeds


def test_the_laws_that_are_shown_hold():
    (program,) = blocks(ROOT / "docs" / "explanation" / "translation.md", "python")
    names = {}
    exec(program, names)  # noqa: S102  # what the page shows is what is run
    laws = names["TestLaws"]()
    profile = settings.get_current_profile_name()
    settings.register_profile("shown", settings.get_profile("ci"), max_examples=10)
    settings.load_profile("shown")  # the provider's own tests try them at length
    try:
        for name in dir(laws):
            if name.startswith("test_"):
                getattr(laws, name)()
    finally:
        settings.load_profile(profile)


def test_the_selectors_that_are_shown_parse():
    from jackfield import Selector

    (shown,) = blocks(ROOT / "docs" / "reference" / "events.md", "")
    for line in shown.splitlines():
        selector, meaning = re.split(r"\s{3,}", line)
        assert Selector.parse(selector)
        assert meaning


async def test_the_program_of_the_readme_runs(start, vendor, folder):
    """In a folder with the gateway.toml that it names, against both simulators."""
    voipbin = await vendor("voipbin")
    vinix = await vendor("vinix")
    folder.configure(voipbin, vinix)
    (program,) = blocks(ROOT / "README.md", "python")
    environment = {"VOIPBIN_TOKEN": "voipbin-s3cret", "VINIX_TOKEN": "vinix-s3cret", "PYTHONUNBUFFERED": "1"}
    process = await trio.lowlevel.open_process(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=folder.path, env=environment
    )
    seen = b""
    with trio.fail_after(20):
        while seen.count(b"contact.queued office") < 2 or seen.count(b"contact.queued support") < 2:
            seen += await process.stdout.receive_some()
    process.kill()
    await process.wait()
    await process.stdout.aclose()


def shell_lines(page):
    return [shlex.split(line) for block in blocks(page, "sh") for line in block.splitlines()]


async def test_the_simulator_that_is_shown_runs_and_is_switched_as_shown(start):
    serve, *switches = shell_lines(ROOT / "docs" / "how-to" / "simulators.md")
    port = serve[serve.index("--port") + 1]
    command = await start(*(argument if argument != port else "0" for argument in serve[1:]))
    control = (await command.says("switches: ")).split()[-1]
    answers = []
    async with httpcore2.AsyncConnectionPool() as http:
        for curl, *arguments, url in switches:
            assert curl == "curl"
            given = dict(zip(arguments[::2], arguments[1::2], strict=True))
            address = url.replace(f"http://127.0.0.1:{port}/_simulator", control)
            answer = await http.request(given.get("-X", "GET"), address, content=given.get("-d", "").encode() or None)
            assert answer.status == 200
            answers.append(json.loads(answer.content))
    assert answers[0]["switches"]["duplicate"] == 4
    assert answers[1]["switches"]["drop"] == 0.1
    assert answers[2] == {"cut": 0}


async def test_the_program_against_a_simulator_runs():
    (program,) = blocks(ROOT / "docs" / "how-to" / "simulators.md", "python")
    with trio.fail_after(30):
        done = await trio.run_process([sys.executable, "-c", program], capture_stdout=True)
    assert done.stdout.decode().splitlines() == ["cut, and connected again soon", "copies sent: True"]
