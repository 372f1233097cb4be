"""`jackfield._loading.discovery`: broken packages, as they lie about, cost themselves and are named."""

import subprocess
import sys

import pytest

from jackfield._loading.discovery import find_plugins
from jackfield._loading.registry import Registry
from jackfield.errors import PluginError

METADATA = b"Metadata-Version: 2.1\nName: jackfield-acme\nVersion: 1.2\n"
POINTS = b"[jackfield]\nacme = jackfield_acme\n"
PLUGIN = """
from jackfield.plugin.hooks import hookimpl

@hookimpl
def jackfield_observe(report):
    pass
"""


@pytest.fixture
def install(monkeypatch, tmp_path):
    """Lay a distribution into a folder of its own, as an installer does; what is ``None`` it has not."""

    def install(plugin=PLUGIN, *, metadata=METADATA, points=POINTS):
        info = tmp_path / "jackfield_acme-1.2.dist-info"
        info.mkdir()
        for name, content in (("METADATA", metadata), ("entry_points.txt", points)):
            if content is not None:
                (info / name).write_bytes(content)
        (tmp_path / "jackfield_acme.py").write_text(plugin)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "jackfield_acme", raising=False)
        return info

    yield install
    sys.modules.pop("jackfield_acme", None)


def others_are_there(registry):
    return "voipbin" in registry.providers and "http" in registry.sinks


def test_a_whole_package_is_found_once_with_its_version(install):
    install()
    registry = Registry.load()
    assert registry.failures == []
    (acme,) = [each for each in registry.loaded if each.entry_point == "acme"]
    assert (acme.distribution, acme.version, acme.hooks) == ("jackfield-acme", "1.2", ("jackfield_observe",))


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ({"metadata": None}, "the distribution has no readable METADATA"),
        ({"metadata": b"\xff\xfe"}, "the distribution has no readable METADATA"),
        ({"points": POINTS + b"\xe9 = caf\xe9\n"}, "its entry_points.txt is not UTF-8 text"),
    ],
    ids=["no METADATA", "METADATA that is not text", "entry points that are not UTF-8"],
)
def test_a_broken_package_is_named_by_its_folder_and_costs_no_other(install, broken, problem):
    info = install(**broken)
    registry = Registry.load()
    (failure,) = registry.failures
    assert failure.problem.startswith(problem)
    assert failure.distribution == str(info)
    assert others_are_there(registry)
    with pytest.raises(PluginError, match="jackfield_acme"):
        Registry.load(strict=True)


def test_a_broken_package_that_is_not_a_plugin_is_not_reported(install):
    install(points=b"[console_scripts]\n\xe9 = caf\xe9\n")
    found, broken = find_plugins()
    assert broken == []
    assert "acme" not in {each.point.name for each in found}


@pytest.mark.parametrize(
    ("plugin", "problem"),
    [
        ("import sys; sys.exit('no licence')", "cannot be imported: SystemExit: no licence"),
        ("raise RuntimeError('cannot work here')", "cannot be imported: RuntimeError: cannot work here"),
        (
            PLUGIN + "@hookimpl\ndef jackfield_sinks():\n    raise SystemExit(3)\n",
            "jackfield_sinks raised SystemExit: 3",
        ),
    ],
    ids=["exits", "raises", "exits in a hook"],
)
def test_a_plugin_that_fails_at_import_or_wants_to_exit_is_left_out_by_its_name(install, plugin, problem):
    install(plugin)
    registry = Registry.load()
    assert [str(each) for each in registry.failures] == [f"plugin acme of jackfield-acme: {problem}"]
    assert others_are_there(registry)


def test_what_a_plugin_prints_while_it_is_loaded_goes_to_standard_error_and_not_into_the_data(install, tmp_path):
    install("print('hello')\n" + PLUGIN + "@hookimpl\ndef jackfield_sinks():\n    print('again')\n    return []\n")
    command = [sys.executable, "-m", "jackfield", "plugins", "--json"]
    done = subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("{")
    assert done.stderr.splitlines()[:2] == ["hello", "again"]


def test_a_command_goes_on_beside_a_plugin_that_exits(install, tmp_path):
    install("raise SystemExit(7)")
    command = [sys.executable, "-m", "jackfield", "plugins"]
    done = subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert "voipbin" in done.stdout
    assert "plugin acme of jackfield-acme: cannot be imported: SystemExit: 7" in done.stderr
