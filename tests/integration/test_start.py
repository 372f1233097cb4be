"""What starting costs, measured by the imported modules, which does not depend on the machine's load."""

import json
import subprocess
import sys

import pytest

import jackfield


def modules_after(statement):
    """The modules that are there after a statement in a fresh interpreter."""
    program = f"import json, sys\ntry:\n    {statement}\nexcept SystemExit: pass\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


HEAVY = {"trio", "trio_websocket", "wsproto", "attr", "attrs", "cattrs", "msgspec", "pluggy", "sqlite3", "httpcore2"}
PLUGINS = {
    "jackfield_file",
    "jackfield_http",
    "jackfield_stdout",
    "jackfield_vcon",
    "jackfield_vinix",
    "jackfield_voipbin",
}


def test_the_version_waits_for_no_library_and_no_plugin():
    found = modules_after("from jackfield._cli import main; main(['--version'])")
    assert "jackfield" in found
    assert not found & (HEAVY | PLUGINS)


def test_importing_jackfield_imports_no_plugin_and_the_library_when_it_is_used():
    assert not modules_after("import jackfield") & (HEAVY | PLUGINS)
    assert not modules_after("import jackfield; jackfield.open_gateway") & PLUGINS


def test_a_sink_brings_its_client_when_it_is_opened():
    assert not modules_after("from jackfield import Registry; Registry.load()") & {"httpcore2", "h11", "sqlite3"}


def test_every_public_name_is_there_and_no_other():
    assert sorted(name for names in jackfield._HOMES.values() for name in names) == jackfield.__all__
    for name in jackfield.__all__:
        assert getattr(jackfield, name) is getattr(jackfield, name)
    assert set(jackfield.__all__) <= set(dir(jackfield))
    with pytest.raises(AttributeError, match="'jackfield' has no attribute 'gateway'"):
        _ = jackfield.gateway
