"""``jackfield dashboard`` in a real browser: both vendors' simulators, real processes, a headless Chromium."""

import signal
from datetime import UTC, datetime
from functools import partial

import pytest
import trio
from browser import find_chromium, open_page

import jackfield
from jackfield._dashboard.access import Access
from jackfield._dashboard.site import Site
from jackfield.addresses import Address
from jackfield.config import GatewayConfig
from jackfield.events import Event, Parties
from jackfield.simulation import simulate
from jackfield_vinix.simulator import VinixSimulator

browser = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium found: install it, or name it in the variable CHROMIUM"
)

# Writes down through which states each row of a table goes.
RECORD = """
globalThis.seen = {calls: {}, agents: {}};
setInterval(() => { for (const [table, rows] of Object.entries(seen)) {
  for (const line of document.querySelectorAll(`#${table} tbody tr`)) {
    const key = line.cells[0].title || line.cells[0].textContent;
    const states = (rows[key] ??= []);
    const state = line.cells[1].textContent;
    if (states.at(-1) !== state) states.push(state);
    states.feed = line.cells[4]?.textContent;
  }
} }, 20); 0
"""
CALL_ENDED = (
    "Object.entries(seen.calls).find(([id, states]) => "
    "['ringing', 'connected', 'ended'].every((state) => states.includes(state)))"
)
KINDS = "[...document.querySelectorAll('#events tbody tr')].map((line) => line.cells[1].textContent)"


def feed(name, column):
    """The text of a cell of a feed's row."""
    line = f"[...document.querySelectorAll('#feeds tbody tr')].find((line) => line.cells[0].textContent === '{name}')"
    return f"{line}?.cells[{column}].textContent"


@browser
async def test_calls_agents_and_feeds_are_seen_to_change_and_the_stream_to_narrow(start, simulate, folder, tmp_path):
    voipbin, url = await simulate("voipbin", "--rate", "16")
    _, vinix = await simulate("vinix", "--rate", "16")
    dashboard = await start("dashboard", folder.configure(url, vinix), "--port", "0")
    page_url = (await dashboard.says("dashboard: ")).split()[-1]
    async with open_page(tmp_path) as page:
        await page.window(1300)
        await page.open(page_url)
        await page.until("document.querySelector('#link').textContent === 'Live'")
        await page.value(RECORD)
        # A call appears, changes its state, ends, and goes; an agent changes state, at both vendors.
        call, states = await page.until(CALL_ENDED)
        assert states.index("ringing") < states.index("connected") < states.index("ended")
        changed = "Object.values(seen.agents).filter((states) => states.length > 1)"
        await page.until(f"new Set({changed}.map((states) => states.feed)).size === 2")
        assert await page.value("document.querySelectorAll('#queues tbody tr').length") > 0
        # What comes is delivered as well, and the sink's figures show.
        await page.until(
            "Number(document.querySelector('#sinks tbody tr').cells[4].textContent.replace(/\\D/g, '')) > 50"
        )

        # A feed goes down and comes back, and the gap is reported.
        voipbin.process.kill()
        await voipbin.process.wait()
        await page.until(feed("office", 1) + " === 'reconnecting'")
        await page.until("document.querySelector('#spoken').textContent === 'Feed office is down'")
        await page.until("[...document.querySelectorAll('#figures dd')][1].textContent === '1'")
        await simulate(
            "voipbin", "--rate", "16", "--port", url.partition("://")[2].partition("/")[0].rpartition(":")[2]
        )
        await page.until(feed("office", 1) + " === 'subscribed'")
        await page.until(feed("office", 5) + " === '1'")
        await page.until(feed("office", 6))
        assert await page.value(feed("support", 5)) == "0"

        await page.until(f"!document.querySelector(`#calls tbody th[title='{call}']`)")

        # A selector narrows the stream; one that is wrong is explained; the keyboard is enough.
        assert len(set(await page.value(f"{KINDS}.map((kind) => kind.split('.')[0])"))) > 1
        await page.value("document.querySelector('#selector').focus()")
        await page.write("agent.*")
        await page.press("Enter")
        await page.until(f"{KINDS}.length > 2 && {KINDS}.every((kind) => kind.startsWith('agent.'))")
        await page.write("Ready")
        await page.press("Enter")
        problem = await page.until("document.querySelector('#selector-problem').textContent")
        assert problem.startswith("Character 7: ")
        assert await page.value("document.querySelector('#selector').getAttribute('aria-invalid')") == "true"
        assert await page.value(f"{KINDS}.every((kind) => kind.startsWith('agent.'))")
        assert page.complaints == []
    assert await dashboard.stop() == 0
    assert not [line for line in dashboard.err if "s3cret" in line or "Traceback" in line]


