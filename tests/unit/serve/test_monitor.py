"""`jackfield._serve.monitor`: probes of a gateway, over a real socket."""

import json
import re
import socket
from contextlib import asynccontextmanager

import pytest
import trio

import jackfield
from jackfield._net.http_client import perform
from jackfield._serve import monitor
from jackfield._serve.monitor import open_probes
from jackfield.errors import ConfigError
from jackfield.plugin.http import Request
from jackfield_voipbin.simulator import VoipbinSimulator

CONFIG = {"feeds": {"office": VoipbinSimulator("t").feed("ws://127.0.0.1:9/")}}


@asynccontextmanager
async def serving(address="127.0.0.1:0"):
    async with open_probes(address) as probes, jackfield.open_gateway(CONFIG) as gateway, probes.of(gateway):
        yield probes.url


async def get(url, method="GET", headers=None):
    def exchange():
        return (yield Request(method, url, tuple((headers or {}).items())))

    return await perform(exchange())


async def test_it_answers_metrics_health_and_readiness():
    async with serving() as url:
        metrics = await get(f"{url}/metrics")
        assert metrics.headers["content-type"].startswith("application/openmetrics-text")
        assert b'jackfield_feed_state{feed="office",jackfield_feed_state="subscribed"} 0.0' in metrics.body
        assert (await get(f"{url}/healthz")).status == 200
        ready = await get(f"{url}/readyz")
        assert ready.status == 200
        assert json.loads(ready.body)["status"] == "degraded"
        assert "feeds.office" in json.loads(ready.body)["reasons"]
        assert (await get(f"{url}/readyz?strict")).status == 503
        assert (await get(f"{url}/elsewhere")).status == 404
        assert (await get(f"{url}/metrics", "POST")).status == 405


async def test_without_an_address_nothing_listens():
    async with serving(None) as url:
        assert url == ""


async def test_an_address_that_is_in_use_is_a_fault_of_the_configuration_before_a_gateway_opens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=rf"metrics\.listen: cannot listen on {address}"):
            async with open_probes(address):
                pytest.fail("it goes on")


async def test_a_library_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(monitor, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"metrics\.listen: needs the package prometheus-client; install it"):
        async with open_probes("127.0.0.1:0"):
            pytest.fail("it goes on")


async def test_a_late_event_loop_is_measured(autojump_clock):
    async with serving() as url:
        await trio.sleep(1.5)
        counted = re.search(rb"loop_delay_seconds_count (\S+)", (await get(f"{url}/metrics")).body)
        assert float(counted[1]) >= 5


async def test_a_page_of_another_site_whose_name_leads_to_this_machine_reads_nothing():
    async with serving() as url:
        port = url.rpartition(":")[2]
        for path in ("/metrics", "/readyz", "/healthz"):
            foreign = await get(f"{url}{path}", headers={"host": f"attacker.example:{port}"})
            assert (foreign.status, b"attacker.example" in foreign.body) == (403, True)
        assert (await get(f"{url}/metrics", headers={"host": f"localhost:{port}"})).status == 200


async def test_where_it_listens_for_others_any_name_will_do():
    async with serving("0.0.0.0:0") as url:
        there = url.replace("0.0.0.0", "127.0.0.1")
        assert (await get(f"{there}/readyz", headers={"host": "jackfield:9464"})).status == 200
