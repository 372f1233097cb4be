"""`jackfield_vcon.destinations`: vCons by POST to a real server, with the signatures and retries of the http sink."""

import json
import os
from pathlib import Path

import attrs
import pytest
from http_receiver import Reply
from standardwebhooks import Webhook

from jackfield.errors import DeliveryError
from jackfield.plugin.secrets import Secret
from jackfield.plugin.sink import Batch
from jackfield_vcon import Vcon
from jackfield_vcon.spool import Spool

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOKEN = "tok-of-a-receiver"


@attrs.define
class Clock:
    moment: float = 1_000_000.0

    def __call__(self):
        return self.moment


@pytest.fixture(name="server")
def _server(serve):
    return serve()


@pytest.fixture(name="world")
def _world(server, tmp_path, event):
    """A sink that posts there, and what happens to it."""
    return World(server, tmp_path / "vcons", event)


@attrs.define
class World:
    server: object
    path: Path
    event: object
    clock: Clock = attrs.field(factory=Clock)

    def open(self, **options):
        given = {"url": self.server.url, "allow_private": True, "settle_seconds": 30} | options
        return Vcon(path=str(self.path), domain="example.com", **given).open(now=self.clock)

    def lives(self, *names):
        kinds = ("call.connected", "call.cleared")
        return Batch(
            tuple(
                self.event(kind, n, name, correlation=name, caller="+491")
                for name in names
                for n, kind in enumerate(kinds)
            )
        )

    async def settle(self, writer, seconds=31):
        self.clock.moment += seconds
        await writer.settle()

    def posted(self):
        return [json.loads(each.body)["dialog"][0]["interaction_id"] for each in self.server.got]

    def rejected(self):
        return sorted(self.path.glob("rejected/*"))


async def test_a_vcon_is_posted_once_with_its_media_type_and_no_file_is_made(world, check):
    async with world.open(bearer=Secret("text", TOKEN)) as writer:
        await writer.write(world.lives("c1"))
        await world.settle(writer)
        await world.settle(writer)
    (request,) = world.server.got
    check(json.loads(request.body))
    assert request.headers["content-type"] == "application/vcon"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert list(world.path.glob("*/*")) == []


async def test_it_is_signed_as_the_http_sink_signs_and_by_the_uuid_so_that_a_copy_is_known(world):
    world.server.script = [Reply(503), Reply(204)]
    async with world.open(signing_secret=Secret("text", SECRET)) as writer:
        await writer.write(world.lives("c1"))
        await world.settle(writer)
        await world.settle(writer)
    first, second = world.server.got
    for request in (first, second):
        vcon = json.loads(request.body)
        assert request.headers["webhook-id"] == vcon["uuid"]
        Webhook(SECRET).verify(request.body, request.headers)
    assert first.body == second.body


async def test_after_a_failure_it_is_tried_again_no_earlier_than_the_server_asks_and_events_wait(world):
    world.server.script = [Reply(503, (("retry-after", "120"),), b"busy")]
    async with world.open() as writer:
        await writer.write(world.lives("c1"))
        await world.settle(writer)
        with pytest.raises(DeliveryError, match=r"cannot be posted: .*HTTP 503: busy") as failure:
            await writer.write(world.lives("c2"))
        assert failure.value.retry_after == 120
        await world.settle(writer, 110)
        assert len(world.server.got) == 1
        await world.settle(writer, 20)
        await writer.write(world.lives("c2"))
        await world.settle(writer)
    assert world.posted() == ["c1", "c1", "c2"]


async def test_delays_double_where_nobody_says_how_long(world):
    world.server.script = [Reply(503)] * 4
    async with world.open(settle_seconds=300) as writer:
        await writer.write(world.lives("c1"))
        await world.settle(writer, 301)
        times = []
        for _ in range(20):
            before = len(world.server.got)
            await world.settle(writer, 1)
            if len(world.server.got) > before:
                times.append(world.clock.moment - 1_000_301)
    assert times == [1, 3, 7, 15]


