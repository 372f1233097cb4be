"""The tree itself: small modules, each with its tests, nothing suppressed without need."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")])
UNIT_TESTS = sorted((ROOT / "tests" / "unit").glob("**/test_*.py"))
MOST_SUPPRESSIONS = 10


def test_each_module_is_one_idea_of_at_most_300_lines():
    assert [module for module in MODULES if len(module.read_text().splitlines()) > 300] == []
    assert {module.stem for module in MODULES} & {"utils", "util", "helpers", "common", "misc"} == set()


@pytest.mark.parametrize("test", UNIT_TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_unit_test_mirrors_a_module_or_a_package(test):
    *folders, name = test.relative_to(ROOT / "tests" / "unit").with_suffix("").parts
    package = ROOT / "src" / "jackfield"
    for folder in folders:
        package = next(path for path in (package / folder, package / f"_{folder}") if path.is_dir())
    about = name.removeprefix("test_")
    names = (f"{about}.py", f"_{about}.py")
    assert any((package / each).exists() for each in names) or about == package.name.strip("_")


def test_each_package_has_unit_tests():
    packages = {path.parent for path in (ROOT / "src" / "jackfield").glob("*/**/*.py")}
    mirrored = {path.parent.relative_to(ROOT / "tests" / "unit") for path in UNIT_TESTS}
    elsewhere = {"testing": "tests/conformance"}
    for package in sorted(packages):
        parts = [part.removeprefix("_") for part in package.relative_to(ROOT / "src" / "jackfield").parts]
        assert Path(*parts) in mirrored or parts[0] in elsewhere


def test_suppressions_stay_few_and_carry_their_reason():
    found = [
        (path, line)
        for path in MODULES
        for line in path.read_text().splitlines()
        if re.search(r"# (noqa|type: ignore)", line)
    ]
    bare = [
        (path.name, line) for path, line in found if not re.search(r"(noqa: \w+|type: ignore\[[\w-]+\])  # \w", line)
    ]
    assert bare == []
    assert len(found) <= MOST_SUPPRESSIONS


def test_the_contract_lists_every_module_that_plugins_may_not_import():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (public,) = [contract for contract in contracts if contract["id"] == "public"]
    private = {f"jackfield.{path.name}" for path in (ROOT / "src" / "jackfield").iterdir() if path.name[0] == "_"}
    assert set(public["forbidden_modules"]) == {
        name for name in private if not name.endswith((".__init__.py", ".__main__.py", ".__pycache__"))
    }


def test_the_source_has_at_most_24_entries_to_choose_from():
    entries = {path.name for path in (ROOT / "src" / "jackfield").iterdir()}
    assert len(entries - {"__init__.py", "__main__.py", "__pycache__", "py.typed"}) <= 24


def test_the_top_level_holds_what_was_asked_for():
    visible = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    asked = {"pyproject.toml", "src", "plugins", "tests", "docs", "noxfile.py", "README.md", "LICENSE", "CHANGELOG.md"}
    assert visible - {"__pycache__", "build", "dist", "var"} == asked


CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
(PURE,) = [contract["source_modules"] for contract in CONTRACTS if contract["id"] == "pure"]
# Reading a clock, a file, the environment or chance, which an import contract does not see.
IMPURE = re.compile(
    r"(?<!def )(?<![\w.])(?:datetime\.now|datetime\.today|date\.today|time\.(?:time|monotonic)(?:_ns)?|open|input"
    r"|os\.\w+|uuid[14]|urandom|randrange)\(|\.(?:read_text|read_bytes|write_text|write_bytes)\("
)


def pure_modules():
    folders = [ROOT / "src", *ROOT.glob("plugins/*/src")]
    paths = [folder.joinpath(*name.split(".")) for name in PURE for folder in folders]
    return sorted(
        {path.with_suffix(".py") for path in paths if path.with_suffix(".py").exists()}
        | {module for path in paths if path.is_dir() for module in path.rglob("*.py")}
    )


def test_what_is_pure_by_contract_reads_no_clock_no_file_and_no_chance():
    assert [(module, found) for module in pure_modules() if (found := IMPURE.findall(module.read_text()))] == []
