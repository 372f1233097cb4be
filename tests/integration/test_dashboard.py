"""``jackfield dashboard`` in a real browser: scripts with known figures, simulated vendors, real processes."""

import re
import signal
from datetime import UTC, datetime
from functools import partial

import attrs
import pytest
import trio
from browser import find_chromium, open_page
from wallboard import FACTS, FIGURES, STAFF, TONES, Script, at_noon, find_axe, shown

import jackfield
from jackfield._dashboard.access import Access, Viewer
from jackfield._dashboard.site import Site
from jackfield._serve.grants import Grant
from jackfield.addresses import Address
from jackfield.config import GatewayConfig, NamesOptions
from jackfield.events import Event, Parties
from jackfield.simulation import simulate
from jackfield_vinix.simulator import VinixSimulator

browser = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium found: install it, or name it in the variable CHROMIUM"
)
LIVE = "document.querySelector('#link').textContent === 'Live'"
KINDS = "[...document.querySelectorAll('#events tbody tr')].map((line) => line.cells[1].textContent)"


def text(selector):
    return f"document.querySelector(`{selector}`)?.textContent"


def column(table, number, part=""):
    """The texts of a column of a table."""
    return f"[...document.querySelectorAll('#{table} tbody tr')].map((line) => line.cells[{number}].textContent)"


# -- figures that are known ------------------------------------------------------------------------------


@browser
@pytest.mark.thorough
async def test_each_figure_is_that_of_the_script_at_every_width(tmp_path):
    day = Script.of_the_day()
    async with shown(tmp_path, at_noon(day.now), *day.events) as (page, _, url):
        for width in (1440, 1024, 390):
            await page.window(width)
            await page.until(f"{text('#tile-level .value')} === '79 %'")
            for tile, (value, note) in FIGURES.items():
                assert (await page.value(text(f"#tile-{tile} .value"))).startswith(value)
                assert await page.value(text(f"#tile-{tile} .note")) == note
                assert await page.value(f"document.querySelector('#tile-{tile}').dataset.tone") == TONES[tile]
            for fact, value in FACTS.items():
                assert await page.value(text(f"#fact-{fact} dd")) == value
            for state, value in STAFF.items():
                assert await page.value(text(f"#tile-staff .{state} dd")) == value
            # Why an agent is not ready, and what became of each queue's contacts by the hour.
            assert await page.value("[...document.querySelectorAll('#agents td.reason')].map((e) => e.innerText)") == [
                "",
                "",
                "",
                "",
                "lunch",
            ]
            charts = "[...document.querySelectorAll('#queues td.chart svg')]"
            assert await page.value(f"{charts}.filter((e) => e.clientWidth > 50 && e.clientHeight > 15).length") == 2
            said = await page.value(f"{charts}.map((e) => e.getAttribute('aria-label'))")
            assert sum(map(int, re.findall(r"(\d+) answered", " ".join(said)))) == 12
            assert sum(map(int, re.findall(r"(\d+) abandoned", " ".join(said)))) == 2
            # It fits, and no figure is cut.
            assert await page.value("document.documentElement.scrollWidth") <= width
            shown_figures = "[...document.querySelectorAll('.value, .today dd, .staff dd')]"
            assert await page.value(f"{shown_figures}.filter((e) => e.scrollWidth > e.clientWidth).length") == 0
        # Each queue has its own.
        await page.window(1440)
        lines = "[...document.querySelectorAll('#queues tbody tr')]"
        rows = await page.value(f"{lines}.map((line) => [...line.cells].map((each) => each.innerText))")
        sales, support = rows
        assert [each.replace("\u202f", " ") for each in support[:3]] == ["Support", "80 %", "1"]
        assert support[4:8] == ["9", "10 %", "0:08", "1:00"]
        assert sales[1:3] == ["75 %", "1"]
        # A name is cut by the width of its column alone, and whole where one points at it.
        assert sales[0].startswith("Sales, which has a name that no column")
        assert await page.value("document.querySelector('#queues tbody th').title") == sales[0]
        # It is the same after a reload, on the wall, and narrowed to one queue.
        await page.open(url + "?view=wall")
        await page.until(f"{text('#tile-abandoned .value')} === '14 %'")
        await page.open(url + "?queue=acme%2Fq1")
        await page.until(f"{text('#tile-level .value')} === '80 %'")
        assert page.complaints == []


