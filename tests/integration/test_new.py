"""``jackfield new``: what it writes installs into a fresh environment and passes its own suite, unchanged."""

import importlib
import os
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from profiles import is_thorough

from jackfield._cli import main
from jackfield._cli.new import SHAPES
from jackfield.testing._rules import Level
from jackfield.testing._scorecard import run_suite

PATIENCE = 240

# What is tried here is the template, not the rules.
FEWER = """
from hypothesis import settings

settings.register_profile("fewer", max_examples=5)
settings.load_profile("fewer")
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A virtual environment of its own; Jackfield and what it needs are seen from the one that runs this test."""
    home = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(home, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "fewer.py").write_text(FEWER)
    folders = [path for path in [*site.getsitepackages(), *sys.path] if path.endswith("site-packages")]
    lines = [f"import site; site.addsitedir({folder!r})" for folder in dict.fromkeys(folders)]
    (packages / "outer.pth").write_text("\n".join(lines) + "\n")
    return home


def call(environment, folder, *command):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV", "PYTHON"))}
    done = subprocess.run(
        [environment / "bin" / "python", "-m", *command],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# Each takes a while; the thorough profile tries all, the others one, and the rest in this process.
INSTALLED = [("provider", "acme", [])]
if is_thorough():
    INSTALLED += [("sink", "big-acme2", [])]
    INSTALLED += [("provider", f"acme-{shape}", ["--shape", shape]) for shape in SHAPES]


@pytest.mark.parametrize(("what", "name", "more"), INSTALLED, ids=lambda value: value if isinstance(value, str) else "")
def test_what_it_writes_installs_and_passes_its_suite_unchanged(what, name, more, environment, tmp_path, capsys):
    assert main(["new", what, name, *more, "--into", str(tmp_path)]) == 0
    folder = tmp_path / f"jackfield-{name}"
    word = name.replace("-", "_")
    written = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert {
        "LICENSE",
        ".github/workflows/ci.yml",
        "README.md",
        "pyproject.toml",
        f"src/jackfield_{word}/conformance.py",
        f"tests/test_{word}.py",
    } <= {*written}
    call(environment, folder, "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", ".")
    plugins = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "fewer"]
    out = call(environment, folder, "pytest", "-q", "-W", "error", *plugins)
    assert " passed" in out
    assert "failed" not in out
    assert f"{what} {name}" in call(environment, folder, "jackfield", "plugins", "--plugins", name, "--strict-plugins")
    card = call(environment, folder, "jackfield", "conformance", f"jackfield-{name}", "--examples", "5")
    assert card.startswith(f"{name}  gold  (jackfield_{word}.conformance:Conformance)")


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_provider_is_gold(shape, tmp_path, capsys, monkeypatch):
    assert main(["new", "provider", f"tried-{shape}", "--shape", shape, "--into", str(tmp_path)]) == 0
    monkeypatch.syspath_prepend(tmp_path / f"jackfield-tried-{shape}" / "src")
    suite = importlib.import_module(f"jackfield_tried_{shape}.conformance").Conformance
    card = run_suite(suite, examples=5, leave_out=["needs_no_more_memory_with_time"])
    assert card.failures == ()
    assert card.level is Level.GOLD


def test_a_sink_has_no_shape(tmp_path, capsys):
    assert main(["new", "sink", "acme", "--shape", "rest", "--into", str(tmp_path)]) == 2
    assert "--shape rest is of providers; a sink has none" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "Acme", "2acme", "acme_cloud", "acme-", "-acme", "a--b", "../acme", "äcme"])
def test_an_invalid_name_is_reported_and_nothing_is_written(name, tmp_path, capsys):
    assert main(["new", "provider", "--into", str(tmp_path), "--", name]) == 2
    assert f"{name!r} is not a valid name of a provider: use lower-case letters" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


def test_a_name_that_is_taken_is_reported(tmp_path, capsys):
    assert main(["new", "sink", "file", "--into", str(tmp_path)]) == 2
    assert "a sink 'file' is installed already" in capsys.readouterr().err
    assert main(["new", "sink", "voipbin", "--into", str(tmp_path)]) == 2
    assert "a provider 'voipbin' is installed already" in capsys.readouterr().err
    assert main(["new", "sink", "jackfield-acme", "--into", str(tmp_path)]) == 2
    assert "leave out the prefix jackfield-" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


def test_an_existing_folder_is_not_overwritten(tmp_path, capsys):
    mine = tmp_path / "jackfield-acme" / "pyproject.toml"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert main(["new", "provider", "acme", "--into", str(tmp_path)]) == 2
    assert "exists already; nothing was written" in capsys.readouterr().err
    assert [*mine.parent.iterdir()] == [mine]
    assert mine.read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_reported(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["new", "sink", "acme", "--into", str(tmp_path / "file")]) == 1
    assert "Not a directory" in capsys.readouterr().err


def test_the_templates_are_part_of_the_wheel(tmp_path):
    root = Path(__file__).parents[2]
    command = ["pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", tmp_path, root]
    subprocess.run([sys.executable, "-m", *map(str, command)], check=True, timeout=PATIENCE, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    listed = subprocess.run([sys.executable, "-m", "zipfile", "-l", wheel], check=True, capture_output=True, text=True)
    templates = root / "src" / "jackfield" / "_cli" / "templates"
    for path in (path for path in templates.rglob("*.txt") if path.is_file()):
        assert str(path.relative_to(root / "src")) in listed.stdout
