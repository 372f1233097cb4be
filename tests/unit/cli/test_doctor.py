"""`jackfield._cli.doctor`: against both simulators, well and in every misbehaviour, over real sockets."""

import json
import ssl
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import trio
import trustme

from jackfield._cli import main
from jackfield._cli.doctor_checks import findings
from jackfield._cli.doctor_dial import dial
from jackfield._cli.doctor_probe import Examination, clock_skew
from jackfield._loading.registry import Registry
from jackfield._net.dial import Network
from jackfield.config import build_config
from jackfield.plugin.redaction import Redactor
from jackfield.plugin.secrets import Secret
from jackfield.selectors import Selector
from jackfield.simulation import Faults, simulate
from jackfield_vinix.simulator import VinixSimulator
from jackfield_voipbin.simulator import VoipbinSimulator
from jackfield_voipbin.tokens import make_token

TOKEN = "s3cret-t0ken"
SIMULATORS = {"voipbin": VoipbinSimulator, "vinix": VinixSimulator}
SELECTORS = (Selector.parse("contact.*"), Selector.parse("agent.*"))


@pytest.fixture(scope="module")
def registry():
    return Registry.load()


@pytest.fixture
def examine(registry):
    """Run the doctor on one feed; what it found, by the check's name, and all of it as text."""

    async def examine(table, **options):
        config = build_config({"feeds": {"office": table}}, providers=registry.providers, sinks=registry.sinks)
        redact = Redactor()
        redact.add(config.secrets())
        (feed,) = config.feeds
        examination = Examination(feed, SELECTORS, options.pop("seconds", 0.6), redact, **options)
        with trio.fail_after(40):
            own = await examination.run()
        found = [*findings(examination.seen), *own]
        outcomes = {}
        for each in found:
            outcomes.setdefault(each.check, set()).add(each.outcome)
        return outcomes, "\n".join(f"{each.check}: {each.text} {each.advice}" for each in found)

    return examine


@pytest.fixture(params=SIMULATORS)
def vendor(request):
    return lambda **options: SIMULATORS[request.param](options.pop("token", TOKEN), rate=80.0, **options)


async def test_what_is_well_is_said_to_be(vendor, examine):
    async with simulate(vendor()) as running:
        outcomes, said = await examine(running.simulator.feed(running.url))
    assert not any("failed" in each for each in outcomes.values()), said
    assert {
        "name",
        "connect",
        "clock",
        "REST",
        "connection",
        "topic",
        "events",
        "latency",
        "spelling",
    } <= outcomes.keys()
    assert TOKEN not in said


async def test_a_rejected_token_is_named_and_not_shown(vendor, examine):
    simulator = vendor()
    async with simulate(simulator) as running:
        table = simulator.feed(running.url)
        table |= {name: "an0ther-t0ken" for name in table if "token" in name}
        outcomes, said = await examine(table)
    assert outcomes["login"] == {"failed"}
    assert "put a valid token" in said
    assert "an0ther-t0ken" not in said


async def test_a_dead_rest_interface_is_named(vendor, examine):
    async with simulate(vendor(), faults=Faults(refuse_rest=503)) as running:
        outcomes, said = await examine(running.simulator.feed(running.url))
    assert outcomes["REST"] == {"failed"}
    assert "HTTP 503" in said
    assert outcomes["connection"] == {"ok"}


async def test_a_deaf_subscription_is_named(vendor, examine):
    async with simulate(vendor(), faults=Faults(stalled=True)) as running:
        outcomes, said = await examine(running.simulator.feed(running.url), seconds=1.5)
    assert outcomes["events"] == {"failed"}
    assert "subscribed and deaf" in said
    assert outcomes["topic"] == {"ok"}


async def test_silence_without_any_change_is_a_doubt_and_no_failure(vendor, examine):
    async with simulate(vendor(), limit=0) as running:
        outcomes, said = await examine(running.simulator.feed(running.url), seconds=0.2)
    assert outcomes["events"] == {"warning"}
    assert "no change either" in said


@pytest.mark.parametrize(("seconds", "outcome"), [(30, "warning"), (-300, "failed")])
async def test_a_skewed_clock_is_named_with_its_direction(vendor, examine, seconds, outcome):
    async with simulate(vendor()) as running:
        now = lambda: datetime.now(UTC) + timedelta(seconds=seconds)  # noqa: E731
        outcomes, said = await examine(running.simulator.feed(running.url), now=now)
    assert outcomes["clock"] == {outcome}
    assert f"clock is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} the server's" in said.replace(
        f"{abs(seconds) - 1} s", f"{abs(seconds)} s"
    ).replace(f"{abs(seconds) + 1} s", f"{abs(seconds)} s")


async def test_a_server_that_nobody_is_at_and_a_name_that_does_not_exist(examine):
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    await listeners[0].aclose()
    table = {"provider": "voipbin", "token": TOKEN, "customer_id": "abc"}
    outcomes, said = await examine(table | {"url": f"ws://127.0.0.1:{port}/v1.0/ws"})
    assert outcomes["connect"] == {"failed"}
    assert said.count(f"127.0.0.1:{port}: Connection refused") == said.count("refused") == 1
    assert not outcomes.keys() & {"REST", "connection", "login"}
    outcomes, said = await examine(table | {"url": "ws://nowhere.invalid/v1.0/ws"})
    assert outcomes["name"] == {"failed"}
    assert "nowhere.invalid:80 has no address" in said
    assert not outcomes.keys() & {"REST", "connection", "login"}


