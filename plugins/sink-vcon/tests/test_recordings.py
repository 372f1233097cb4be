"""Recordings by link, or fetched for their hash; no credential is written."""

import hashlib
import json
import ssl
from pathlib import Path

import attrs
import pytest
import trustme
from http_receiver import Reply

from jackfield.plugin.secrets import Secret
from jackfield.plugin.sink import Batch
from jackfield_vcon import Vcon
from jackfield_vcon.identity import content_hash

SOUND = b"RIFF....WAVE" * 100
TOKEN = "accesskey-of-nobody"
WAV = Reply(200, (("content-type", "audio/wav; x=y"),), SOUND)


@attrs.define
class Clock:
    moment: float = 1_000_000.0

    def __call__(self):
        return self.moment


@pytest.fixture(name="server")
def _server(serve):
    return serve()


@pytest.fixture(name="record")
def _record(server, tmp_path, event, check):
    """The vCon of a call with a recording, or with several links, as a sink with these options writes it."""

    async def record(*links, rounds=1, **options):
        given = {"settle_seconds": 1, "allow_private": True} | options
        sink, clock = Vcon(path=str(tmp_path / "vcons"), domain="example.com", **given), Clock()
        life = [event("call.connected", 0, "x", caller="+491"), event("call.cleared", 9, "x")]
        for n, link in enumerate(links or ("",)):
            life.append(event("recording.completed", 8, f"r{n}", data={"url": link} if link else {"format": "wav"}))
        async with sink.open(now=clock) as writer:
            await writer.write(Batch(tuple(life)))
            for _ in range(rounds):
                clock.moment += 25
                await writer.settle()
        if not (texts := written(sink)):
            return None
        (text,) = texts
        assert TOKEN not in text
        vcon = json.loads(text)
        check(vcon)
        return vcon

    return record


def written(sink):
    return [path.read_text() for path in Path(sink.path).glob("*/*.json")]


def sounds(vcon):
    return [each for each in vcon["dialog"] if "filename" in each]


def unverified(vcon):
    return [each["reason"] for each in vcon["attachments"][1]["body"].get("recordings", ())]


async def test_a_link_is_written_without_what_may_be_a_credential(record, server):
    vcon = await record(f"https://user:{TOKEN}@example.com/r/0.wav?accesskey={TOKEN}#{TOKEN}")
    (sound,) = sounds(vcon)
    assert sound["url"] == "https://example.com/r/0.wav"
    assert "content_hash" not in sound
    assert unverified(vcon) == ["not fetched"]
    assert server.got == []


async def test_where_events_hold_no_link_one_is_made_of_the_operators_url(record):
    vcon = await record(recording_urls={"acme": "https://api.example.com/recordings/{id}/file"})
    assert sounds(vcon)[0]["url"] == "https://api.example.com/recordings/r0/file"


async def test_without_a_link_the_vcon_says_so(record):
    vcon = await record()
    assert "url" not in sounds(vcon)[0]
    assert unverified(vcon) == ["no link"]


async def test_a_recording_is_fetched_for_its_hash_and_type(record, server):
    server.script = [WAV]
    vcon = await record(
        recordings="fetch",
        recording_urls={"acme": f"{server.origin}/r/{{id}}"},
        recording_auth_value=Secret("text", f"Bearer {TOKEN}"),
    )
    (sound,) = sounds(vcon)
    assert sound["content_hash"] == content_hash(SOUND)
    assert sound["mediatype"] == "audio/wav"
    assert unverified(vcon) == []
    (request,) = server.got
    assert request.headers["accept-encoding"] == "identity"
    assert (request.path, request.headers["authorization"]) == ("/r/r0", f"Bearer {TOKEN}")
    assert hashlib.sha512(SOUND).digest()[:4].hex() not in str(sound)


async def test_a_vendors_own_link_is_fetched_as_it_is_and_gets_no_credential_of_ours(record, server):
    server.script = [WAV]
    link = f"{server.origin}/r/0?accesskey={TOKEN}"
    vcon = await record(link, recordings="fetch", recording_auth_value=Secret("text", f"Bearer {TOKEN}"))
    (request,) = server.got
    assert request.path == f"/r/0?accesskey={TOKEN}"
    assert "authorization" not in request.headers
    assert sounds(vcon)[0]["url"] == f"{server.origin}/r/0"


async def test_a_redirect_to_another_host_gets_no_credential(record, server, serve):
    other = serve()
    other.script = [WAV]
    server.script = [Reply(307, (("location", f"{other.origin}/signed"),))]
    vcon = await record(
        recordings="fetch",
        recording_urls={"acme": f"{server.origin}/r/{{id}}"},
        recording_auth_value=Secret("text", f"Bearer {TOKEN}"),
    )
    assert "content_hash" in sounds(vcon)[0]
    assert "authorization" in server.got[0].headers
    assert "authorization" not in other.got[0].headers


