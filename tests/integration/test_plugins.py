"""A distribution whose plugin is broken, found by the real entry points of a real process."""

import json
import os
import subprocess
import sys

import pytest


@pytest.fixture
def installed(tmp_path):
    """A folder on the path with the distribution ``jackfield-acme`` in it, which raises when it is imported."""
    site = tmp_path / "site"
    metadata = site / "jackfield_acme-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: jackfield-acme\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[jackfield]\nacme = jackfield_acme\n")
    (site / "jackfield_acme.py").write_text("raise ImportError('needs a library that is not there')\n")
    return os.environ | {"PYTHONPATH": str(site)}


def jackfield(environment, *arguments):
    command = [sys.executable, "-m", "jackfield", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_it_is_reported_by_its_distribution_and_everything_else_works(installed):
    reported = "plugin acme of jackfield-acme: cannot be imported: ImportError: needs a library that is not there"
    listed = jackfield(installed, "plugins")
    assert listed.returncode == 0
    assert reported in listed.stderr
    assert "jackfield-voipbin" in listed.stdout
    shown = jackfield(installed, "demo", "--events", "3", "--format", "jsonl", "--rate", "50")
    assert (shown.returncode, len(shown.stdout.splitlines())) == (0, 3)
    assert shown.stderr.count(reported) == 1


def test_an_author_can_ask_for_strictness(installed):
    strict = jackfield(installed, "plugins", "--strict-plugins")
    assert strict.returncode == 2
    assert "needs a library that is not there" in strict.stderr
    assert "Traceback" not in strict.stderr


def test_the_variable_keeps_it_out(installed):
    narrowed = jackfield(installed | {"JACKFIELD_PLUGINS": "jackfield-voipbin,stdout"}, "plugins", "--json")
    document = json.loads(narrowed.stdout)
    assert [each["distribution"] for each in document["plugins"]] == ["jackfield-stdout", "jackfield-voipbin"]
    assert document["failures"] == []
    assert narrowed.stderr == ""