@pytest.fixture
async def tls_server(nursery, tmp_path):
    """A server that agrees on TLS and says nothing; its URL, and the file of its authority."""

    async def start(name="localhost", **validity):
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name, **validity).configure_cert(context)

        async def handler(stream):
            try:
                await stream.do_handshake()
                await stream.receive_some()
            except (trio.BrokenResourceError, ssl.SSLError):
                pass

        serve = partial(trio.serve_ssl_over_tcp, handler, 0, context, host="127.0.0.1", https_compatible=True)
        listeners = await nursery.start(serve)
        port = listeners[0].transport_listener.socket.getsockname()[1]
        return f"wss://localhost:{port}/v1.0/ws", str(tmp_path / "ca.pem")

    return start


async def test_a_certificate_for_another_name_is_named(tls_server, examine):
    url, ca_file = await tls_server("other.example")
    table = {"provider": "voipbin", "token": TOKEN, "customer_id": "abc", "url": url, "ca_file": ca_file}
    outcomes, said = await examine(table)
    assert outcomes["TLS"] == {"failed"}
    assert "the certificate is for another name" in said


async def test_certificates_that_are_good_expired_or_of_nobody(tls_server):
    url, ca_file = await tls_server(not_after=datetime.now(UTC) + timedelta(days=9, hours=1))
    seen = await dial(url, "events", ca_file, Network())
    assert seen.tls == "TLSv1.3"
    assert (seen.expires - datetime.now(UTC)).days == 9
    assert (await dial(url, "events", None, Network())).tls_verdict == "untrusted"
    url, ca_file = await tls_server(not_after=datetime.now(UTC) - timedelta(days=1))
    assert (await dial(url, "events", ca_file, Network())).tls_verdict == "expired"


def test_a_date_has_whole_seconds():
    now = datetime(2026, 11, 21, 8, 0, 10, 900_000, UTC)
    assert clock_skew("Sat, 21 Nov 2026 08:00:10 GMT", now, 0.1) == 0
    assert clock_skew("Sat, 21 Nov 2026 08:00:09 GMT", now, 1.0) == 0
    assert clock_skew("Sat, 21 Nov 2026 08:01:11 GMT", now, 0.1) == pytest.approx(60.1)
    assert clock_skew("Sat, 21 Nov 2026 07:59:09 GMT", now, 0.0) == pytest.approx(-60.9)
    assert clock_skew("yesterday", now, 0.1) is None


@pytest.mark.parametrize(
    ("claims", "outcome", "said"),
    [
        ({}, "ok", "may subscribe to everything of its customer"),
        ({"permission": 0x10, "agent_id": "a1"}, "warning", "plain agent's"),
        ({"permission": 0x1}, "warning", "more than a feed needs"),
        ({"kind": "delegate"}, "failed", "opens no websocket"),
        ({"expire": "2026-11-22T00:00:00.000000Z"}, "warning", "expires in 0 days"),
        ({"expire": "2026-11-20T00:00:00.000000Z"}, "failed", "expired at 2026-11-20 00:00 UTC"),
    ],
)
def test_a_voipbin_token_says_its_age_and_its_rights(registry, claims, outcome, said):
    token = make_token("abc", **claims)
    provider = registry.providers["voipbin"].cls(token=Secret("text", token), customer_id="abc")
    found = list(provider.diagnose(None, [], datetime(2026, 11, 21, 8, tzinfo=UTC)))
    assert [each.outcome for each in found if said in each.text] == [outcome]


@pytest.mark.parametrize(("profile", "said"), [("head", "bare resources"), ("wrapped", "{type, data}")])
async def test_how_voipbin_writes_otherwise_than_documented_is_said(examine, profile, said):
    async with simulate(VoipbinSimulator(TOKEN, rate=80.0, profile=profile)) as running:
        _, text = await examine(running.simulator.feed(running.url))
    assert said in text


async def test_how_voipbin_is_asked_is_said_and_that_it_does_not_say_what_it_serves(examine):
    async with simulate(VoipbinSimulator(TOKEN, rate=80.0)) as running:
        _, text = await examine(running.simulator.feed(running.url))
    assert "subscriptions are sent, spelled as documented and as deployed; this server confirms no topic" in text


async def test_which_spelling_vinix_serves_is_said(examine):
    async with simulate(VinixSimulator(TOKEN, rate=80.0, accepts="short", naming="kazoo")) as running:
        _, text = await examine(running.simulator.feed(running.url))
    assert "bindings that bring events: short, qubicle.queue" in text
    assert "refused, or bring nothing: as documented" in text


def test_the_command_exits_as_it_found_things(quiet_vendors, tmp_path, monkeypatch, capsys):
    lines = []
    for name, table in quiet_vendors.feeds.items():
        lines.append(f"[feeds.{name}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    (tmp_path / "gateway.toml").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", "gateway.toml", "--seconds", "0.3", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["feeds"].keys() == {"office", "support"}
    assert document["failed"] == 0
    assert {each["outcome"] for each in document["feeds"]["office"]["findings"]} <= {"ok", "warning"}
    assert main(["doctor", "gateway.toml", "--feed", "support", "--seconds", "0.2", "--strict"]) == 1
    captured = capsys.readouterr()
    assert "feed support: vinix" in captured.out
    assert "0 failed" in captured.err
    assert main(["doctor", "gateway.toml", "--feed", "nobody"]) == 2
    assert "there are: office, support" in capsys.readouterr().err