@browser
@pytest.mark.thorough
async def test_rows_are_found_sorted_and_opened(tmp_path):
    day = Script.of_the_day()
    names = NamesOptions(queues={"q1": "Help desk"}, agents={"ann": "Ann Smith"})
    async with shown(tmp_path, at_noon(day.now, names=names), *day.events) as (page, _, _url):
        await page.until(f"{column('contacts', 0)}.length === 3")
        assert await page.value(column("queues", 0)) == [
            "Help desk",
            "Sales, which has a name that no column is as wide as",
        ]
        assert (await page.value(column("agents", 0)))[0] == "Ann Smith"
        # A number is found however it is written, and a name.
        for wanted, found in (("+4930555", 1), ("0555 01", 1), ("555", 2), ("help", 1), ("nobody", 0)):
            await page.value("document.querySelector('#search').focus(); document.querySelector('#search').select()")
            await page.write(wanted)
            await page.until(f"{column('contacts', 0)}.length === {found}")
        await page.value("document.querySelector('#reset').click()")
        await page.until(f"{column('contacts', 0)}.length === 3")
        # By a column, up and down, and back.
        assert (await page.value(column("agents", 0))) == ["Ann Smith", "Bob", "Cleo", "Dan", "Eve"]
        await page.value(
            "[...document.querySelectorAll('#agents .sort')].find((each) => each.textContent === 'Handled').click()"
        )
        assert (await page.value(column("agents", 0)))[0] == "Cleo"
        assert (
            await page.value("document.querySelector('#agents [aria-sort]').getAttribute('aria-sort')") == "descending"
        )
        # The state's filter, which stays in the address.
        await page.until("[...document.querySelector('#state').options].some((each) => each.value === 'waiting')")
        field = "document.querySelector('#state')"
        await page.value(f"{field}.value = 'waiting'; {field}.dispatchEvent(new Event('input'))")
        await page.until(f"{column('contacts', 1)}.join() === 'waiting,waiting'")
        assert "state=waiting" in await page.value("location.search")
        assert page.complaints == []


@browser
async def test_a_table_has_a_hundred_rows_and_more_where_somebody_scrolls_to_their_end(tmp_path):
    day = Script()
    day.connected()
    day.synced()
    for number in range(250):
        day.agent(f"agent-{number:03}", "logged_on", "ready")
    async with shown(tmp_path, at_noon(day.now), *day.events) as (page, _, _url):
        rows = "document.querySelectorAll('#agents tbody tr').length"
        scroll = "document.querySelector('#agents .scroll')"
        await page.until(f"{text('#agents .count')} === '250' && {rows} === 100")
        await page.value(f"{scroll}.scrollTop = {scroll}.scrollHeight")
        await page.until(f"{rows} === 200")
        await page.value(f"{scroll}.scrollTop = {scroll}.scrollHeight")
        await page.until(f"{rows} === 250")
        await page.value(f"{scroll}.scrollTop = 0")
        await page.until(f"{rows} === 100")
        assert page.complaints == []


@browser
@pytest.mark.thorough
async def test_a_contact_that_is_clicked_shows_its_life_and_a_number_its_earlier_contacts(tmp_path):
    day = Script.of_the_day()
    async with shown(tmp_path, at_noon(day.now, journal=tmp_path / "journal"), *day.events) as (page, _, _url):
        said = "[...document.querySelectorAll('#entries .what')].map((each) => each.textContent).join()"
        await page.until("[...document.querySelectorAll('#contacts .link')].length === 3")
        await page.value("[...document.querySelectorAll('#contacts .link')].at(-1).click()")
        await page.until(f"{said} === 'Queued,With an agent'")
        assert await page.value(text("#timeline-summary")) == "Waited 0:10 · office"
        assert await page.value("document.activeElement.closest('dialog').id") == "timeline"
        await page.value("document.querySelector('#close').click()")
        await page.value("document.querySelector('#search').focus()")
        await page.write("+49 3012345")
        await page.value("document.querySelector('#earlier button').click()")
        await page.until("document.querySelectorAll('#entries .day').length === 10")
        assert (await page.value(text("#timeline-summary"))).startswith("The last 10 contacts, the newest first")
        assert page.complaints == []


