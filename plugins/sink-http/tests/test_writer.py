"""`jackfield_http.writer`: what one attempt sends, and what it says when that is not taken."""

import gzip
import json
import logging
import time
from email.utils import formatdate

import attrs
import pytest
from standardwebhooks import Webhook

from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.plugin.secrets import Secret
from jackfield.plugin.sink import Batch
from jackfield_http import Http

NEW = "whsec_" + "bmV3" * 10
OLD = "whsec_" + "b2xk" * 10


def text(value):
    return Secret("text", value)


def ids(request):
    return [Event.from_cloudevent(each).id for each in json.loads(request.body)]


@pytest.mark.parametrize(
    ("options", "header", "value"),
    [
        ({"bearer": text("t0ken")}, "authorization", "Bearer t0ken"),
        (
            {"username": "Aladdin", "password": text("open sesame")},
            "authorization",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
        ({"auth_header": "X-Api-Key", "auth_value": text("k3y")}, "x-api-key", "k3y"),
        ({"auth_header": "Authorization", "auth_value": text("ApiKey k3y")}, "authorization", "ApiKey k3y"),
        ({"headers": {"X-Tenant": "acme"}}, "x-tenant", "acme"),
        ({"headers": {"User-Agent": "bridge"}}, "user-agent", "bridge"),
        ({}, "user-agent", "jackfield"),
        ({}, "accept-encoding", "identity"),
    ],
)
async def test_what_is_configured_is_sent_with_each_request(server, write, options, header, value):
    await write("1", "2", **options)
    assert [request.headers[header] for request in server.got] == [value, value]


async def test_nothing_is_signed_or_authenticated_without_a_secret(server, write):
    await write("1")
    assert not {"authorization", "webhook-id", "webhook-signature"} & server.got[0].headers.keys()


@pytest.mark.parametrize("mode", ["structured", "binary", "batch"])
@pytest.mark.parametrize("compressed", [False, True])
async def test_a_receiver_with_either_secret_verifies_what_it_reads(server, write, mode, compressed):
    await write("1", "2", mode=mode, gzip=compressed, signing_secret=text(NEW), previous_signing_secret=text(OLD))
    for request in server.got:
        body = gzip.decompress(request.body) if compressed else request.body
        for secret in (NEW, OLD):
            Webhook(secret).verify(body, request.headers)


@pytest.mark.parametrize("mode", ["structured", "batch"])
async def test_a_message_keeps_its_id_for_as_long_as_it_is_tried(server, batch, reply, mode):
    server.script = [reply(503), reply(503)]
    async with Http(server.url, mode=mode, signing_secret=text(NEW)).open() as sink:
        for _ in range(2):
            with pytest.raises(DeliveryError):
                await sink.write(batch("1", "2"))
        await sink.write(batch("1", "2"))
        await sink.write(batch("3"))
    bodies = {request.headers["webhook-id"]: request.body for request in server.got}
    assert len(bodies) == len(set(bodies.values()))
    tried = [request.headers["webhook-id"] for request in server.got[:3]]
    assert len(set(tried)) == 1
    assert server.got[-1].headers["webhook-id"] not in tried


async def test_the_time_that_is_signed_is_that_of_the_attempt(server, write):
    before = int(time.time())
    await write("1", signing_secret=text(NEW))
    assert before <= int(server.got[0].headers["webhook-timestamp"]) <= time.time()


async def test_secrets_are_read_for_each_request_so_that_they_can_be_rotated(server, batch, tmp_path):
    token, key = tmp_path / "token", tmp_path / "key"
    token.write_text("first\n")
    key.write_text(OLD)
    options = Http(server.url, bearer=Secret("file", str(token)), signing_secret=Secret("file", str(key)))
    async with options.open() as sink:
        await sink.write(batch("1"))
        token.write_text("second\n")
        key.write_text(NEW)
        await sink.write(batch("2"))
    assert [request.headers["authorization"] for request in server.got] == ["Bearer first", "Bearer second"]
    for request, secret in zip(server.got, (OLD, NEW), strict=True):
        Webhook(secret).verify(request.body, request.headers)


@pytest.mark.parametrize(
    ("option", "rest", "bad", "reason"),
    [
        ("bearer", {}, None, "the file"),
        ("bearer", {}, "two\nlines", "bearer: the secret holds what no header can carry"),
        ("auth_value", {"auth_header": "X-Key"}, "schlüssel", "auth_value: the secret holds what no header can carry"),
        ("signing_secret", {}, "hunter2-hunter2", "signing_secret: no Standard Webhooks secret"),
        ("signing_secret", {}, None, "the file"),
    ],
)
async def test_a_secret_that_goes_bad_pauses_and_is_not_told(server, batch, tmp_path, option, rest, bad, reason):
    path = tmp_path / "secret"
    path.write_text(NEW)
    async with Http(server.url, **{option: Secret("file", str(path))}, **rest).open() as sink:
        path.unlink()
        if bad:
            path.write_text(bad)
        with pytest.raises(DeliveryError, match=reason) as caught:
            await sink.write(batch("1"))
    assert caught.value.on_error == "pause"
    assert bad is None or bad not in str(caught.value)
    assert server.got == []


@pytest.mark.parametrize("mode", ["structured", "batch"])
async def test_a_body_is_compressed_where_that_is_configured(server, write, mode):
    await write(*map(str, range(20)), mode=mode, gzip=True)
    request = server.got[0]
    assert request.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(request.body))
    if mode == "batch":
        assert len(request.body) < len(gzip.decompress(request.body)) / 5


