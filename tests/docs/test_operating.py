"""The pages for operators: their commands run, in their order, in one folder; the container's files say what exists."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from jackfield._cli import main

DOCS = Path(__file__).parents[2] / "docs"
SERVICE = DOCS / "examples" / "service"


def commands(page):
    blocks = re.findall(r"^```sh\n(.*?)^```$", (DOCS / "how-to" / page).read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture
def folder(tmp_path, monkeypatch, quiet_vendors):
    """The folder that the page begins with, whose vendor is simulated."""
    (shown,) = re.findall(
        r"^```toml\n(.*?)^```$", (DOCS / "how-to" / "deploy.md").read_text(), re.MULTILINE | re.DOTALL
    )
    feed = quiet_vendors.feeds["office"]
    shown = shown.replace("ws://127.0.0.1:8001/v1.0/ws", feed["url"]).replace("127.0.0.1:9464", "127.0.0.1:0")
    (tmp_path / "gateway.toml").write_text(shown)
    (tmp_path / "token").write_text(feed["token"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JACKFIELD_CONFIG", raising=False)
    return tmp_path


def run_until(running, condition):
    with subprocess.Popen(
        [sys.executable, "-m", "jackfield", "run", "gateway.toml"], stderr=subprocess.PIPE
    ) as gateway:
        for line in gateway.stderr:
            if condition(line):
                break
        running()
        gateway.send_signal(signal.SIGTERM)
        gateway.stderr.read()
    assert gateway.returncode == 0


def obey(lines):
    for line in lines:
        program, *arguments = shlex.split(line)
        if program == "jackfield":
            assert main(arguments) == 0, line
        else:
            subprocess.run([program, *arguments], check=True)


def test_from_an_empty_folder_to_a_gateway_that_is_backed_up_and_restored(folder, capsys):
    obey([line.replace("--seconds 5", "--seconds 0.5") for line in commands("deploy.md")])
    upkeep = commands("upkeep.md")
    moved = next(number for number, line in enumerate(upkeep) if line.startswith("mv "))
    run_until(lambda: obey(upkeep[:moved]), lambda line: b"subscribed" in line)
    obey(upkeep[moved:])
    assert (folder / "events-monday.jsonl").stat().st_size > 0
    assert "0 problems" in capsys.readouterr().err


def test_the_compose_file_names_files_that_exist_and_the_images_of_its_services():
    yaml = pytest.importorskip("yaml")
    composed = yaml.safe_load((SERVICE / "compose.yaml").read_text())
    assert set(composed["services"]) == {"jackfield", "prometheus", "grafana"}
    mounted = [each.split(":")[0] for service in composed["services"].values() for each in service.get("volumes", ())]
    theirs = {"./gateway.toml"}  # what an operator brings
    named = [each for each in mounted if each.startswith("./") and each not in theirs]
    assert all((SERVICE / each).exists() for each in named), named
    assert {each for each in mounted if not each.startswith("./")} == set(composed["volumes"])
    (provisioned,) = [each for each in composed["services"]["grafana"]["volumes"] if each.startswith("./grafana:")]
    provider = yaml.safe_load((SERVICE / "grafana" / "dashboards" / "provider.yaml").read_text())["providers"][0]
    assert provider["options"]["path"] == f"{provisioned.split(':')[1]}/dashboards"
    build = composed["services"]["jackfield"]["build"]
    assert (SERVICE / build["context"] / build["dockerfile"]).exists()
    scraped = yaml.safe_load((SERVICE / "prometheus.yaml").read_text())
    assert all((SERVICE / each).exists() for each in scraped["rule_files"])


def test_the_container_runs_as_nobody_and_writes_to_its_volume_only():
    text = (SERVICE / "Containerfile").read_text()
    steps = dict(re.findall(r"^(USER|VOLUME|WORKDIR|STOPSIGNAL) (.*)$", text, re.MULTILINE))
    assert steps["USER"].isdecimal()
    assert steps["USER"] != "0"
    assert steps["VOLUME"] == steps["WORKDIR"] == "/var/lib/jackfield"
    assert steps["STOPSIGNAL"] == "SIGTERM"
    extras = re.search(r"/source\[([\w,]+)\]", text)[1].split(",")
    project = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]
    assert set(extras) <= set(project["optional-dependencies"])


def test_prometheus_accepts_its_configuration():
    if (promtool := shutil.which("promtool")) is not None:
        subprocess.run([promtool, "check", "config", SERVICE / "prometheus.yaml"], check=True)