async def test_delays_begin_anew_with_each_vcon_that_arrives(world):
    names = [f"c{n}" for n in range(8)]
    world.server.script = [Reply(503), Reply(204)] * len(names)
    async with world.open() as writer:
        await writer.write(world.lives(*names))
        await world.settle(writer)
        for _ in names:
            await world.settle(writer, 1)
    assert list(dict.fromkeys(world.posted())) == names


async def test_a_token_that_is_not_accepted_pauses_and_drops_nothing(world):
    world.server.script = [Reply(401)]
    async with world.open(bearer=Secret("text", TOKEN)) as writer:
        await writer.write(world.lives("c1"))
        await world.settle(writer)
        with pytest.raises(DeliveryError) as failure:
            await writer.write(world.lives("c2"))
        assert failure.value.on_error == "pause"
        assert TOKEN not in str(failure.value)
        await world.settle(writer, 301)
    assert world.posted() == ["c1", "c1"]


@pytest.mark.parametrize(
    ("status", "then"),
    [
        (503, "vCons wait, and it is tried again"),
        (404, "vCons wait, and it is tried again"),
        (401, "vCons wait until somebody has mended that; it is tried again every 300 s"),
        (410, "vCons wait for the next start of the gateway, and none is sent before it"),
    ],
)
async def test_it_is_said_once_what_becomes_of_vcons_that_wait_and_that_they_are_written_again(
    world, caplog, status, then
):
    caplog.set_level("INFO")
    world.server.script = [Reply(503), Reply(status)]
    async with world.open() as writer:
        await writer.write(world.lives("c1"))
        for _ in range(4):
            await world.settle(writer, 301)
    said = [record.getMessage() for record in caplog.records if record.name == "jackfield.vcon"]
    waiting = [line for line in said if line.startswith("vCons cannot be posted: ")]
    assert waiting[0].endswith("; vCons wait, and it is tried again")
    assert waiting[-1].endswith(f"; {then}")
    assert len(waiting) == (1 if "and it is" in then else 2)
    assert ("vCons are written again" in said) == (status != 410)


async def test_nor_does_a_clock_that_is_set_back_delay_the_next_attempt(world):
    world.server.script = [Reply(503)]
    async with world.open() as writer:
        await writer.write(world.lives("c1"))
        await world.settle(writer)
        await world.settle(writer, -86_400)
        await world.settle(writer, 1)
    assert world.posted() == ["c1", "c1"]


async def test_a_receiver_that_is_gone_gets_no_more(world):
    world.server.script = [Reply(410)]
    async with world.open() as writer:
        await writer.write(world.lives("c1"))
        await world.settle(writer)
        await world.settle(writer, 1_000_000)
        with pytest.raises(DeliveryError) as failure:
            await writer.write(world.lives("c2"))
    assert failure.value.on_error == "disable"
    assert len(world.server.got) == 1


async def test_a_vcon_that_is_rejected_is_put_aside_and_reported_and_the_others_go_on(world, caplog):
    world.server.script = [Reply(422, body=b"no such schema")]
    async with world.open() as writer:
        await writer.write(world.lives("c1", "c2"))
        await world.settle(writer)
    (file,) = world.rejected()
    assert json.loads(file.read_bytes())["dialog"][0]["interaction_id"] == "c1"
    assert "no such schema" in caplog.text
    assert world.posted() == ["c1", "c2"]


async def test_one_that_is_too_long_is_put_aside_unsent(world):
    async with world.open(max_request_bytes=10) as writer:
        await writer.write(world.lives("c1"))
        await world.settle(writer)
    assert len(world.rejected()) == 1
    assert world.server.got == []


