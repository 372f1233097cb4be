"""The wallboard's endurance: 500 calls, agents to take them, 200 events a second for ten minutes.

Needs Chromium. Tells every half minute how many rows there are, how big the page's heap is after a collection, how many
nodes it has, which part of a processor its main thread takes, how late its timers were, and how much memory the server
has (simulators, gateway and a journal on the disk included). It fails where the page grew from the third minute to the
end, or took more than half a processor. How late timers are depends on what else the machine does, too.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import trio

sys.path.append(str(Path(__file__).parents[1]))
from browser import open_page

WATCH = """
globalThis.late = []; globalThis.before = performance.now();
setInterval(() => { const now = performance.now(); late.push(now - before - 50); before = now; }, 50); 0
"""
LATE = """
(() => { const all = late.splice(0).sort((a, b) => a - b); const at = (q) => all[Math.floor((all.length - 1) * q)] ?? 0;
const of = (name) => Number(document.querySelector(`#${name} .count`).textContent.split(/[ ,]/)[0]) || 0;
return [at(0.5), at(0.99), at(1), of("contacts"), of("agents")]; })()
"""


async def figures(page, server):
    await page.call("HeapProfiler.collectGarbage")
    heap = (await page.call("Runtime.getHeapUsage"))["usedSize"] / 1e6
    counters = await page.call("Memory.getDOMCounters")
    status = Path(f"/proc/{server.pid}/status").read_text()  # noqa: ASYNC240  # no disk
    resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1e3
    spent = {each["name"]: each["value"] for each in (await page.call("Performance.getMetrics"))["metrics"]}
    rate = await page.value("fetch('/operator.json').then((answer) => answer.json()).then(({rate}) => rate)")
    return heap, counters["nodes"], resident, spent, rate, await page.value(LATE)


async def main(options):
    scale = ["--agents", str(options.agents), "--queues", str(options.queues), "--speed", str(options.speed)]
    command = [sys.executable, "-m", "jackfield", "demo", "--dashboard", *scale]
    server = await trio.lowlevel.open_process(command, stderr=subprocess.PIPE)
    heaps, busy = [], []
    try:
        told = b""
        while not (found := re.search(rb"dashboard: (\S+/)\n", told)):
            told += await server.stderr.receive_some()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            async with open_page(folder) as page:
                await page.window(1400)
                await page.open(found[1].decode())
                await page.until("document.querySelectorAll('#contacts tbody tr').length")
                await page.value(WATCH)
                await page.call("Performance.enable", timeDomain="threadTicks")
                before = 0.0
                print(
                    "minute  events/s  contacts  agents  heap MB   nodes  CPU %  late ms: p50   p99  worst  server MB"
                )
                for step in range(1, round(options.minutes * 2) + 1):
                    await trio.sleep(30)
                    heap, nodes, resident, spent, rate, (half, most, late, contacts, agents) = await figures(
                        page, server
                    )
                    busy.append((spent["TaskDuration"] - before) / 30 * 100)
                    before = spent["TaskDuration"]
                    print(
                        f"{step / 2:6.1f}  {rate:8.1f}  {contacts:8}  {agents:6}  {heap:7.2f}  "
                        f"{nodes:6}  {busy[-1]:5.1f}  "
                        f"{half:12.1f}  {most:4.0f}  {late:5.0f}  {resident:9.1f}",
                        flush=True,
                    )
                    heaps.append(heap)
                await page.screenshot(Path(tempfile.gettempdir()) / "dashboard-endurance.png")
                complaints = page.complaints
    finally:
        server.terminate()
        await server.wait()
    settled = heaps[min(5, len(heaps) // 2) :]
    growth = sum(settled[-4:]) / len(settled[-4:]) - sum(settled[:4]) / len(settled[:4])
    mean = sum(busy) / len(busy)
    print(f"heap grew by {growth:+.2f} MB once settled; {mean:.0f} % of a processor; complaints: {complaints}")
    return 0 if growth < 1.0 and mean < 50 and not complaints else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--agents", type=int, default=560, help="who take about as many calls, less a seventh")
    parser.add_argument("--queues", type=int, default=12)
    parser.add_argument("--speed", type=float, default=9.0, help="with 560 agents some 200 events in a second")
    sys.exit(trio.run(main, parser.parse_args()))