@browser
@pytest.mark.thorough
async def test_a_supervisor_of_one_feed_sees_its_figures_and_nobodys_name_or_number(tmp_path):
    day, elsewhere = Script.of_the_day(), Script()
    elsewhere.answered("x1", ("q9", "Elsewhere"), 600, wait=500)
    others = [attrs.evolve(each, id=f"x{each.id}", feed="elsewhere") for each in elsewhere.events]
    viewer = Viewer("correct-horse", Grant(feeds=frozenset({"office"}), payloads=False, personal=False), operator=False)
    async with shown(tmp_path, at_noon(day.now), *day.events, *others, viewers=(viewer,)) as (page, _, _url):
        await page.until("document.querySelector('#token')?.id")
        await page.value("document.querySelector('#token').focus()")
        await page.write("correct-horse")
        await page.press("Enter")
        await page.until(f"{text('#tile-level .value')} === '79 %'")
        assert len(await page.value(column("queues", 0))) == 2
        assert await page.value(column("contacts", 0)) == ["caller"] * 3
        assert await page.value(column("agents", 0)) == ["ann", "bob", "cleo", "dan", "eve"]  # ids
        assert await page.value("document.querySelector('#to-operator').hidden")
        seen = await page.value("document.body.innerText")
        assert "+49" not in seen
        assert "Elsewhere" not in seen
        assert "lunch" not in seen


@browser
@pytest.mark.thorough
async def test_what_no_vendor_lists_is_known_so_far_and_not_nothing(tmp_path):
    day = Script()
    day.connected()
    day.agent("ann", "logged_on", "ready")
    async with shown(tmp_path, at_noon(day.now), *day.events) as (page, gateway, _url):
        await page.until(f"{text('#tile-waiting .note')} === 'known so far'")
        assert await page.value(text("#tile-staff .note")) == "known so far"
        day.synced()
        await gateway.publish(day.events[-1])
        await page.until(f"{text('#tile-waiting .note')} === 'contacts in queues'")
        assert await page.value(text("#tile-staff .note")) == ""


@browser
@pytest.mark.thorough
async def test_alerts_are_off_until_somebody_wants_them(tmp_path):
    day = Script.of_the_day()
    async with shown(tmp_path, at_noon(day.now), *day.events) as (page, _, _url):
        await page.until(f"{text('#tile-abandoned .value')} === '14 %'")
        assert await page.value("document.title") == "Jackfield"
        await page.value("document.querySelector('#alerts').focus()")
        await page.press(" ")
        await page.until("document.title.startsWith('(1!) abandoned')")
        await page.press(" ")
        await page.until("document.title === 'Jackfield'")


@browser
@pytest.mark.thorough
async def test_axe_finds_nothing_on_either_page(tmp_path):
    if (axe := find_axe()) is None:
        pytest.skip("no axe-core found: npm install axe-core, and name its axe.min.js in the variable AXE_CORE")
    day = Script.of_the_day()
    check = "axe.run().then((found) => found.violations.map((each) => `${each.id}: ${each.nodes[0].html}`))"
    async with shown(tmp_path, at_noon(day.now), *day.events) as (page, _, url):
        for path in ("", "?view=wall", "operator"):
            await page.open(url + path)
            await page.until(LIVE)
            await page.value(f"{axe}; 0")
            for width, dark in ((1440, False), (1440, True), (390, False)):
                await page.window(width, dark=dark)
                await trio.sleep(0.5)  # the page is drawn in its colours
                assert (path, width, dark, await page.value(check)) == (path, width, dark, [])


