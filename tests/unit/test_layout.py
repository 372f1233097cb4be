"""The tree itself: small modules, each with its tests, nothing suppressed without need."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted([*ROOT.glob("src/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")])
TESTS = {path.stem for path in [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/test_*.py")]}

# Modules whose tests bear another name, because they are tested through what they are for.
TESTED_BY = {
    "main": "test_run",
    "account": "test_login",
    "bindings": "test_subscribing",
    "commands": "test_cli",
    "clock": "test_scorecard",
    "conformance": "test_scorecard",
    "control": "test_simulation_control",
    "conversing": "test_it_bites",
    "cursor": "test_journal",
    "deployed": "test_clients",
    "day": "test_simulation_day",
    "dead": "test_store",
    "floor": "test_simulator",
    "deliveries": "test_delivery",
    "declaring": "test_it_bites",
    "delivering": "test_it_bites",
    "describing": "test_it_bites",
    "failing": "test_it_bites",
    "faults": "test_simulation_faults",
    "frames": "test_translate",
    "labels": "test_board",
    "happenings": "test_simulation_day",
    "guard": "test_session",
    "hooks": "test_registry",
    "lane": "test_delivery",
    "lifecycle": "test_session",
    "feed_stats": "test_session",
    "ledger": "test_answering",
    "listener": "test_simulation_server",
    "listing": "test_resync",
    "lock": "test_store",
    "log": "test_journal",
    "mailbox": "test_inbox",
    "opening": "test_integrity",
    "options": "test_config",
    "pacing": "test_requests",
    "patience": "test_journal",
    "posts": "test_inbox",
    "presence": "test_state",
    "outbox": "test_simulation_outbox",
    "posting": "test_simulation_posting",
    "pretty": "test_stdout",
    "places": "test_it_bites",
    "protocol": "test_conversation",
    "providers": "test_planner",
    "published": "test_simulator",
    "reading": "test_it_bites",
    "recording": "test_testing_page",
    "records": "test_store",
    "reports": "test_session",
    "backfill": "test_conversation",
    "retention": "test_journal",
    "rows": "test_store",  # and test_board
    "rules": "test_it_bites",
    "running": "test_simulation_running",
    "schema": "test_store",
    "server": "test_simulation_server",
    "simulated_rest": "test_simulator",
    "simulators": "test_simulation_server",
    "snapshot": "test_resync",
    "sinks": "test_delivery",
    "spoiling": "test_it_bites",
    "stage": "test_it_bites",
    "state": "test_gateway",
    "stats": "test_journal",
    "story": "test_simulator",
    "strategies": "test_algebra",
    "tasks": "test_gateway",
    "stages": "test_board",
    "table": "test_board",
    "tail": "test_updates",
    "tokens": "test_clients",
    "window": "test_journal",
    "wire": "test_translate",
    "writing": "test_it_bites",
    "worlds": "test_laws_bite",
}
MOST_SUPPRESSIONS = 10


def test_partner(module):
    if module.parent.name == "_cli":
        return "test_cli"
    name = module.stem if module.stem != "__init__" else module.parent.name.removeprefix("jackfield_")
    return TESTED_BY.get(name.strip("_"), f"test_{name.strip('_')}")


test_partner.__test__ = False


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_module_is_one_idea_of_at_most_300_lines(module):
    assert len(module.read_text().splitlines()) <= 300
    assert module.stem not in {"utils", "util", "helpers", "common", "misc"}


@pytest.mark.parametrize(
    "module",
    [path for path in MODULES if path.stem != "__init__" or path.parent.name in ("_cli", "jackfield_stdout")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_each_module_has_its_tests(module):
    assert test_partner(module) in TESTS


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
    private = {f"jackfield.{path.stem}" for path in (ROOT / "src" / "jackfield").iterdir() if path.stem.startswith("_")}
    assert set(public["forbidden_modules"]) == private - {
        "jackfield.__init__",
        "jackfield.__main__",
        "jackfield.__pycache__",
    }


def test_the_top_level_holds_what_was_asked_for():
    visible = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    asked = {"pyproject.toml", "src", "plugins", "tests", "docs", "noxfile.py", "README.md", "LICENSE", "CHANGELOG.md"}
    assert visible - {"__pycache__", "build", "dist", "var"} == asked
