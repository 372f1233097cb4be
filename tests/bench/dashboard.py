"""The dashboard's endurance: 200 events a second for ten minutes, and what that does to the page and to the server.

Needs Chromium. Tells every half minute how big the page's heap is after a collection, how many nodes it has, which
part of a processor its main thread takes, how late its timers were, and how much memory the server has (simulators and
gateway included). It fails where the page grew from the third minute to the end, or took more than half a processor.
How late timers are depends on what else the machine does, too.
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
return [at(0.5), at(0.99), at(1), Number(document.querySelector("#figures dd").textContent)]; })()
"""


async def figures(page, server):
    await page.call("HeapProfiler.collectGarbage")
    heap = (await page.call("Runtime.getHeapUsage"))["usedSize"] / 1e6
    counters = await page.call("Memory.getDOMCounters")
    status = Path(f"/proc/{server.pid}/status").read_text()  # noqa: ASYNC240  # no disk
    resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1e3
    spent = {each["name"]: each["value"] for each in (await page.call("Performance.getMetrics"))["metrics"]}
    return heap, counters["nodes"], resident, spent, await page.value(LATE)


async def main(options):
    command = [sys.executable, "-m", "jackfield", "demo", "--dashboard", "--rate", str(options.rate / 2)]
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
                await page.until("document.querySelectorAll('#events tbody tr').length")
                await page.value(WATCH)
                await page.call("Performance.enable", timeDomain="threadTicks")
                before = 0.0
                print("minute  events/s  heap MB   nodes  CPU %  late ms: p50   p99  worst  server MB")
                for step in range(1, round(options.minutes * 2) + 1):
                    await trio.sleep(30)
                    heap, nodes, resident, spent, (half, most, late, rate) = await figures(page, server)
                    busy.append((spent["TaskDuration"] - before) / 30 * 100)
                    before = spent["TaskDuration"]
                    print(
                        f"{step / 2:6.1f}  {rate:8.1f}  {heap:7.2f}  {nodes:6}  {busy[-1]:5.1f}  "
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
    parser.add_argument("--rate", type=float, default=200.0, help="events in a second, of both vendors together")
    sys.exit(trio.run(main, parser.parse_args()))
