"""What is measured, section by section: each gives its figures and the goals that hang on them."""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from tempfile import TemporaryDirectory

import earlier
import journal
import matching
import planning
import posting
from figures import Figure, Goal, compared
from node_peer import node_peer
from race import race, run

PER_SECOND = "events/s"
PEERS = (
    "specification",
    "specification-unchecked",
    "trio-websocket",
    "websockets",
    "picows",
    "asyncio-sqlite",
    "node-ws",
)
# More say nothing more, and the section shall end within two minutes.
MOST_OF_A_STAGE = 20_000
STAGES = ("receive", "translate", "match", "journal", "listen", "durable")
FLOORS = ("floor-listen", "floor-durable")

Found = tuple[list[Figure], list[Goal]]
SECTIONS: dict[str, Callable[[int, int], Found]] = {}
"""By name; each takes how many events a run has, and how many rounds."""


def section(function):
    SECTIONS[function.__name__] = function
    return function


def _stages(vendor, events, rounds, *more):
    peers = [each for each in PEERS if each != "node-ws" or node_peer()]
    found = race((*peers, *STAGES, *more), vendor, min(events, MOST_OF_A_STAGE), rounds)
    figures = compared([Figure(name, PER_SECOND, each) for name, each in found.items()], *PEERS[:2], "picows")
    return {figure.what: figure for figure in figures}


@section
def stages(events, rounds) -> Found:
    """VoIPBIN's frames of 600 bytes: other clients, Jackfield up to each stage, and what libraries alone would take."""
    found = _stages("voipbin", events, rounds, *FLOORS)
    goals = [Goal("receive + parse, times picows", found["receive"].times["picows"], 0.8)]
    for peer in PEERS[:2]:
        goals += [
            Goal(f"receive + parse, times {peer}", found["receive"].times[peer], 5.0),
            Goal(f"whole durable pipeline, times {peer}", found["durable"].times[peer], 1.5),
            Goal(f"in-process listen, times {peer}", found["listen"].times[peer], 3.0),
        ]
    return list(found.values()), goals


@section
def vinix(events, rounds) -> Found:
    """The same with Vinix's frames."""
    return list(_stages("vinix", events, rounds).values()), []