@browser
async def test_the_page_survives_a_restart_of_the_server(start, vendor, folder, tmp_path):
    url = await vendor("voipbin")
    vinix = await vendor("vinix")
    config = folder.configure(url, vinix)
    first = await start("dashboard", config, "--port", "0", "--watch-only")
    page_url = (await first.says("dashboard: ")).split()[-1]
    rows = "document.querySelectorAll('#events tbody tr').length"
    async with open_page(tmp_path) as page:
        await page.open(page_url)
        await page.until(f"{rows} > 50")
        assert await first.stop(signal.SIGINT) == 0
        await page.until("document.querySelector('#link').textContent === 'Reconnecting…'")
        second = await start("dashboard", config, "--port", page_url.rstrip("/").rpartition(":")[2], "--watch-only")
        await page.until("document.querySelector('#link').textContent === 'Live'")
        newest = "Number(document.querySelector('#figures dd').textContent) > 0"
        await page.until(newest)
        assert await page.value(f"{rows} <= 120")
        # The port was closed for a moment, which the browser tells; the page itself has no complaint.
        assert [each for each in page.complaints if "ERR_" not in each] == []
        assert await second.stop() == 0
    assert not (folder.path / "var").exists()  # nothing went to the sink


HOSTILE = "<img src=x onerror='document.title=1'><script>document.title=1</script>\u202e"


SHOWN = HOSTILE.replace("\u202e", " ")


def event(number, kind="call.connected", **parties):
    now, id = datetime.now(UTC), f"{HOSTILE}{number}"
    address = Address("acme", "account", "A", "call", id, "word")
    return Event(id, kind, address, now, now, "office", id, parties=Parties(**parties))


@browser
async def test_a_page_is_readable_by_everybody_and_runs_nothing_that_a_vendor_wrote(tmp_path):
    site = Site(Access("127.0.0.1"))
    async with (
        jackfield.open_gateway(GatewayConfig(()), plugins=[site]) as gateway,
        open_page(tmp_path) as page,
        trio.open_nursery() as nursery,
    ):
        await page.open(await nursery.start(partial(site.run, gateway, 0)))
        await page.until("document.querySelector('#link').textContent === 'Live'")
        await gateway.publish(*(event(n, caller_name=HOSTILE, callee=HOSTILE) for n in range(3)))
        await gateway.publish(event(4, "agent.ready", agent_name=HOSTILE), event(5, "unmapped." + "x" * 50))
        await page.until("document.querySelectorAll('#calls tbody tr').length === 3")
        await page.until("document.querySelectorAll('#agents tbody tr').length === 1")
        assert await page.value("document.querySelector('#calls tbody th').textContent") == SHOWN
        assert await page.value("document.querySelectorAll('img, table script').length") == 0
        assert await page.value("document.title") == "Jackfield"

        # Whoever cannot see it finds landmarks, tables and fields, each with a name.
        nodes = (await page.call("Accessibility.getFullAXTree"))["nodes"]
        named = [
            (node["role"]["value"], node["name"]["value"]) for node in nodes if not node["ignored"] and "name" in node
        ]
        roles = {role for role, _ in named}
        assert {"main", "banner", "search", "table", "columnheader", "rowheader", "textbox", "status"} <= roles
        spoken = {"region", "table", "textbox", "button", "columnheader", "search", "link"}
        assert [(role, name) for role, name in named if role in spoken and not name] == []

        # The keyboard reaches all that can be done, in the order of the page.
        await page.call("Emulation.setFocusEmulationEnabled", enabled=True)
        reached = []
        for _ in range(14):
            await page.press("Tab")
            reached.append(
                await page.value("document.activeElement.id || document.activeElement.textContent.slice(0, 5)")
            )
        assert reached[0] == "Skip "
        assert reached.index("selector") < reached.index("Apply") < reached.index("pause")
        await page.value("document.querySelector('#pause').focus()")
        await page.press(" ")
        assert await page.value("document.querySelector('#pause').getAttribute('aria-pressed')") == "true"
        shown = await page.value(f"{KINDS}.length")
        await gateway.publish(*(event(n) for n in range(10, 13)))
        await page.until("document.querySelector('#events .count').textContent === 'paused, 3 new'")
        assert await page.value(f"{KINDS}.length") == shown
        await page.press(" ")
        await page.until(f"{KINDS}.length === {shown + 3}")

        await page.press(" ")
        await page.value("document.querySelector('#selector').focus()")
        await page.write("agent.*")
        await page.press("Enter")
        await page.until(f"{KINDS}.join() === 'agent.ready'")

        # It fits into any window, and follows the system's mode.
        light = await page.value("getComputedStyle(document.body).backgroundColor")
        await page.window(340, dark=True)
        assert await page.value("document.documentElement.scrollWidth <= 340")
        assert await page.value("getComputedStyle(document.body).backgroundColor") != light
        assert page.complaints == []
        nursery.cancel_scope.cancel()


