"""Gateways as processes that share feeds through Redis, killed at random; what reaches an HTTP receiver is assessed.

By hand: ``python tests/cluster_stage.py --holders 2 --kills 20 --seconds 300 --rate 500 --apart``.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import attrs
import msgspec
import trio

import jackfield
from jackfield.simulation import simulate
from jackfield_redis.coordinator import RedisCoordinator
from jackfield_redis.local_server import LocalServer
from jackfield_voipbin.simulator import VoipbinSimulator

INGEST = """
[gateway]
journal = "journal-{name}"

[cluster]
url = "{url}"
member = "{name}"
lease_seconds = {lease}

{feeds}
[sinks.bus]
type = "redis"
url = "{url}"
acks = "{acks}"

[[routes]]
select = ["**"]
sinks = ["bus"]
"""
DELIVERY = """
[gateway]
journal = "journal-{name}"

[feeds.bus]
provider = "redis"
url = "{url}"
member = "{name}"
lease_seconds = {lease}
settle_seconds = 0.2

[sinks.crm]
type = "http"
url = "{receiver}"
mode = "batch"
allow_private = true
headers = {{ x-member = "{name}" }}

[[routes]]
select = ["**"]
sinks = ["crm"]
"""
FEEDS = ("office", "support")
PARTS = (0.5, 0.9, 0.99, 1.0)


class Receiver(ThreadingHTTPServer):
    """Keeps what it gets, in its order."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got, self.lock = [], threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))
        now = time.monotonic()
        with self.server.lock:
            self.server.got += [
                Delivered(
                    each["id"], each.get("correlationid") or each["subject"], each["type"], each["feed"],
                    each["origin"], each.get("late", False), self.headers["x-member"], now,
                    each.get("data") if each["type"] == "stream.gap_suspected" else None,
                )
                for each in body
            ]  # fmt: skip
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@attrs.frozen
class Delivered:
    id: str
    key: str
    kind: str
    feed: str
    origin: str
    late: bool
    member: str
    at: float
    data: object


@attrs.define
class Outcome:
    """What came of a run."""

    events: int
    missing: list
    unexplained: list
    """Missing, and in no gap that was announced."""
    copies: int
    disorder: int
    late: int
    backfilled: int
    gaps: list
    bus_gaps: int
    take_overs: list
    loads: dict
    seconds: float
    dropped_by_vendor: int
    """Frames that a simulator did not send since a client was too slow."""
    wrong: list
    """Of each event that is out of order the feed, its id, when it was published, and when it came."""
    processor: dict
    """Seconds of processor time by process, restarts included; `stage` is this one with simulators and receiver."""
    idle: float
    """The part of all processors' time that nobody used."""
    steady: float
    """Seconds from when everything ran until the simulators stopped; both above are of these."""
    delays: list
    """Seconds from when an event was published until it came, at the `PARTS` of all."""

    def __str__(self):
        used = {name: f"{1e6 * seconds / max(1, self.events):.0f}" for name, seconds in self.processor.items()}
        total = sum(self.processor.values())
        shares = f"{total / self.steady:.2f} of {os.cpu_count()} processors used here, {self.idle:.0%} idle"
        delays = ", ".join(f"{part:.0%} {delay:.2f}" for part, delay in zip(PARTS, self.delays, strict=True))
        spans = [f"{gap['until'] - gap['since']:.2f}" for gap in self.gaps]
        takes = [f"{each:.2f}" for each in self.take_overs]
        return (
            f"{self.events} events in {self.seconds:.0f} s: {len(self.missing)} missing ({len(self.unexplained)} in no"
            f" gap), {self.disorder} out of order, {self.late} late, {self.copies} copies, {self.backfilled}"
            f" backfilled; gaps announced: {len(self.gaps)} (s: {', '.join(spans)}), of the bus {self.bus_gaps};"
            f" take-overs (s): {', '.join(takes) or 'none'}; loads {self.loads};"
            f" dropped by the simulators {self.dropped_by_vendor}; {self.wrong[:5]};"
            f" processor time (us for each published event): {used}; {shares};"
            f" published {self.events / self.steady:.0f} a second; delays (s): {delays}"
        )