@section
def http(events, rounds) -> Found:
    """Batches of 100 events posted to a counting server, beside the bare HTTP client."""
    found = posting.measure(max(100, events // 50), rounds)
    figures = compared([Figure(what, PER_SECOND, each) for what, each in found.items()], posting.MADE)
    return figures, [Goal("HTTP sink, times bare httpx2 posting the same bodies", figures[-1].times[posting.MADE], 0.7)]


@section
def selectors(events, rounds) -> Found:
    """Up to matching, among 10 to 10,000 selectors."""
    sizes = (10, 100, 1_000, 10_000)
    found = {size: [] for size in sizes}
    for _ in range(rounds):
        for size in sizes:
            found[size].append(run("match", "voipbin", events, more=[size])["processor"] / events * 1e6)
    figures = compared([Figure(f"{size} selectors", "µs", each) for size, each in found.items()], "10 selectors")
    memory = max(row["bytes"] for row in matching.table(1, any_shape=True)) / 1e6
    figures.append(Figure("memory of an index of 10,000", "MB", [memory]))
    return figures, [
        Goal("an event among 10,000 selectors, times among 10", figures[3].times["10 selectors"], 2.0, ge=False),
        Goal("MB of 10,000 selectors", memory, 10.0, ge=False),
    ]


@section
def index(_events, _rounds) -> Found:
    """Finding an event's subscribers, and nothing else."""
    tables = {"ten shapes": False, "all shapes": True}
    rows = [(name, row) for name, any_shape in tables.items() for row in matching.table(1, any_shape=any_shape)]
    return [Figure(f"{row['selectors']:,} selectors, {name}", "µs", row["rounds"]) for name, row in rows], []


@section
def feeds(events, rounds) -> Found:
    """In-process listen, the same events coming by 1 to 100 feeds."""
    counts = (1, 10, 100)
    found = {count: [] for count in counts}
    for _ in range(rounds):
        for count in counts:
            taken = run("listen", "voipbin", events, "--connections", count, more=[count])
            found[count].append(taken["processor"] / events * 1e6)
    return compared([Figure(f"{count} feeds", "µs", each) for count, each in found.items()], "1 feeds"), []


@section
def listeners(_events, _rounds) -> Found:
    """One listener more and its end, beside others on narrow topics: the plan and the subscriptions."""
    figures = {
        (name, size): Figure(f"{name}, {size:,} listeners", "ms", planning.measure(name, size))
        for name in planning.FEEDS
        for size in planning.SIZES
    }
    goals = [
        Goal(f"{name}: ms for one more at 1,000 listeners", figures[name, 1000].median, 1.0, ge=False)
        for name in planning.FEEDS
    ]
    return list(figures.values()), goals


@section
def writing(_events, _rounds) -> Found:
    """Keeping an event of 600 bytes, in groups of 200."""
    return compared([Figure(what, "µs", [each]) for what, each in journal.measure().items()], journal.LEAST), []


@section
def growth(_events, _rounds) -> Found:
    """Keeping an event, and reading one from the middle, in a journal's file that holds more and more."""
    found = journal.growth()
    first, *_, last = found
    figures = [
        figure
        for number, what in enumerate(("kept", "read"))
        for figure in compared(
            [Figure(f"{what} among {size:,}", "µs", [each[number]]) for size, each in found.items()],
            f"{what} among {first:,}",
        )
    ]
    kept = found[last][0] / found[first][0]
    return figures, [Goal(f"an event kept among {last:,}, times among {first:,}", kept, 1.5, ge=False)]


@section
def latency(events, rounds) -> Found:
    """At 1,000 events a second, from the socket to a listener, with a journal in a file; and to a bare socket."""
    figures = {}
    for name in ("machine", "latency") * rounds:
        found = run(name, "voipbin", min(events, 5_000), "--rate", 1_000)
        for quantile in ("p50", "p99"):
            figures.setdefault((name, quantile), []).append(found[quantile])
    floor50, floor99, p50, p99 = (Figure(" ".join(what), "ms", each) for what, each in figures.items())
    return [floor50, floor99, p50, p99], [
        Goal("latency p50 in ms", p50.median, 1.5, ge=False),
        Goal("latency p99 in ms", p99.median, 6.0, ge=False),
    ]


@section
def served(events, rounds) -> Found:
    """At 1,000 events a second, from the socket to a client of [serve], a browser, and a listener in process."""
    found = {}
    for _ in range(rounds):
        for what, value in run("served", "voipbin", min(events, 5_000), "--rate", 1_000).items():
            if what.endswith(("p50", "p99")):
                found.setdefault(what, []).append(value)
    return [Figure(what, "ms", each) for what, each in found.items()], []


@section
def fan_out(events, rounds) -> Found:
    """Events to clients of [serve] at once, one core for the gateway, a journal in a file; and 2,200 clients on it."""
    figures = []
    for clients in (1, 10, 100):
        count = min(events, 40_000 // max(1, clients // 4))
        found = [run("fanned", "voipbin", count, more=[clients]) for _ in range(rounds)]
        name = "1 client" if clients == 1 else f"{clients} clients"
        figures.append(Figure(f"to {name}", PER_SECOND, [count * clients / each["seconds"] for each in found]))
    found = [run("crowd", "voipbin", min(events, 1_000)) for _ in range(rounds)]
    crowd = "2,000 idle and 200 busy clients, 50 events/s"
    figures.append(Figure(f"{crowd}: share of the core", "%", [each["share"] * 100 for each in found]))
    figures.append(Figure(f"{crowd}: memory", "MB", [each["MB"] for each in found]))
    late = [Figure(f"{crowd}: late, {part}", "ms", [each[part] for each in found]) for part in ("p50", "p99")]
    return [*figures, *late], []


@section
def paced(events, rounds) -> Found:
    """At 1,000 events a second, journal in a file, to a listener: processor time and lateness, beside a socket's."""
    events = min(events, 5_000)
    found = {"machine": [], "latency": []}
    for _ in range(rounds):
        for name, each in found.items():
            each.append(run(name, "voipbin", events, "--rate", 1_000))
    names = {"machine": "bare socket", "latency": "gateway"}
    times = [
        Figure(f"{names[name]}: processor time of an event", "µs", [one["processor"] / events * 1e6 for one in each])
        for name, each in found.items()
    ]
    compared(times, times[0].what)
    late = {
        (name, part): Figure(f"{names[name]}: {part}", "ms", [one[part] for one in each])
        for name, each in found.items()
        for part in ("p50", "p99")
    }
    more = {part: late["latency", part].median - late["machine", part].median for part in ("p50", "p99")}
    return [*times, *late.values()], [
        Goal("processor time, times a bare socket's", times[1].times[times[0].what], 3.5, ge=False),
        Goal("ms later than a bare socket, p50", more["p50"], 1.0, ge=False),
        Goal("ms later than a bare socket, p99", more["p99"], 3.0, ge=False),
    ]


@section
def memory(events, _rounds) -> Found:
    """A gateway's memory halfway through ten times as many events, and at the end."""
    found = run("memory", "voipbin", events * 10)
    growth = found["end"] - found["begin"]
    figures = [Figure(name, "MB", [found[name]]) for name in ("begin", "end")]
    return figures, [Goal(f"MB of growth over {events * 10:,} events", growth, 5.0, ge=False)]


@section
def start(_events, rounds) -> Found:
    """Processor time of whole processes."""
    programs = {
        "python -c pass": ["-c", "pass"],
        "python -c 'import trio'": ["-c", "import trio"],
        "jackfield --version": ["-m", "jackfield", "--version"],
        "jackfield plugins": ["-m", "jackfield", "plugins"],
    }
    found = {name: [] for name in programs}
    for _ in range(rounds * 3):
        for name, arguments in programs.items():
            found[name].append(_processor([sys.executable, *arguments]))
    figures = compared([Figure(name, "ms", each) for name, each in found.items()], "python -c 'import trio'")
    ratio = figures[2].times["python -c 'import trio'"]
    return figures, [Goal("jackfield --version, times python -c 'import trio'", ratio, 1.5, ge=False)]


def _processor(command):
    with TemporaryDirectory() as folder:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True, cwd=folder, env=dict(os.environ))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1e3


@section
def reconnect(_events, rounds) -> Found:
    """From the beginning of a connection to its first event, the server being there."""
    connections = 50
    found = [
        run("reconnect", "voipbin", 100 * connections, "--cut-after", 100, seen=connections)["p50"]
        for _ in range(rounds)
    ]
    return [Figure("to the first event", "ms", found)], []


@section
def quiet(_events, rounds) -> Found:
    """One event of 600 bytes a commit, beside the journal that was one SQLite database."""
    found = earlier.quiet(rounds)
    times = [Figure(f"{name}: µs", "µs", [each[0] for each in rows]) for name, rows in found.items()]
    sizes = [Figure(f"{name}: bytes written", "B", [each[1] for each in rows]) for name, rows in found.items()]
    return [*times, *sizes], [
        Goal("µs for one event a commit", times[1].median, 10.0, ge=False),
        Goal("bytes written for it", sizes[1].median, 1_200, ge=False),
    ]


@section
def durable_before(events, rounds) -> Found:
    """The whole durable pipeline, beside the tree whose journal was one SQLite database."""
    found = earlier.durable("voipbin", events, rounds)
    figures = compared([Figure(name, PER_SECOND, each) for name, each in found.items()], "before")
    return figures, [Goal("whole durable pipeline, times before", figures[1].times["before"], 1.3)]
