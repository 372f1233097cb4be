"""``jackfield run`` against both simulators as processes: loss, return, bad tokens, a clean end."""

import json
import signal
import socket

import pytest
import trio

# What is not verified is said at the end by feeds whose vendor was not asked by REST in time.
FACTS = {f"stream.{word}" for word in ("connected", "subscribed", "disconnected", "gap_suspected", "backfilled")}


async def test_a_vendor_that_goes_and_comes_back_is_taken_up_again_while_the_other_never_stopped(
    start, simulate, vendor, folder
):
    voipbin, url = await simulate("voipbin")
    port = url.split(":")[2].split("/")[0]
    vinix_url = await vendor("vinix")
    gateway = await start("run", folder.configure(url, vinix_url))
    await gateway.until(lambda _: folder.count("office") > 20 and folder.count("support") > 20)

    voipbin.process.send_signal(signal.SIGKILL)
    await gateway.says("office: disconnected: the connection was cut")
    await gateway.says("office: reconnecting")
    seen = folder.count("support")
    await gateway.until(lambda _: folder.count("support") > seen + 5)  # each attempt meanwhile lengthens the next pause

    seen = folder.count("office")
    await simulate("voipbin", "--port", port)
    await gateway.says("office: events may be missing between")
    await gateway.until(lambda _: folder.count("office") > seen + 20)
    assert await gateway.stop() == 0

    facts = [event["event"] for event in folder.events() if event["feed"] == "office" and event["type"] in FACTS]
    assert facts == ["connected", "subscribed", "disconnected", "connected", "subscribed", "gap_suspected"]
    assert [event["event"] for event in folder.events() if event["feed"] == "support" and event["type"] in FACTS] == [
        "connected",
        "subscribed",
    ]


async def test_tail_shows_what_is_selected_and_leaves_sinks_and_journal_alone(start, vendor, folder):
    voipbin_url = await vendor("voipbin")
    vinix_url = await vendor("vinix")
    config = folder.configure(voipbin_url, vinix_url)
    (folder.path / config).write_text('[gateway]\njournal = "var/j.db"\n' + (folder.path / config).read_text())
    arguments = ["call.*", "agent.ready @ vinix/**", "--events", "30", "--format", "jsonl"]
    tail = await start("tail", config, *arguments)
    assert await tail.ended() == 0
    events = [json.loads(line) for line in tail.out]
    assert len(events) == 30
    assert {event["type"].partition(".")[0] for event in events} <= {"call", "agent"}
    assert not (folder.path / "var").exists()
    running = await start("tail", config, "agent.*", "contact.qeued")
    await running.until(lambda tail: len(tail.out) > 5)
    assert await running.stop() == 0
    assert " agent." in running.out[0]
    assert await running.says("there is no kind contact.qeued; did you mean contact.queued?")


async def test_in_the_prefix_dialect_beginnings_are_subscribed_to_and_the_rest_is_filtered_here(start, vendor, folder):
    voipbin_url = await vendor("voipbin", profile="wrapped")
    vinix_url = await vendor("vinix")
    config = folder.configure(voipbin_url, vinix_url)
    text = (folder.path / config).read_text().replace("customer_id =", 'dialect = "prefix"\ncustomer_id =')
    (folder.path / config).write_text(text.replace('["**"]', '["call.cleared @ voipbin/**", "agent.* @ voipbin/**"]'))
    gateway = await start("run", config, "--verbose")
    await gateway.says("office: subscribed to customer_id:550e8400-e29b-41d4-a716-446655440000:call:")
    await gateway.until(lambda _: {"call.cleared", "agent.ready"} <= {event["type"] for event in folder.events()})
    assert await gateway.stop() == 0
    kinds = {event["type"] for event in folder.events()}
    assert {kind for kind in kinds if not kind.startswith("agent.")} == {"call.cleared"}