async def test_a_wrong_url_costs_no_vcon(world):
    names = [f"c{n}" for n in range(12)]
    world.server.script = [Reply(404)] * 10
    async with world.open() as writer:
        await writer.write(world.lives(*names))
        await world.settle(writer)
        assert len(world.server.got) == 10
        with pytest.raises(DeliveryError) as failure:
            await writer.write(world.lives("c99"))
        assert failure.value.on_error == "pause"
        await world.settle(writer, 301)
    assert world.rejected() == []
    assert sorted(world.posted()[10:]) == sorted(names)


async def test_a_conflict_about_one_vcon_stops_no_other(world):
    world.server.script = [Reply(409), Reply(204)]
    async with world.open() as writer:
        await writer.write(world.lives("c1", "c2"))
        await world.settle(writer)
    assert world.posted() == ["c1", "c2"]
    assert len(world.rejected()) == 1


async def test_what_was_not_posted_before_an_end_is_posted_after_the_next_start(world):
    world.server.script = [Reply(503), Reply(503)]
    async with world.open() as writer:
        await writer.write(world.lives("c1"))
        await world.settle(writer)
    async with world.open() as writer:
        await world.settle(writer)
    assert world.posted()[-1] == "c1"
    assert {json.loads(each.body)["uuid"] for each in world.server.got} == {
        json.loads(world.server.got[0].body)["uuid"]
    }


@pytest.mark.parametrize("url", [True, False])
async def test_of_vcons_that_wait_no_more_are_in_memory_than_a_few_megabytes(world, monkeypatch, url):
    """Those of a day on which the receiver, or the disk, was away; one that is larger goes by itself."""
    monkeypatch.setattr("jackfield_vcon.spool.MOST_BYTES", 5_000)
    real, most = Spool.outbox, []

    def outbox(spool, *without):
        found = real(spool, *without)
        most.append(sum(len(body) for _, body in found))
        return found

    monkeypatch.setattr(Spool, "outbox", outbox)
    names = [f"c{n}" for n in range(20)]
    world.server.script = [Reply(409)] * 3
    async with world.open(**({} if url else {"url": None})) as writer:
        await writer.write(world.lives(*names))
        await world.settle(writer)
    assert 0 < max(most) < 10_000
    if url:
        assert world.posted() == sorted(names)
        assert len(world.rejected()) == 3
    else:
        assert len(list(world.path.glob("*/*.json"))) == 20


async def test_recordings_are_not_fetched_for_a_vcon_that_leaves_them_out(world):
    recorded = world.event("recording.completed", 1, "r", correlation="c1", data={"url": f"{world.server.origin}/r"})
    async with world.open(url=None, recordings="fetch", redact=("names",)) as writer:
        await writer.write(world.lives("c1"))
        await writer.write(Batch((recorded,)))
        await world.settle(writer)
    assert world.server.got == []
    assert len(list(world.path.glob("*/*.json"))) == 1


@pytest.mark.parametrize(("options", "script"), [({"url": None}, []), ({}, [Reply(422)])])
async def test_a_vcon_leaves_the_spool_when_its_file_and_the_folders_to_it_would_outlive_a_power_failure(
    world, monkeypatch, options, script
):
    synced, real, sent = set(), os.fsync, Spool.sent

    def fsync(descriptor):
        real(descriptor)
        found = os.fstat(descriptor)
        synced.add((found.st_dev, found.st_ino))

    def is_synced(path):
        found = path.stat()
        return (found.st_dev, found.st_ino) in synced

    def leave(spool, names):
        names = list(names)
        files = [path for path in world.path.glob("*/*.json") if any(path.name in name for name in names)]
        assert len(files) == len(names)
        for file in files:
            assert all(is_synced(each) for each in (file, file.parent, world.path, world.path.parent))
        left.extend(names)
        sent(spool, names)

    left = []
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Spool, "sent", leave)
    world.server.script = script
    async with world.open(fsync="batch", **options) as writer:
        await writer.write(world.lives("c1"))
        await world.settle(writer)
    assert len(left) == 1
