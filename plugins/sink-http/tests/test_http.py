"""`jackfield_http`: the options, what is wrong with them, and the sink in a gateway's configuration."""

import json
import os
import re
import socket
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest
import trio
import trustme
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from jackfield import Registry
from jackfield.config import build_config
from jackfield.errors import ConfigError, DeliveryError
from jackfield.plugin.secrets import Secret
from jackfield_http import Http

PLUGIN = Path(__file__).parents[1]
HOW_TO = PLUGIN.parents[1] / "docs" / "how-to" / "webhooks-out.md"
URL = "https://crm.example/events"
SECRET = Secret("text", "s3cret")
KEY = Secret("text", "whsec_" + "MfKQ" * 8)


def configured(table):
    """The sink that a ``[sinks.crm]`` table makes, or the faults in it."""
    registry = Registry.load()
    document = {
        "feeds": {
            "office": {
                "provider": "voipbin",
                "token": "t",
                "customer_id": "c",
            }
        },
        "sinks": {"crm": {"type": "http", "url": URL, **table}},
        "routes": [{"select": ["**"], "sinks": ["crm"]}],
    }
    try:
        return build_config(document, providers=registry.providers, sinks=registry.sinks).sinks[0].impl
    except ConfigError as error:
        return [str(fault) for fault in error.problems]


async def test_with_nothing_but_a_url_each_event_is_posted_in_order_as_json(server, write):
    await write("1", "2", "3")
    assert [json.loads(request.body)["id"] for request in server.got] == ["1", "2", "3"]
    request = server.got[0]
    assert request.path == "/events?key=hunter2-s3cret"
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert JSONFormat().read(CloudEvent, request.body).get_data() == {"é": 1}


@pytest.mark.parametrize(
    ("status", "on_error"),
    [
        *[(status, None) for status in (200, 201, 202)],
        *[(status, "dead_letter") for status in (301, 400, 404, 413)],
        *[(status, "retry") for status in (408, 425, 429, 500, 502, 503)],
        *[(status, "pause") for status in (401, 403)],
        (410, "disable"),
    ],
)
async def test_each_status_is_taken_or_has_its_remedy(server, write, failing, reply, status, on_error):
    server.script = [reply(), reply(status)]
    if on_error is None:
        await write("1", "2", "3")
        assert len(server.got) == 3
        return
    failure = await failing("1", "2", "3")
    assert (failure.on_error, failure.delivered) == (on_error, 1)
    assert failure.reason == f"{server.origin}/events answered HTTP {status}" + (
        ": a redirect to nowhere, not followed: follow_redirects is off" if status == 301 else ""
    )
    assert len(server.got) == 2


async def test_a_sink_can_be_opened_again(server, batch):
    options = Http(server.url)
    for name in ("1", "2"):
        async with options.open() as sink:
            await sink.write(batch(name))
    assert len(server.got) == 2


