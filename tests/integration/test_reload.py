"""``jackfield reload`` and SIGHUP: a process that runs takes its changed configuration over, or says why not."""

import signal

import pytest
import trio


@pytest.mark.parametrize("command", [["run"], ["dashboard", "--port", "0"]])
async def test_a_changed_file_is_taken_over_and_a_broken_one_is_not(start, vendor, folder, command):
    voipbin_url = await vendor("voipbin")
    vinix_url = await vendor("vinix")
    config = folder.configure(voipbin_url, vinix_url)
    path = folder.path / config
    path.write_text('[gateway]\njournal = "var/journal"\n' + path.read_text())
    early = await start("reload", config)
    assert await early.ended() == 2
    assert await early.says("no gateway writes to var/journal, so there is none to reload")

    gateway = await start(*command, config)
    await gateway.until(lambda _: folder.count("office") > 5)
    unchanged = path.read_text()
    path.write_text(unchanged.replace('["**"]', '["call.*"]'))
    asked = await start("reload", config)
    assert await asked.ended() == 0
    assert asked.out == ["route added: call.* -> archive", "route removed: ** -> archive"]
    assert await gateway.says("configuration reloaded: route added: call.* -> archive")

    path.write_text(unchanged + "\n[gateway]")
    gateway.process.send_signal(signal.SIGHUP)
    assert await gateway.says("configuration not reloaded, the old one goes on: ")
    path.write_text(unchanged.replace("[gateway]", "[gateway]\nfsync = true"))
    refused = await start("reload", config)
    assert await refused.ended() == 2
    assert await refused.says("gateway.fsync: cannot change while the gateway runs; restart it")
    with trio.fail_after(20):
        assert await gateway.stop() == 0
