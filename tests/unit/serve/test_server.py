"""`jackfield._serve.server`: who may ask, from where, and how many; over real sockets."""

import json
import ssl

import pytest
import trio
import trio.testing
import trustme
from hypothesis import given
from served import (
    BEARER,
    HASH,
    TOKEN,
    event,
    events_path,
    get,
    get_json,
    limited,
    open_stream,
    options,
    reading,
    serving,
)

import jackfield
from jackfield._serve.api import open_api
from jackfield._serve.grants import Grant
from jackfield._serve.server import open_serving
from jackfield._serve.tickets import Tickets, ticket_key
from jackfield.config import GatewayConfig, ServeOptions, TokenOptions
from jackfield.errors import ConfigError
from jackfield.testing import strategies


async def test_on_loopback_no_token_is_needed_where_that_is_said():
    async with serving() as (gateway, url):
        assert (await get(url, "/v1/state"))[0] == 200
        assert (await get(url, "/elsewhere"))[0] == 404
        assert gateway.state().serve.rejections == {
            "there is only /v1/ here: /v1/events, /v1/state, /v1/openapi.json": 1
        }


async def test_a_whole_url_may_be_asked_for_and_its_host_is_the_one_that_counts():
    async with serving() as (_, url):
        for target in (f"{url}/v1/kinds", f"{url.upper()}/v1/events?state=1&check=1"):
            assert (await get(url, target, Host="evil.example"))[0] == 200
        assert (await get(url, "http://evil.example/v1/kinds"))[0] == 421
        assert (await get(url, f"http://evil.example@{url[7:]}/v1/kinds"))[0] == 421
        assert (await get(url, url))[0] == 404
        assert (await get(url, f"{url}?x=/v1/kinds"))[0] == 404


async def test_a_token_opens_what_it_may_see_and_no_other_does():
    async with serving(options(tokens=limited("contact.* @ vinix/**"))) as (gateway, url):
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            status, answered, body = await get(url, events_path("**"), **headers)
            assert status == 401
            assert answered["www-authenticate"].startswith("Bearer")
            assert "token" in json.loads(body)["error"]
        assert (await get(url, events_path("agent.*"), **BEARER))[0] == 403
        async with reading(url, events_path("**"), **BEARER) as reader:
            await trio.testing.wait_all_tasks_blocked()
            await gateway.publish(event(1), event(2, provider="vinix"))
            assert (await reader.next()).json["data"] == {"n": 2}
            stats = gateway.state().serve
        assert (stats.clients, stats.accepted, stats.sent) == (1, 1, 1)
        assert stats.rejections["the token is wrong"] == 2


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8322"])
async def test_a_name_that_leads_here_and_is_not_this_server_is_refused(host):
    async with serving() as (gateway, url):
        assert (await get(url, "/v1/state", Host=host))[0] == 421
        assert sum(gateway.state().serve.rejections.values()) == 1
    async with serving(options(hosts=("events.example",))) as (_, url):
        assert (await get(url, "/v1/state", Host="events.example:8322"))[0] == 200


async def test_pages_of_foreign_origins_are_refused_and_listed_ones_may_read_the_answer():
    async with serving(options(origins=("https://desk.example",))) as (_, url):
        assert (await get(url, "/v1/state", Origin="https://evil.example"))[0] == 403
        assert (await get(url, "/v1/state", Origin="http://localhost:3000"))[0] == 403
        assert (await get(url, "/v1/state", **{"Sec-Fetch-Site": "cross-site"}))[0] == 403
        status, headers, _ = await get(url, "/v1/state", Origin="https://desk.example")
        assert (status, headers["access-control-allow-origin"]) == (200, "https://desk.example")
        status, headers, _ = await get(url, "/v1/events", method="OPTIONS", Origin="https://desk.example")
        assert status == 204
        assert "authorization" in headers["access-control-allow-headers"]
        status, headers, _ = await get(url, "/v1/events", Origin="https://desk.example")
        assert (status, headers["access-control-allow-origin"]) == (400, "https://desk.example")


async def test_a_ticket_stands_for_its_token_in_a_url_over_a_restart_too(tmp_path):
    serve = options(tokens=limited("contact.*"))
    async with serving(serve, tmp_path / "journal") as (_, url):
        assert (await get(url, "/v1/tickets", method="POST"))[0] == 401
        assert (await get(url, "/v1/tickets", **BEARER))[0] == 405
        status, _, body = await get(url, "/v1/tickets", method="POST", **BEARER)
        assert status == 200
        ticket = json.loads(body)["ticket"]
    async with serving(serve, tmp_path / "journal") as (_, url):
        checked = await get_json(url, events_path("**", ticket=ticket, check=1))
        assert checked == {"select": ["contact.*"]}
        assert (await get(url, events_path("**", ticket=ticket + "x")))[0] == 401
    changed = {"wall": TokenOptions("sha256:" + "0" * 64)}
    async with serving(options(tokens=changed), tmp_path / "journal") as (_, url):
        assert (await get(url, events_path("**", ticket=ticket)))[0] == 401


