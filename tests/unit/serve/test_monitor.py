"""`jackfield._serve.monitor`: probes of a gateway, over a real socket."""

import builtins
import json
import socket

import pytest
import trio

import jackfield
from jackfield._net.http_client import perform
from jackfield._serve.monitor import monitored
from jackfield.errors import ConfigError
from jackfield.plugin.http import Request
from jackfield_voipbin.simulator import VoipbinSimulator

CONFIG = {"feeds": {"office": VoipbinSimulator("t").feed("ws://127.0.0.1:9/")}}


async def get(url, method="GET"):
    def exchange():
        return (yield Request(method, url))

    return await perform(exchange())


async def test_it_answers_metrics_health_and_readiness():
    async with jackfield.open_gateway(CONFIG) as gateway, monitored(gateway, "127.0.0.1:0") as url:
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
    async with jackfield.open_gateway(CONFIG) as gateway, monitored(gateway, None) as url:
        assert url == ""


async def test_an_address_that_is_in_use_is_a_fault_of_the_configuration():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with jackfield.open_gateway(CONFIG) as gateway:
            with pytest.raises(ConfigError, match=f"metrics.listen: cannot listen on {address}"):
                async with monitored(gateway, address):
                    pass


async def test_a_library_that_is_missing_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **more):
        if name.startswith("jackfield._serve.metrics"):
            raise ModuleNotFoundError(name="prometheus_client.core")
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    async with jackfield.open_gateway(CONFIG) as gateway:
        with pytest.raises(ConfigError, match=r"metrics\.listen: needs the package prometheus-client; install it"):
            async with monitored(gateway, "127.0.0.1:0"):
                pass


async def test_a_late_event_loop_is_measured(autojump_clock):
    async with jackfield.open_gateway(CONFIG) as gateway, monitored(gateway, "127.0.0.1:0") as url:
        await trio.sleep(1.5)
        assert b"jackfield_process_loop_delay_seconds 0.0" in (await get(f"{url}/metrics")).body