# -- feeds and servers that come and go --------------------------------------------------------------------


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
            await page.until(LIVE)
            assert await page.value(stale) == 0
            running.faults.refuse = 503
            running.cut()
            with trio.fail_after(2):
                await page.until(f"{stale} === 3")
            assert "stale since" in await page.value(text("#agents tbody tr"))
            await page.until(f"{text('#link')} === '0 of 1 feeds live'")
            await page.until(f"{text('#spoken')} === 'Feed support is down'")
            assert "No connection to support since" in await page.value(text("#silent"))
            # Nothing of it counts, and nothing of it ticks.
            assert await page.value(text("#tile-staff .ready dd")) == "–"
            ages = await page.value(column("agents", 2))
            await trio.sleep(1.5)
            assert await page.value(column("agents", 2)) == ages
            nursery.cancel_scope.cancel()


@browser
@pytest.mark.thorough
async def test_the_page_survives_a_restart_of_the_server(start, vendor, folder, tmp_path):
    url, vinix = await vendor("voipbin"), await vendor("vinix")
    config = folder.configure(url, vinix)
    first = await start("dashboard", config, "--port", "0", "--watch-only")
    page_url = (await first.says("dashboard: ")).split()[-1]
    async with open_page(tmp_path) as page:
        await page.open(page_url)
        await page.until(f"{column('agents', 0)}.length >= 3")
        assert await first.stop(signal.SIGINT) == 0
        await page.until(f"{text('#link')} === 'No connection to the server'")
        await page.until("document.querySelector('#agents tbody tr').hasAttribute('data-stale')")
        second = await start("dashboard", config, "--port", page_url.rstrip("/").rpartition(":")[2], "--watch-only")
        await page.until(LIVE)
        # The port was closed for a moment, which the browser tells; the page itself has no complaint.
        assert [each for each in page.complaints if "ERR_" not in each] == []
        assert await second.stop() == 0
    assert not (folder.path / "var").exists()  # nothing went to the sink


# -- the operator's page ----------------------------------------------------------------------------------


def feed(name, number):
    """The text of a cell of a feed's row."""
    line = f"[...document.querySelectorAll('#feeds tbody tr')].find((line) => line.cells[0].textContent === '{name}')"
    return f"{line}?.cells[{number}].textContent"


@browser
@pytest.mark.thorough
async def test_an_operator_sees_feeds_sinks_and_gaps_and_narrows_the_stream(start, simulate, folder, tmp_path):
    voipbin, url = await simulate("voipbin", "--rate", "16")
    _, vinix = await simulate("vinix", "--rate", "16")
    dashboard = await start("dashboard", folder.configure(url, vinix), "--port", "0")
    page_url = (await dashboard.says("dashboard: ")).split()[-1]
    async with open_page(tmp_path) as page:
        await page.window(1300)
        await page.open(page_url + "operator")
        await page.until(LIVE)
        await page.until(
            "Number(document.querySelector('#sinks tbody tr').cells[4].textContent.replace(/\\D/g, '')) > 50"
        )
        voipbin.process.kill()
        await voipbin.process.wait()
        await page.until(feed("office", 1) + " === 'reconnecting'")
        await page.until(f"{text('#spoken')} === 'Feed office is down'")
        await page.until(f"{text('#link')} === '1 of 2 feeds live'")
        port = url.partition("://")[2].partition("/")[0].rpartition(":")[2]
        await simulate("voipbin", "--rate", "16", "--port", port)
        await page.until(feed("office", 1) + " === 'subscribed'")
        await page.until(feed("office", 5) + " === '1'")
        await page.until(feed("office", 6))
        assert await page.value(feed("support", 5)) == "0"

        # A selector narrows the stream; one that is wrong is explained; the keyboard is enough.
        await page.until(f"new Set({KINDS}.map((kind) => kind.split('.')[0])).size > 1")
        await page.value("document.querySelector('#selector').focus()")
        await page.write("agent.*")
        await page.press("Enter")
        await page.until(f"{KINDS}.length > 2 && {KINDS}.every((kind) => kind.startsWith('agent.'))")
        await page.write("Ready")
        await page.press("Enter")
        problem = await page.until(text("#selector-problem"))
        assert problem.startswith("Character 7: ")
        assert await page.value("document.querySelector('#selector').getAttribute('aria-invalid')") == "true"
        assert page.complaints == [] or all("400" in each for each in page.complaints)
    assert await dashboard.stop() == 0
    assert not [line for line in dashboard.err if "s3cret" in line or "Traceback" in line]