def test_a_ticket_ends():
    tickets, tokens = Tickets(b"k" * 32, 10.0), limited("**")
    text, until = tickets.make("wall", tokens["wall"], 100.0)
    assert until == 110.0
    assert tickets.read(text, tokens, 109.0) == "wall"
    with pytest.raises(ValueError, match="has expired"):
        tickets.read(text, tokens, 111.0)
    for wrong in ("", "a.b", "a.b.c", Tickets(b"o" * 32, 10.0).make("wall", tokens["wall"], 100.0)[0]):
        with pytest.raises(ValueError, match="not one of this server's"):
            tickets.read(wrong, tokens, 100.0)


def test_a_key_that_was_cut_short_is_named(tmp_path):
    assert ticket_key(str(tmp_path)) == ticket_key(str(tmp_path))
    assert (tmp_path / "tickets.key").stat().st_mode & 0o077 == 0
    (tmp_path / "tickets.key").write_bytes(b"short")
    with pytest.raises(ConfigError, match="does not hold 32 bytes"):
        ticket_key(str(tmp_path))


async def test_it_speaks_tls(tmp_path):
    ca = trustme.CA()
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "serve.pem")
    context = ssl.create_default_context()
    ca.configure_trust(context)
    async with serving(options(tls_cert=str(tmp_path / "serve.pem"))) as (_, url):
        assert url.startswith("https://")
        plain = await open_stream(url)
        stream = trio.SSLStream(plain, context, server_hostname="127.0.0.1", https_compatible=True)
        await stream.send_all(b"GET /v1/kinds HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 200")
        await trio.aclose_forcefully(stream)


async def test_more_clients_than_there_may_be_are_refused_and_counted():
    async with serving(options(max_clients=2)) as (gateway, url):
        async with reading(url, events_path("**")), reading(url, events_path("**")):
            await trio.testing.wait_all_tasks_blocked()
            status, headers, _ = await get(url, events_path("**"))
            assert (status, headers["retry-after"]) == (503, "10")
            assert gateway.state().serve.clients == 2
            assert (await get(url, "/v1/state"))[0] == 200
        assert sum(gateway.state().serve.rejections.values()) == 1


async def test_an_address_that_is_in_use_is_a_fault_of_the_configuration():
    async with serving() as (_, url):
        serve = ServeOptions(listen=url.removeprefix("http://"), open=True)
        with pytest.raises(ConfigError, match=r"serve\.listen: cannot listen on"):
            async with open_serving(GatewayConfig((), serve=serve)):
                pytest.fail("it goes on")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"listen": "127.0.0.1:0"}, "nobody may ask"),
        ({"open": True}, "open needs listen"),
        ({"listen": "0.0.0.0:0", "open": True}, "for loopback only"),
        ({"listen": "127.0.0.1:0", "open": True, "tls_key": "k"}, "tls_key needs tls_cert"),
        ({"listen": "127.0.0.1:0", "open": True, "origins": ("desk.example",)}, "is not an origin"),
        ({"listen": "127.0.0.1:0", "tokens": {"a/b": TokenOptions(HASH)}}, "'a/b' is not a name of at most 64 letters"),
        ({"listen": "127.0.0.1:0", "tokens": {"": TokenOptions(HASH)}}, "'' is not a name"),
        (
            {"listen": "127.0.0.1:0", "tokens": {"wall": TokenOptions(HASH), "desk": TokenOptions(HASH)}},
            "wall and desk have the same hash",
        ),
        *(
            ({"listen": "127.0.0.1:0", "open": True, "hosts": (host,)}, "is not the name of a host; give a name")
            for host in ("", "https://x", "x:8322", "x/y", "::1", "bücher.example", "a b", "x.")
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        ServeOptions(**wrong)


def test_a_hash_that_is_not_one_is_not_shown():
    with pytest.raises(ValueError, match="sha256sum") as caught:
        TokenOptions("my-secret-token")
    assert "my-secret" not in str(caught.value)
    assert HASH not in repr(TokenOptions(HASH))


@given(strategies.selectors(), strategies.selectors(), strategies.selectors())
def test_what_a_grant_narrows_is_what_both_select(mine, other, asked):
    grant = Grant((mine, other))
    narrowed = grant.narrow([asked])
    for each in narrowed:
        assert asked.covers(each)
        assert mine.covers(each) or other.covers(each)
    for whole in (mine, other):
        both = whole.intersection(asked)
        assert both is None or any(each.covers(both) for each in narrowed)


@given(strategies.selectors(), strategies.event_streams(), strategies.selectors())
def test_a_limited_token_never_sees_another_event(mine, events, asked):
    """Whatever is asked for and whatever comes, through the whole API: exactly what both select is delivered."""

    async def run():
        grant = Grant((mine,))
        opening = jackfield.open_gateway(GatewayConfig(()))
        async with opening as gateway, open_api(gateway) as api:
            with gateway.listen("**", committed=True) as everything:
                await gateway.publish(*events[:3])
                narrowed = grant.narrow([asked])
                subscription = api.subscribe(narrowed, grant, api.begin(narrowed, grant, "oldest"))
                seen = []
                while subscription._tap is None:
                    seen += (await subscription.take()).entries
                await gateway.publish(*events[3:])
                if subscription._tap.entries:
                    seen += (await subscription.take()).entries
                committed = [each.event for each in everything.take_nowait()]
        expected = [each for each in committed if mine.matches(each) and asked.matches(each)]
        assert [each.event for each in seen] == expected
        assert all(grant.sees(each.event) for each in seen)

    trio.run(run)