async def test_an_empty_body_is_not_compressed(server, event):
    async with Http(server.url, mode="binary", gzip=True).open() as sink:
        await sink.write(Batch((attrs.evolve(event(), data=None),)))
    assert server.got[0].body == b""
    assert "content-encoding" not in server.got[0].headers


async def test_a_batch_is_one_request_and_a_long_one_is_split_in_order(server, write, event):
    await write(*"123456", mode="batch")
    assert [ids(request) for request in server.got] == [list("123456")]
    assert server.got[0].headers["content-type"] == "application/cloudevents-batch+json; charset=utf-8"
    server.got.clear()
    await write(*"12345", mode="batch", max_request_bytes=2 * len(event().to_json()) + 3)
    assert [ids(request) for request in server.got] == [["1", "2"], ["3", "4"], ["5"]]


async def test_what_was_taken_before_a_failure_is_delivered(server, failing, reply, event):
    server.script = [reply(), reply(500)]
    failure = await failing(*"12345", mode="batch", max_request_bytes=2 * len(event().to_json()) + 3)
    assert (failure.delivered, failure.on_error) == (2, "retry")


@pytest.mark.parametrize("status", [400, 404, 413, 422, 302])
async def test_of_a_refused_batch_the_host_must_find_out_which_event_is_meant(server, failing, reply, status):
    server.script = [reply(status), reply(status)]
    failure = await failing("1", "2", mode="batch")
    assert (failure.on_error, failure.delivered, failure.rejected_count) == ("dead_letter", 0, None)
    alone = await failing("1", mode="batch")
    assert (alone.on_error, alone.rejected_count) == ("dead_letter", 1)


@pytest.mark.parametrize("mode", ["structured", "binary", "batch"])
async def test_an_event_that_is_too_long_is_refused_and_what_is_before_it_delivered(server, batch, event, mode):
    events = Batch((event("1"), event("2", {"x": "y" * 2000}), event("3")))
    async with Http(server.url, mode=mode, max_request_bytes=1000).open() as sink:
        with pytest.raises(DeliveryError, match=r"event '2' makes a body of \d+ bytes") as caught:
            await sink.write(events)
        assert (caught.value.on_error, caught.value.delivered, caught.value.rejected_count) == ("dead_letter", 1, 1)
        await sink.write(Batch(events.events[2:]))
    assert len(server.got) == 2


async def test_a_failure_tells_where_what_and_in_which_words(server, failing, reply):
    server.script = [reply(422, body="no \x1b[31msuch\r\ncustomer é".encode())]
    failure = await failing()
    assert failure.reason == f"{server.origin}/events answered HTTP 422: no [31msuch customer é"


async def test_no_secret_is_reported_in_any_form_in_which_a_server_may_send_it_back(server, failing, reply):
    url = f"{server.origin}/events?key=hunter2%2Bs3cret&page=1"
    cases = [
        ({"bearer": text("t0ken-s3cret")}, "bad token t0ken-s3cret"),
        ({"username": "me", "password": text("pa55-s3cret")}, "me:pa55-s3cret is Basic bWU6cGE1NS1zM2NyZXQ="),
        ({"auth_header": "X-Key", "auth_value": text("k3y-s3cret")}, "X-Key: k3y-s3cret"),
        ({"signing_secret": text(NEW)}, f"secret {NEW.removeprefix('whsec_')}"),
        ({}, "Cannot POST /events?key=hunter2%2Bs3cret&page=1, key hunter2+s3cret, hunter2%2Bs3cret"),
    ]
    for options, said in cases:
        server.script = [reply(401, body=said.encode()), reply(307, (("Location", f"/{said[-8:]}"),))]
        failure = await failing(url=url, **options)
        assert "***" in failure.reason
        for hidden in ("s3cret", "cGE1", "bmV3"):
            assert hidden not in failure.reason


async def test_nothing_secret_is_logged_however_much_is(server, write, failing, reply, caplog):
    caplog.set_level(logging.DEBUG)
    await write("1", bearer=text("t0ken-s3cret"), signing_secret=text(NEW))
    server.script = [reply(500)]
    await failing(auth_header="X-Key", auth_value=text("k3y-s3cret"))
    assert any("httpcore2" in record.name for record in caplog.records)
    assert "s3cret" not in caplog.text
    assert NEW not in caplog.text


@pytest.mark.parametrize(("given", "seconds"), [("17", 17.0), ("soon", None), ("99999", 3600.0), ("9" * 400, 3600.0)])
async def test_retry_after_is_handed_on(server, failing, reply, given, seconds):
    server.script = [reply(503, (("Retry-After", given),))]
    failure = await failing()
    assert failure.retry_after == seconds
    assert ("is limited to 3600 s" in failure.reason) == (seconds == 3600)


async def test_retry_after_may_be_a_date(server, failing, reply):
    server.script = [reply(429, (("Retry-After", formatdate(time.time() + 60, usegmt=True)),))]
    assert 50 <= (await failing()).retry_after <= 60
