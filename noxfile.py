"""What a newcomer, a contributor and CI run; every session installs what it needs into an environment of its own.

nox -s demo       the main job: both vendors, simulated, as one stream
nox -s tests      all tests, of the core and of every plugin
nox -s lint       formatting, ruff, import contracts
nox -s types      mypy, strict
nox -s packages   build each distribution, install each plugin beside the core alone, and load it
nox -s docs       the documentation as a site, in build/docs, warnings being errors
nox -s thorough   the property tests with 5,000 examples each
nox -s bench      what an event costs
nox -s endurance  the dashboard's page, ten minutes long (needs Chromium)
nox -s dev        .venv with everything editable and all tools
"""

import os
from pathlib import Path

import nox

nox.needs_version = ">=2024.4"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_venv = "yes"

PLUGINS = sorted(path.parent for path in Path("plugins").glob("*/pyproject.toml"))
CONSTRAINTS = "--constraint=.ci/constraints.txt"
TESTING = [
    "cloudevents",
    "hatchling",
    "hypothesis",
    "pytest",
    "pytest-trio",
    "pytest-xdist",
    "standardwebhooks",
    "trustme",
    "uvloop",
    "websocket-client",
]
PEERS = ["httpx2", "picows", "websocket-client", "websockets"]
LINTING = ["import-linter", "ruff"]
TYPING = ["mypy"]
DOCS = ["furo", "myst-parser", "sphinx"]


def install(session: nox.Session, *more: str) -> None:
    """Install the core and every plugin as they are in this tree, and further packages by their pinned versions."""
    editable = [argument for path in (Path(), *PLUGINS) for argument in ("-e", f"./{path}")]
    session.install("--quiet", CONSTRAINTS, *editable, *more)


@nox.session
def demo(session: nox.Session) -> None:
    """Show the main job; arguments after ``--`` go to ``jackfield demo``."""
    install(session)
    session.run("jackfield", "demo", *(session.posargs or ["--events", "60"]))


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests, side by side; arguments after ``--`` go to pytest."""
    install(session, *TESTING)
    # Many tests wait for real processes and sockets, so there is work for more of them than processors.
    workers = 2 * (os.cpu_count() or 1)
    # And they start hundreds of processes, each of which would compile everything again where nothing is kept.
    keep = {"PYTHONDONTWRITEBYTECODE": None}
    session.run("pytest", f"--numprocesses={workers}", "--dist=worksteal", *session.posargs, env=keep)


@nox.session
def thorough(session: nox.Session) -> None:
    """Run the property tests at length."""
    install(session, *TESTING)
    session.run("pytest", "--hypothesis-profile=thorough", *(session.posargs or ["tests/property", "plugins"]))


@nox.session
def docs(session: nox.Session) -> None:
    """Make the documentation's site."""
    install(session, *DOCS, "hypothesis", "pytest")
    session.run("python", "docs/generate.py", "--check")
    session.run("sphinx-build", "--quiet", "--fail-on-warning", "--keep-going", "--fresh-env", "docs", "build/docs")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what an event costs, beside other clients; arguments after ``--`` go to tests/bench/run.py."""
    install(session, *PEERS)
    session.run("python", "tests/bench/run.py", *session.posargs)


@nox.session
def endurance(session: nox.Session) -> None:
    """Watch the dashboard's page for ten minutes under load; arguments after ``--`` go to the script."""
    install(session)
    session.run("python", "tests/bench/dashboard.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check format, style and the import contracts."""
    install(session, *LINTING)
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, *TYPING, "nox", "hypothesis")
    sources = [str(path / "src") for path in (Path(), *PLUGINS)]
    session.run("mypy", *sources, "docs/examples", "noxfile.py")


@nox.session(reuse_venv=False)
def packages(session: nox.Session) -> None:
    """Build every distribution, and see each plugin found beside nothing but the core."""
    wheels = session.create_tmp()
    for path in (Path(), *PLUGINS):
        session.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, f"./{path}")
    session.install("--quiet", "jackfield", "--find-links", wheels)
    pages = "from jackfield._dashboard.site import *; [page(*each) for each in PAGES.values()]"
    session.run("python", "-c", pages)
    for path in PLUGINS:
        name = f"jackfield-{path.name.partition('-')[2]}"
        session.install("--quiet", name, "--find-links", wheels)
        session.run("jackfield", "plugins", "--strict-plugins")
        session.run("pip", "uninstall", "--quiet", "--yes", name)


@nox.session(venv_backend="none")
def dev(session: nox.Session) -> None:
    """Make .venv for working on Jackfield."""
    session.run("python", "-m", "venv", ".venv", external=True)
    editable = [argument for path in (Path(), *PLUGINS) for argument in ("-e", f"./{path}")]
    tools = [*TESTING, *LINTING, *TYPING]
    session.run(".venv/bin/pip", "install", "--quiet", CONSTRAINTS, *editable, *tools, external=True)