@attrs.define
class Stage:
    """The processes of one run."""

    folder: Path
    holders: int = 2
    rate: float = 100.0
    lease: float = 3.0
    members: int = 3
    deliverers: int = 1
    acks: str = "memory"
    chance: random.Random = attrs.field(factory=lambda: random.Random(23))
    server: LocalServer = attrs.field(init=False)
    receiver: Receiver = attrs.field(factory=Receiver)
    running: dict = attrs.field(factory=dict)
    reference: list = attrs.field(factory=list)
    take_overs: list = attrs.field(factory=list)
    kills: list = attrs.field(factory=list)
    simulators: dict = attrs.field(factory=dict)
    leases: dict = attrs.field(factory=dict)
    present: int = 0
    opened: datetime | None = None
    """What was published before is not asked for: not every gateway had started."""
    covered: dict = attrs.field(factory=dict)
    used: Counter = attrs.field(factory=Counter)
    """Seconds of processor time of processes that have ended."""
    machine: tuple = ()
    steady_at: float = 0.0
    steady: float = 0.0
    apart: bool = False
    """Whether simulators are processes of their own, so that this one is not what limits the rate."""
    wall: float = attrs.field(factory=lambda: time.time() - time.monotonic())
    waits: bool = True
    """Whether a member is killed only once the others are connected: on a busy machine a start takes long."""

    def __attrs_post_init__(self):
        self.server = LocalServer(self.folder, settings={"appendonly": "yes", "appendfsync": "always"})

    def start(self, name, text):
        path = self.folder / f"{name}.toml"
        path.write_text(text)
        self.spawn(name)

    def spawn(self, name):
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, "-m", "jackfield", "run", f"{name}.toml"]
            self.running[name] = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)

    def ending(self, name):
        """Count what a process has used before it is gone."""
        self.used[name] += process_time(self.running[name].pid)

    def used_by_now(self):
        """Of every process that runs, the seconds of processor time since it was started."""
        used = {name: process_time(process.pid) for name, process in self.running.items() if process.poll() is None}
        vendors = {name: process_time(each.process.pid) for name, each in self.simulators.items() if self.apart}
        return {**used, **vendors, "redis": process_time(self.server.process.pid), "stage": time.process_time()}

    def says(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    async def until(self, true, seconds=60.0, what=""):
        with trio.move_on_after(seconds):
            while True:
                if true():
                    return
                await trio.sleep(0.1)
        logs = "\n".join(f"--- {name}\n{self.says(name)[-3000:]}" for name in self.running)
        raise AssertionError(f"not within {seconds} s: {what}\n{logs}")

    async def open(self, nursery):
        """Start everything, and wait until the feeds are subscribed."""
        self.server.start()
        threading.Thread(target=self.receiver.serve_forever, args=(0.01,), daemon=True).start()
        # Vinix's server is known to drop what a slow client has not read, beyond 50 frames; VoIPBIN's is not.
        other = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
        made = {
            "office": VoipbinSimulator("t", rate=self.rate),
            "support": VoipbinSimulator("t", rate=self.rate, seed=2, customer_id=other),
        }
        for name, simulator in made.items():
            if self.apart:
                self.simulators[name] = await trio.to_thread.run_sync(SimulatorApart, simulator)
            else:
                self.simulators[name] = await nursery.start(_simulated, simulator)
        tables = {name: each.feed() for name, each in self.simulators.items()}
        feeds = ""
        for name, table in tables.items():
            feeds += f"[feeds.{name}]\nholders = {self.holders}\n"
            feeds += "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
        await nursery.start(self._refer, tables)
        common = {"url": self.server.url, "lease": self.lease, "receiver": self.receiver.url}
        for number in range(self.deliverers):
            self.start(f"d{number}", DELIVERY.format(name=f"d{number}", **common))
        for number in range(self.members):
            self.start(f"m{number}", INGEST.format(name=f"m{number}", feeds=feeds, acks=self.acks, **common))
        nursery.start_soon(self._watch)
        await self.until(
            lambda: all(len(self.covered.get(feed, ())) >= self.holders for feed in FEEDS), what="all are subscribed"
        )
        await trio.sleep(self.lease + 1)
        self.opened = datetime.now(UTC)
        self.used, self.machine = Counter(), machine_time()
        self.used.subtract(self.used_by_now())
        self.steady_at = time.monotonic()

    async def _refer(self, tables, task_status):
        """What the vendors published, by a connection of the test's own."""
        async with jackfield.open_gateway({"feeds": tables, "gateway": {"memory_events": 1_000_000}}) as gateway:
            with gateway.listen("**", buffer=1_000_000) as listener:
                for feed in FEEDS:
                    await self.until(lambda feed=feed: gateway.state().feeds[feed].state.value == "subscribed")
                task_status.started()
                async for event in listener:
                    if not event.kind.startswith("stream.") and event.origin == "live":
                        key = event.correlation or "/".join(event.address[3:5])
                        self.reference.append((event.id, key, event.feed, event.time or event.received))

    async def _watch(self):
        """Who holds what, and how long it takes after a kill."""
        async with RedisCoordinator(url=self.server.url).open("jackfield", "watch", 1.0) as coordinator:
            while True:
                try:
                    view = await coordinator.look()
                except jackfield.errors.ConnectionLost:
                    await trio.sleep(0.2)
                    continue
                now, self.present = time.monotonic(), len(view.members)
                self.leases = {feed: view.leases[feed].member for feed in FEEDS if feed in view.leases}
                about = {name: json.loads(text) for name, text in view.members.items()}
                self.covered = {
                    feed: [name for name, said in about.items() if said["feeds"].get(feed, {}).get("complete_since")]
                    for feed in FEEDS
                }
                for kill in [*self.kills]:
                    for feed in [*kill["feeds"]]:
                        holder = self.leases.get(feed, "")
                        if holder and holder != kind_of(kill, feed) and holder in self.covered[feed]:
                            self.take_overs.append(now - kill["at"])
                            kill["feeds"].remove(feed)
                await trio.sleep(0.1)

    def is_whole(self):
        """Whether each feed has its holders, and every member is there."""
        return all(len(self.covered.get(feed, ())) >= self.holders for feed in FEEDS) and self.present >= self.members

    def kill(self, name):
        held = {feed: member for feed, member in self.leases.items() if member.startswith(f"{name}-")}
        self.ending(name)
        self.running[name].kill()
        self.running[name].wait()
        self.kills.append({"at": time.monotonic(), "feeds": list(held), "members": held})

    async def harm(self, kills, seconds, back=5.0):
        """So many SIGKILLs of a random member within so many seconds; each is back after a while."""
        async with trio.open_nursery() as nursery:
            for number in range(kills):
                await trio.sleep(seconds / kills)
                if self.waits:
                    await self.until(self.is_whole, 120)
                name = f"m{self.chance.randrange(self.members)}"
                self.kill(name)
                sys.stderr.write(f"kill {number + 1}: {name} with {self.kills[-1]['members']}\n")
                nursery.start_soon(self._back, name, back)

    async def _back(self, name, seconds):
        await trio.sleep(seconds)
        self.spawn(name)

    async def harm_redis(self, kills, seconds, away=1.0):
        """So many SIGKILLs of Redis within so many seconds; it is back after a while, with what its disk has."""
        for _ in range(kills):
            await trio.sleep(max(1.0, seconds / kills - away))
            self.used["redis"] += process_time(self.server.process.pid)
            self.server.kill()
            await trio.sleep(away)
            await trio.to_thread.run_sync(self.server.start)
        await trio.sleep(3 * self.lease)

    async def stop_a_writer(self):
        """SIGSTOP one that has not written everything for longer than its lease, while others take over."""
        await self.until(lambda: all(self.leases.get(feed) for feed in FEEDS))
        victim = self.leases["office"].partition("-")[0]
        process = self.running[victim]
        self.server.signal(signal.SIGSTOP)
        await trio.sleep(0.4)
        os.kill(process.pid, signal.SIGSTOP)
        self.server.signal(signal.SIGCONT)
        await self.until(
            lambda: not self.leases["office"].startswith(f"{victim}-") and self.leases["office"], what="it"
        )
        await trio.sleep(2 * self.lease)
        os.kill(process.pid, signal.SIGCONT)
        await trio.sleep(2 * self.lease)

    async def roll(self):
        """Restart each member by SIGTERM, the next one once this one stands by again."""
        for name in sorted(each for each in self.running if each.startswith("m")):
            self.ending(name)
            self.running[name].terminate()
            await trio.to_thread.run_sync(self.running[name].wait)
            await trio.sleep(0.5)
            self.spawn(name)
            await trio.sleep(3 * self.lease)
            await self.until(lambda: all(len(self.covered.get(feed, ())) >= self.holders for feed in FEEDS))

    async def settle(self, seconds=240.0):
        """Let nothing more happen, and wait until everything has arrived, or nothing more comes."""
        self.used.update(self.used_by_now())
        self.machine = tuple(now - before for now, before in zip(machine_time(), self.machine, strict=True))
        self.steady = time.monotonic() - self.steady_at
        for running in self.simulators.values():
            if not self.apart:
                running.limit = running.counters.events
                await running.settled()
            else:
                await trio.to_thread.run_sync(running.stop)
        await trio.sleep(2)
        wanted, quiet, before = {event for event, *_, at in self.reference if at >= self.opened}, 0.0, 0
        with trio.move_on_after(seconds):
            while quiet < 15.0:
                got = len(self.receiver.got)
                if wanted <= {each.id for each in self.receiver.got}:
                    return
                quiet = quiet + 1.0 if got == before else 0.0
                before = got
                await trio.sleep(1.0)

    def assess(self, began):
        order = {event: index for index, (event, *_) in enumerate(self.reference)}
        about = {event: (feed, at) for event, _, feed, at in self.reference}
        gaps = [
            {
                "feed": each.feed,
                **{name: datetime.fromisoformat(each.data[name]).timestamp() for name in ("since", "until")},
            }
            for each in self.receiver.got
            if each.kind == "stream.gap_suspected" and each.feed in FEEDS
        ]  # fmt: skip
        bus_gaps = sum(self.says(name).count("bus: events may be missing") for name in self.running)
        first, newest, wrong, disorder, copies, late, backfilled = set(), {}, [], 0, 0, 0, 0
        for each in self.receiver.got:
            if each.id not in order:
                continue
            if each.id in first:
                copies += 1
                continue
            first.add(each.id)
            if each.late:
                late += 1
            elif each.origin == "backfill":
                backfilled += 1
            else:
                if order[each.id] < newest.get(each.key, -1):
                    disorder += 1
                    wrong.append(
                        (each.feed, each.id[:8], about[each.id][1].isoformat()[11:23], f"{each.at - began:.1f}")
                    )
                newest[each.key] = max(order[each.id], newest.get(each.key, -1))
        wanted = {event for event, *_, at in self.reference if at >= self.opened}
        missing = [event for event in order if event in wanted and event not in first]

        def explained(event):
            feed, at = about[event]
            stamp = at.astimezone(UTC).timestamp()
            return any(gap["feed"] == feed and gap["since"] - 1 <= stamp <= gap["until"] + 1 for gap in gaps)

        lines = [f"{feed} {at.isoformat()[11:23]} {event} {key}" for event, key, feed, at in self.reference]
        (self.folder / "published.txt").write_text("\n".join(lines))
        (self.folder / "arrived.txt").write_text("\n".join(f"{each.id} {each.at}" for each in self.receiver.got))
        loads = Counter(each.member for each in self.receiver.got)
        delays = sorted(
            self.wall + each.at - about[each.id][1].timestamp() for each in self.receiver.got if each.id in about
        )
        unexplained = [event for event in missing if not explained(event)]
        return Outcome(
            len(wanted), missing, unexplained, copies, disorder, late, backfilled, gaps, bus_gaps,
            self.take_overs, dict(loads), time.monotonic() - began,
            sum(running.counters.lagged for running in self.simulators.values()), wrong, dict(self.used),
            self.machine[0] / self.machine[1], self.steady, [delays[int(part * (len(delays) - 1))] for part in PARTS],
        )  # fmt: skip

    def close(self):
        for process in self.running.values():
            if process.poll() is None:
                os.kill(process.pid, signal.SIGCONT)
                process.terminate()
        for process in self.running.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for each in self.simulators.values():
            if self.apart:
                each.process.kill()
                each.process.wait()
        self.receiver.shutdown()
        self.receiver.server_close()
        self.server.stop()


class SimulatorApart:
    """A simulator as a process, by its control."""

    def __init__(self, simulator):
        options = {"token": "t", "rate": simulator.rate, "seed": simulator.seed, "customer-id": simulator.customer_id}
        command = [sys.executable, "-u", "-m", "jackfield", "simulate", "voipbin"]
        command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.simulator, self.counters = simulator, SimpleNamespace(lagged=0)
        self.url = self.process.stderr.readline().partition(": ")[2].strip()
        self.control = self.process.stderr.readline().partition(": ")[2].strip()

    def feed(self):
        return self.simulator.feed(self.url)

    def _ask(self, switches):
        with closing(HTTPConnection(self.control.split("/")[2], timeout=10)) as connection:
            connection.request("PATCH", "/_simulator", json.dumps(switches))
            return json.load(connection.getresponse())["counters"]

    def stop(self):
        """Let no more events happen, and wait until clients have got those that did."""
        self._ask({"limit": self._ask({})["events"]})
        time.sleep(2.0)
        self.counters.lagged = self._ask({})["lagged"]


async def _simulated(simulator, task_status):
    async with simulate(simulator) as running:
        task_status.started(running)
        await trio.sleep_forever()


def process_time(process):
    """Seconds of processor time of a process that runs."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine_time():
    """Of all processors together, idle and in all."""
    fields = [int(each) for each in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)


def kind_of(kill, feed):
    """Who held a feed when that member was killed."""
    return kill["members"].get(feed, "")


async def run(stage, harm):
    """One run, in which that is done; its outcome."""
    began = time.monotonic()
    try:
        async with trio.open_nursery() as nursery:
            await stage.open(nursery)
            await harm()
            await stage.settle()
            nursery.cancel_scope.cancel()
        return stage.assess(began)
    finally:
        stage.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--holders", type=int, default=2)
    parser.add_argument("--harm", choices=["kill", "redis", "away", "stop", "roll", "none"], default="kill")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--rate", type=float, default=500.0, help="events a second of each of two simulators")
    parser.add_argument("--lease", type=float, default=3.0)
    parser.add_argument("--deliverers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--blindly", action="store_true", help="kill whether or not the others are connected")
    parser.add_argument("--apart", action="store_true", help="simulators in processes of their own")
    parser.add_argument("--folder", type=Path, default=None, help="for journals and logs (default: removed at the end)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        stage = Stage(
            folder, options.holders, options.rate, options.lease, deliverers=options.deliverers,
            chance=random.Random(options.seed), waits=not options.blindly, apart=options.apart,
        )  # fmt: skip
        harms = {
            "kill": partial(stage.harm, options.kills, options.seconds),
            "redis": partial(stage.harm_redis, options.kills, options.seconds),
            "away": partial(stage.harm_redis, 1, 70.0, 60.0),
            "stop": stage.stop_a_writer,
            "roll": stage.roll,
            "none": partial(trio.sleep, options.seconds),
        }
        sys.stdout.write(f"{trio.run(run, stage, harms[options.harm])}\n")