async def test_a_file_that_log_rotation_moves_is_followed_and_the_signal_it_sends_stops_nothing(start, vendor, folder):
    voipbin_url = await vendor("voipbin")
    vinix_url = await vendor("vinix")
    gateway = await start("run", folder.configure(voipbin_url, vinix_url))
    await gateway.until(lambda _: len(folder.events()) > 20)
    archive = folder.path / "var" / "events.jsonl"
    archive.rename(archive.with_suffix(".1"))
    gateway.process.send_signal(signal.SIGHUP)
    await gateway.until(lambda _: len(folder.events()) > 20)
    assert await gateway.stop() == 0
    moved = [json.loads(line)["id"] for line in archive.with_suffix(".1").read_text().splitlines()]
    ids = moved + [event["id"] for event in folder.events()]
    summary = await gateway.says("sink archive: ")
    assert summary.endswith(f" info sink_summary sink archive: {len(ids)} delivered, 0 lost")
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.thorough), signal.SIGTERM])
async def test_a_signal_drains_says_goodbye_and_exits_with_0(start, vendor, folder, number):
    voipbin_url = await vendor("voipbin")
    vinix_url = await vendor("vinix")
    gateway = await start("run", folder.configure(voipbin_url, vinix_url))
    await gateway.until(lambda _: len(folder.events()) > 50)
    assert await gateway.stop(number) == 0
    summary = await gateway.says("sink archive: ")
    assert summary.endswith(f" info sink_summary sink archive: {len(folder.events())} delivered, 0 lost")
    assert gateway.out == []


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 1), pytest.param(signal.SIGTERM, -signal.SIGTERM, marks=pytest.mark.thorough)],
)
async def test_a_second_signal_ends_it_at_once(start, vendor, folder, number, status):
    voipbin_url = await vendor("voipbin")
    vinix_url = await vendor("vinix")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        more = f'\n[gateway]\ndrain_seconds = 60\n[sinks.deaf]\ntype = "http"\nurl = "{url}"\n'
        more += '[[routes]]\nselect = ["**"]\nsinks = ["deaf"]\n'
        gateway = await start("run", folder.configure(voipbin_url, vinix_url, more))
        await gateway.until(lambda _: len(folder.events()) > 50)
        gateway.process.send_signal(number)
        await gateway.says("support: disconnected")
        gateway.process.send_signal(number)  # the same signal, passed on by somebody else
        await trio.sleep(1.1)
        assert gateway.process.returncode is None
        assert await gateway.stop(number) == status
    assert not [line for line in gateway.err if "Traceback" in line]


async def test_a_refused_token_is_named_by_its_feed_and_the_other_feed_goes_on(start, vendor, folder):
    voipbin_url = await vendor("voipbin", "another")
    vinix_url = await vendor("vinix")
    gateway = await start("run", folder.configure(voipbin_url, vinix_url))
    line = await gateway.says("office: disconnected")
    assert "answered HTTP 401: the vendor refused the token" in line
    await gateway.until(lambda _: folder.count("support") > 20)
    assert await gateway.stop() == 0
    assert_no_token(gateway, folder)


async def test_a_token_that_vinix_quotes_in_its_refusal_never_shows(start, vendor, folder):
    voipbin_url = await vendor("voipbin")
    vinix_url = await vendor("vinix", "another")
    gateway = await start("run", folder.configure(voipbin_url, vinix_url))
    line = await gateway.says("support: no subscription to qubicle.queue.")
    assert "failed to authenticate token ***" in line
    await gateway.says("support: disconnected: the vendor refused the token")
    await gateway.until(lambda _: folder.count("office") > 20)
    assert await gateway.stop() == 0
    assert any(event["type"] == "stream.subscription_refused" for event in folder.events())
    assert_no_token(gateway, folder)


async def test_a_host_that_cannot_be_reached_is_reported_and_the_other_feed_goes_on(start, vendor, folder):
    vinix_url = await vendor("vinix")
    gateway = await start("run", folder.configure("ws://127.0.0.1:9/v1.0/ws", vinix_url))
    await gateway.says("office: disconnected: cannot reach 127.0.0.1:9: Connection refused")
    await gateway.until(lambda _: folder.count("support") > 20)
    assert await gateway.stop() == 0


async def test_every_event_reaches_every_sink_that_its_routes_name(start, vendor, folder):
    voipbin_url = await vendor("voipbin")
    vinix_url = await vendor("vinix")
    more = '\n[sinks.console]\ntype = "stdout"\n\n[[routes]]\nselect = ["agent.*"]\nsinks = ["console"]\n'
    gateway = await start("run", folder.configure(voipbin_url, vinix_url, more))
    await gateway.until(lambda gateway: len(gateway.out) > 20)
    assert await gateway.stop() == 0
    agents = [event["id"] for event in folder.events() if event["type"].startswith("agent.")]
    await gateway.until(lambda gateway: len(gateway.out) >= len(agents))
    assert [line.partition('"id":"')[2].partition('"')[0] for line in gateway.out] == agents


async def test_a_configuration_with_faults_starts_nothing(start, folder):
    gateway = await start("run", folder.configure("http://x", "ws://127.0.0.1:9"))
    assert await gateway.ended() == 2
    await gateway.says("feeds.office.url: 'http://x' is not a valid wss:// or ws:// URL")
    assert not (folder.path / "var").exists()


def assert_no_token(gateway, folder):
    everything = "\n".join(gateway.out + gateway.err) + str(folder.events())
    assert "s3cret" not in everything