async def test_a_dashboard_that_could_be_seen_by_others_does_not_start(start, folder):
    config = folder.configure("ws://127.0.0.1:9/v1.0/ws", "ws://127.0.0.1:9")
    dashboard = await start("dashboard", config, "--host", "0.0.0.0")
    assert await dashboard.ended() == 2
    assert len([line for line in dashboard.err if "--host: 0.0.0.0 is not a loopback address" in line]) == 2


async def test_a_port_that_is_taken_is_reported_in_one_line(start, folder):
    config = folder.configure("ws://127.0.0.1:9/v1.0/ws", "ws://127.0.0.1:9")
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        port = listener.socket.getsockname()[1]
        dashboard = await start("dashboard", config, "--watch-only", "--port", port)
        assert await dashboard.ended() == 1
    assert [line for line in dashboard.err if f"jackfield: cannot listen on 127.0.0.1:{port}: " in line]
    assert not [line for line in dashboard.err if "Traceback" in line]


async def test_the_demo_serves_a_page_in_place_of_the_stream(start):
    demo = await start("demo", "--dashboard", "--rate", "50")
    url = (await demo.says("dashboard: ")).split()[-1]
    stream = await trio.open_tcp_stream("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))
    async with stream:
        await stream.send_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        came = b""
        with trio.fail_after(20):
            while b"voipbin-demo" not in came or b"vinix-demo" not in came:
                came += await stream.receive_some()
    assert await demo.stop(signal.SIGINT) == 0
    assert demo.out == []
    refused = await start("demo", "--dashboard", "--events", "5")
    assert await refused.ended() == 2


@browser
async def test_what_belongs_to_a_feed_that_died_is_stale_within_two_seconds(tmp_path):
    site = Site(Access("127.0.0.1"))
    simulator = VinixSimulator("t", rate=2000, calls=False, inversions=0.0)
    stale = "document.querySelectorAll('#agents tbody tr[data-stale]').length"
    async with simulate(simulator, limit=90) as running, open_page(tmp_path) as page:
        await running.settled()
        async with (
            jackfield.open_gateway({"feeds": {"support": running.feed()}}, plugins=[site]) as gateway,
            trio.open_nursery() as nursery,
        ):
            await page.open(await nursery.start(partial(site.run, gateway, 0)))
            # Whoever opens the page in mid-day sees the agents that the vendor lists.
            await page.until("document.querySelectorAll('#agents tbody tr').length === 3")
            await page.until("document.querySelector('#link').textContent === 'Live'")
            assert await page.value(stale) == 0
            running.faults.refuse = 503
            running.cut()
            with trio.fail_after(2):
                await page.until(f"{stale} === 3")
            assert "stale since" in await page.value("document.querySelector('#agents tbody tr').textContent")
            await page.until("document.querySelector('#link').textContent === '0 of 1 feeds live'")
            nursery.cancel_scope.cancel()