async def test_a_credential_that_no_header_can_carry_is_not_quoted(record, server, caplog):
    vcon = await record(
        recordings="fetch",
        recording_urls={"acme": f"{server.origin}/r/{{id}}"},
        recording_auth_value=Secret("text", f"Bearer {TOKEN}\nX: y"),
    )
    assert "holds what no header can carry" in unverified(vcon)[0]
    assert TOKEN not in caplog.text
    assert server.got == []


async def test_one_that_is_not_there_yet_is_tried_again(record, server):
    server.script = [Reply(404), Reply(503), WAV]
    assert await record(f"{server.origin}/r/0", recordings="fetch", rounds=2) is None


async def test_and_the_vcon_has_its_hash_then(record, server):
    server.script = [Reply(404), Reply(503), WAV]
    vcon = await record(f"{server.origin}/r/0", recordings="fetch", rounds=3)
    assert sounds(vcon)[0]["content_hash"] == content_hash(SOUND)


@pytest.mark.parametrize(
    ("replies", "options", "reason"),
    [
        ([Reply(404)] * 3, {}, "the server answered HTTP 404"),
        ([Reply(403)], {}, "the server answered HTTP 403"),
        ([WAV], {"recording_bytes": 100}, "longer than 100 bytes"),
        ([Reply(200, body=SOUND, drip=0.02)] * 3, {"recording_seconds": 0.1}, "not there within 0.1 s"),
        ([Reply(307, (("location", "/again"),))] * 6, {}, "more than 5 redirects"),
        ([], {"allow_private": False}, "not on the public internet"),
        ([Reply(200, (("content-encoding", "gzip"),), SOUND)], {}, "the server answered with its gzip form"),
        ([Reply(200, (("content-type", "text/html; charset=x"),), b"<html>")] * 3, {}, "with text/html, which is no"),
        ([Reply(200, (("content-type", "application/json"),), b"{}")] * 3, {}, "recording_auth_value authenticates"),
        ([Reply(200, (("content-type", "audio/wav"),))] * 3, {}, "an empty file"),
    ],
)
async def test_what_cannot_be_fetched_within_bounds_costs_no_vcon_and_is_said_in_it(
    record, server, replies, options, reason, caplog
):
    server.script = list(replies)
    link = f"{server.origin}/r/0?accesskey={TOKEN}"
    vcon = await record(link, recordings="fetch", rounds=3, **options)
    (said,) = unverified(vcon)
    assert reason in said
    assert "could not be fetched" in caplog.text
    assert TOKEN not in caplog.text


async def test_one_link_is_fetched_once_however_many_versions_there_are(server, tmp_path, event):
    server.script = [WAV]
    sink, clock = (
        Vcon(path=str(tmp_path / "v"), settle_seconds=1, allow_private=True, recordings="fetch"),
        Clock(),
    )
    life = [event("call.connected", 0, "x"), event("call.cleared", 9, "x")]
    life.append(event("recording.completed", 8, "r", data={"url": f"{server.origin}/r"}))
    async with sink.open(now=clock) as writer:
        for events in (life, [event("call.updated", 5, "x")]):
            await writer.write(Batch(tuple(events)))
            clock.moment += 2
            await writer.settle()
    vcons = list(map(json.loads, written(sink)))
    assert [sounds(vcon)[0]["content_hash"] for vcon in vcons] == [content_hash(SOUND)] * 2
    assert len(server.got) == 1


async def test_a_redacted_vcon_refers_to_no_recording(record):
    vcon = await record("https://example.com/r/0.wav", redact=("names",))
    assert "url" not in sounds(vcon)[0]


@pytest.fixture(name="secure", scope="module")
def _secure(tmp_path_factory):
    """Contexts of servers with a certificate for this name, and the authority's file."""
    authority = trustme.CA()
    file = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))

    def secure(name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        return context

    return secure, str(file)


async def test_a_host_is_trusted_by_an_authority_of_ones_own(record, serve, secure):
    context, file = secure
    server = serve(context("127.0.0.1"))
    server.script = [WAV]
    vcon = await record(f"{server.origin}/r/0", recordings="fetch", recording_ca_file=file)
    assert sounds(vcon)[0]["content_hash"] == content_hash(SOUND)


async def test_the_option_that_sets_the_authorities_is_named_where_that_would_help(record, serve, secure):
    context, _ = secure
    server = serve(context("127.0.0.1"))
    (said,) = unverified(await record(f"{server.origin}/r/0", recordings="fetch", rounds=3))
    assert "not trusted" in said
    assert said.endswith("; recording_ca_file names the authorities to trust")


async def test_but_not_where_the_certificate_is_of_another_host(record, serve, secure):
    context, file = secure
    server = serve(context("other.example"))
    (said,) = unverified(await record(f"{server.origin}/r/0", recordings="fetch", recording_ca_file=file, rounds=3))
    assert "not valid for '127.0.0.1'" in said
    assert "recording_ca_file" not in said


def test_authorities_that_cannot_be_read_are_named_at_once(tmp_path):
    with pytest.raises(ValueError, match=r"recording_ca_file: .*no\.pem: No such file"):
        Vcon(path="v", recordings="fetch", recording_ca_file=str(tmp_path / "no.pem"))
