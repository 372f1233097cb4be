"""`jackfield._net.mounts`: tables with one address share one listener; paths say whose a request is."""

import tomllib
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from served import ask, event, events_path, free_address, get, get_json, hear, open_stream, reading, say, socket

import jackfield
from jackfield._cli.run import metrics_host
from jackfield._serve.monitor import open_probes
from jackfield._serve.server import open_serving
from jackfield.config import GatewayConfig, MetricsOptions, ServeOptions, WebhooksOptions
from jackfield.config.reader import build_config
from jackfield.errors import ConfigError


@asynccontextmanager
async def running(webhooks=None, serve=None, metrics=None):
    """As ``jackfield run`` does it."""
    config = GatewayConfig(
        (),
        webhooks=WebhooksOptions(listen=webhooks),
        serve=ServeOptions(listen=serve, open=serve is not None),
        metrics=MetricsOptions(listen=metrics),
    )
    host = metrics_host(config)
    async with (
        open_probes(config.metrics.listen, shared=host != "metrics") as probes,
        open_serving(config) as serving,
        jackfield.open_gateway(config) as gateway,
        serving.of(gateway) as http,
        probes.of(gateway, http if host == "serve" else None),
    ):
        yield gateway, serving.url, probes.url


async def test_three_tables_share_one_address_and_one_connection():
    address = free_address()
    async with running(address, address, address) as (_, url, probes_url):
        assert url == probes_url == f"http://{address}"
        for path in ("/webhooks/nobody", "/elsewhere"):
            status, _, body = await get(url, path)
            assert (status, body) == (404, b'{"error":"no feed gets webhooks at this path"}')
        stream = await open_stream(url)
        for path, status, said in (
            ("/v1/kinds", 200, b'"kinds"'),
            ("/healthz", 200, b'"status"'),
            ("/v1/nothing", 404, b"there is no /v1/nothing"),
            ("/metrics", 200, b"jackfield_"),
            ("/v1/kinds", 200, b'"kinds"'),
        ):
            await ask(stream, path)
            head, body = await answer(stream)
            assert int(head.split()[1]) == status
            assert said in body
        await trio.aclose_forcefully(stream)


async def answer(stream):
    """The next answer on a connection that goes on."""
    came = b""
    with trio.fail_after(10):
        while b"\r\n\r\n" not in came:
            came += await stream.receive_some()
        head, _, body = came.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split()[0])
        while len(body) < length:
            body += await stream.receive_some()
    return head, body


@pytest.mark.parametrize("hosted", ["webhooks", "serve"])
async def test_streams_and_websockets_work_there_and_end_with_the_gateway(hosted):
    address = free_address()
    async with running(address if hosted == "webhooks" else None, address, address) as (gateway, url, _):
        reader = reading(url, events_path("**"))
        stream = await reader.__aenter__()
        async with socket(url, protocol="jackfield.v1") as opened:
            await say(opened, type="subscribe", id="a", select=["**"])
            assert (await hear(opened))["type"] == "subscribed"
            await trio.testing.wait_all_tasks_blocked()
            await gateway.publish(event(1))
            assert (await stream.next()).json["data"] == {"n": 1}
            assert (await hear(opened))["event"]["data"] == {"n": 1}
        assert (await get(url, "/healthz"))[0] == 200
    with pytest.raises((EOFError, trio.BrokenResourceError)):
        await stream.next()
    await reader.__aexit__(None, None, None)


async def test_addresses_of_their_own_stay_apart():
    async with running("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0") as (_, url, probes_url):
        assert url != probes_url
        assert (await get(url, "/healthz"))[0] == 404
        assert (await get(probes_url, "/v1/kinds"))[0] == 404
        assert (await get_json(url, "/v1/kinds"))["kinds"]


async def test_a_reload_that_would_move_a_shared_address_is_refused():
    address = free_address()
    async with running(address, address) as (gateway, url, _):
        for listen in (free_address(), None):
            changed = GatewayConfig((), webhooks=WebhooksOptions(listen=listen), serve=gateway.config.serve)
            with pytest.raises(ConfigError, match=r"webhooks.listen: the address is that of \[serve\] too"):
                await gateway.apply(changed)
        assert (await get_json(url, "/v1/kinds"))["kinds"]


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (
            "[serve]\nlisten = 'A'\nopen = true\ntls_cert = 'a.pem'\n[metrics]\nlisten = 'A'",
            "metrics has no TLS, serve has",
        ),
        (
            "[serve]\nlisten = 'A'\nopen = true\ntls_cert = 'a.pem'\n[webhooks]\nlisten = 'A'\ntls_cert = 'b.pem'",
            "serve.listen and webhooks.listen are both 127.0.0.1:8080, and serve has tls_cert",
        ),
    ],
)
def test_tables_that_share_an_address_and_not_its_certificate_are_refused_by_both_their_names(tables, said):
    document = tomllib.loads(tables.replace("A", "127.0.0.1:8080"))
    with pytest.raises(ConfigError) as caught:
        build_config(document, providers={}, sinks={})
    assert any(said in str(each) for each in caught.value.problems), [str(each) for each in caught.value.problems]