# -- everybody, and hostile texts ----------------------------------------------------------------------------

HOSTILE = "<img src=x onerror='document.title=1'><script>document.title=1</script>"


def event(number, kind="call.connected", **parties):
    now, id = datetime.now(UTC), f"{HOSTILE}{number}"
    address = Address("acme", "account", "A", "call", id, "word")
    return Event(id, kind, address, now, now, "office", id, parties=Parties(**parties))


@browser
async def test_a_page_is_readable_by_everybody_and_runs_nothing_that_a_vendor_wrote(tmp_path):
    async with shown(tmp_path, GatewayConfig(())) as (page, gateway, url):
        await page.until(LIVE)
        await gateway.publish(*(event(n, caller_name=HOSTILE, callee=HOSTILE) for n in range(3)))
        await gateway.publish(event(4, "agent.ready", agent_name=HOSTILE), event(5, "unmapped." + "x" * 50))
        await page.until("document.querySelectorAll('#calls tbody tr').length === 3")
        await page.until("document.querySelectorAll('#agents tbody tr').length === 1")
        assert await page.value(text("#calls tbody th")) == HOSTILE
        assert await page.value("document.querySelectorAll('main img, table script').length") == 0
        assert await page.value("document.title") == "Jackfield"

        # Whoever cannot see it finds landmarks, tables and fields, each with a name.
        nodes = (await page.call("Accessibility.getFullAXTree"))["nodes"]
        named = [
            (node["role"]["value"], node["name"]["value"]) for node in nodes if not node["ignored"] and "name" in node
        ]
        roles = {role for role, _ in named}
        assert {
            "main",
            "banner",
            "navigation",
            "search",
            "table",
            "columnheader",
            "rowheader",
            "searchbox",
            "status",
        } <= roles
        spoken = {"region", "table", "textbox", "searchbox", "button", "columnheader", "search", "link", "combobox"}
        assert [(role, name) for role, name in named if role in spoken and not name] == []

        # The keyboard reaches all that can be done, in the order of the page.
        await page.call("Emulation.setFocusEmulationEnabled", enabled=True)
        reached = []
        for _ in range(10):
            await page.press("Tab")
            reached.append(await page.value("document.activeElement.id || document.activeElement.textContent.trim()"))
        assert reached[0] == "Skip to the tables"
        assert reached.index("to-wall") < reached.index("alerts") < reached.index("search") < reached.index("feed")

        # It fits into any window, and follows the system's mode.
        light = await page.value("getComputedStyle(document.body).backgroundColor")
        await page.window(340, dark=True)
        assert await page.value("document.documentElement.scrollWidth <= 340")
        assert await page.value("getComputedStyle(document.body).backgroundColor") != light
        assert page.complaints == []

        # The operator holds the stream, and lets it go on.
        await page.open(url + "operator")
        await page.until(LIVE)
        await page.value("document.querySelector('#pause').focus()")
        await page.press(" ")
        await gateway.publish(*(event(n) for n in range(10, 13)))
        await page.until(f"{text('#events .count')} === 'paused, 3 new'")
        assert await page.value(f"{KINDS}.length") == 0
        await page.press(" ")
        await page.until(f"{KINDS}.length === 3")


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
        await stream.send_all(b"GET /v1/events?state=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        came = b""
        with trio.fail_after(20):
            while b"voipbin-demo" not in came or b"vinix-demo" not in came:
                came += await stream.receive_some()
    assert await demo.stop(signal.SIGINT) == 0
    assert demo.out == []
    refused = await start("demo", "--dashboard", "--events", "5")
    assert await refused.ended() == 2
    refused = await start("demo", "--rate", "5", "--agents", "5")
    assert await refused.ended() == 2