def test_a_table_with_every_option_makes_a_sink(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_TOKEN", "t0ken")
    made = configured(
        {
            "mode": "batch",
            "timeout": 5,
            "bearer": {"env": "CRM_TOKEN"},
            "headers": {"X-Tenant": "acme"},
            "signing_secret": KEY.value,
            "previous_signing_secret": KEY.value,
            "gzip": True,
            "connections": 4,
            "follow_redirects": False,
            "max_request_bytes": 100_000,
            "max_response_bytes": 1000,
            "allow_private": True,
        }
    )
    assert (made.mode, made.timeout, made.headers, made.gzip) == ("batch", 5.0, {"X-Tenant": "acme"}, True)
    assert made.bearer == Secret("env", "CRM_TOKEN")
    assert "t0ken" not in repr(made)
    assert KEY.value not in repr(made)


def test_every_fault_of_a_table_is_reported_at_once_and_none_quotes_a_secret():
    assert configured(
        {
            "url": "https://me:hunter2@crm.example/",
            "mode": "bulk",
            "timeout": 0,
            "bearer": {"env": "NO_SUCH_VARIABLE"},
            "auth_header": "X Key",
            "headers": {"Content-Type": "text/plain"},
            "signing_secret": "hunter2",
            "gzip": "yes",
            "connections": 0,
            "max_request_bytes": -1,
            "max_response_bytes": 0,
            "follow_redirect": True,
        }
    ) == [
        "sinks.crm.follow_redirect: unknown option; did you mean follow_redirects?",
        "sinks.crm.timeout: 0.0 is not between 0.001 and 3600",
        "sinks.crm.bearer: the environment variable NO_SUCH_VARIABLE is not set or empty",
        "sinks.crm.auth_header: 'X Key' is not a name of a header",
        "sinks.crm.headers: 'Content-Type' is set by the sink or by HTTP itself",
        "sinks.crm.signing_secret: no Standard Webhooks secret: must be whsec_ and then 24 to 64 bytes in base64",
        "sinks.crm.gzip: must be true or false, not 'yes'",
        "sinks.crm.connections: 0 is not between 1 and 1000",
        "sinks.crm.max_request_bytes: -1 is not between 1 and 1000000000",
        "sinks.crm.max_response_bytes: 0 is not between 1 and 100000000",
        "sinks.crm.url: a URL must not hold a user and a password: give them as username and password",
        "sinks.crm.mode: 'bulk' is none of 'structured', 'binary', 'batch'",
    ]


def test_a_header_that_is_no_text_is_reported_with_its_name():
    assert configured({"headers": {"X-Limit": 5}}) == ["sinks.crm.headers.X-Limit: must be text, not 5"]


def test_a_time_limit_that_is_no_number_is_refused():
    assert configured({"timeout": float("nan")}) == ["sinks.crm.timeout: must be a number, not nan"]


@pytest.mark.parametrize("url", ["ftp://x", "localhost", "", "http://"])
def test_only_http_urls_are_taken(url):
    with pytest.raises(ValueError, match="not a valid https:// or http:// URL"):
        Http(url)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bearer": SECRET, "username": "me", "password": SECRET}, "bearer and username exclude each other"),
        ({"bearer": SECRET, "auth_header": "X", "auth_value": SECRET}, "bearer and auth_header exclude each other"),
        ({"username": "me"}, "username and password go together: password is missing"),
        ({"password": SECRET}, "username and password go together: username is missing"),
        ({"auth_header": "X-Key"}, "auth_header and auth_value go together: auth_value is missing"),
        ({"username": "a:b", "password": SECRET}, "username: 'a:b' holds a colon"),
        (
            {"auth_header": "x-key", "auth_value": SECRET, "headers": {"X-Key": "1"}},
            "'x-key' is among the headers, too",
        ),
        ({"previous_signing_secret": KEY}, "previous_signing_secret: give a signing_secret beside it"),
        ({"follow_redirects": True, "signing_secret": KEY}, "what is signed goes to its own URL only"),
        ({"client_key": "k.pem"}, "client_cert: required with client_key"),
        ({"url": "http://crm.example/", "ca_file": "ca.pem"}, "mean nothing to an http:// url"),
    ],
)
def test_options_that_contradict_each_other_are_reported_by_name(options, message):
    with pytest.raises(ValueError, match=message) as caught:
        Http(**{"url": URL, **options})
    assert "s3cret" not in str(caught.value)


def test_the_options_can_be_read_without_loading_a_client():
    program = "import sys, jackfield_http; sys.exit('httpcore2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def blocks(page, language):
    """The pieces of a page in one language, those inside of lists included."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(text) for _, text in found]


@pytest.mark.parametrize("page", [HOW_TO, PLUGIN / "README.md"], ids=lambda path: path.name)
def test_every_table_that_is_shown_makes_a_sink(page, tmp_path, monkeypatch):
    for name in ("CRM_TOKEN", "CRM_PASSWORD", "CRM_KEY", "CRM_KEY_PASSWORD"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("CRM_SECRET", KEY.value)
    for folder, names in {"secrets": ("new", "old"), "certs": ()}.items():
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_text(KEY.value)
    authority = trustme.CA()
    client = authority.issue_cert("jackfield@crm.example")
    authority.cert_pem.write_to_path(tmp_path / "certs" / "authority.pem")
    client.cert_chain_pems[0].write_to_path(tmp_path / "certs" / "jackfield.pem")
    client.private_key_pem.write_to_path(tmp_path / "certs" / "jackfield.key")
    monkeypatch.chdir(tmp_path)
    shown = [table for block in blocks(page, "toml") for table in tomllib.loads(block)["sinks"].values()]
    assert shown
    for table in shown:
        assert isinstance(configured(table), Http)


async def test_the_receiver_that_is_shown_takes_what_is_signed_and_nothing_else(batch, monkeypatch):
    (program,) = blocks(HOW_TO, "python")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"CRM_SECRET": KEY.value}
    receiver = await trio.lowlevel.open_process(
        [sys.executable, "-c", program, str(port)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        await until_it_listens(port)
        url = f"http://127.0.0.1:{port}/"
        async with Http(url, mode="batch", signing_secret=KEY).open() as sink:
            await sink.write(batch("1", "2"))
            await sink.write(batch("2", "3"))
        assert await receiver.stdout.receive_some() == b"agent.ready r/n\n" * 3
        other = Secret("text", "whsec_" + "AAAA" * 8)
        async with Http(url, mode="batch", signing_secret=other).open() as sink:
            with pytest.raises(DeliveryError, match="answered HTTP 401") as caught:
                await sink.write(batch("4"))
        assert caught.value.on_error == "pause"
    finally:
        receiver.kill()
        await receiver.wait()
        await receiver.stdout.aclose()


async def until_it_listens(port):
    with trio.fail_after(20):
        while True:
            try:
                stream = await trio.open_tcp_stream("127.0.0.1", port)
            except OSError:
                await trio.sleep(0.05)
            else:
                await stream.aclose()
                return
