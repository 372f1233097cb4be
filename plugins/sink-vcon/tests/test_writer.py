"""`jackfield_vcon.writer`: what is over and settled becomes a file, once, whatever is cut off in between."""

import json
import logging
import sqlite3
from pathlib import Path

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.errors import DeliveryError
from jackfield.plugin.sink import Batch
from jackfield_vcon import Vcon
from jackfield_vcon import writer as module
from jackfield_vcon.identity import content_hash
from jackfield_vcon.spool import Spool

LIFE = ("contact.created", "contact.queued", "contact.connected", "contact.disconnected", "contact.ended")


@attrs.define
class Clock:
    moment: float = 1_000_000.0

    def __call__(self):
        return self.moment


@pytest.fixture(name="clock")
def _clock():
    return Clock()


@pytest.fixture(name="sink")
def _sink(tmp_path):
    return Vcon(path=str(tmp_path / "vcons"), domain="example.com", settle_seconds=30, idle_seconds=600)


def files(sink):
    return sorted(Path(sink.path).glob("*/*"))


def lives(event, id="c1", kinds=LIFE):
    return tuple(event(kind, second, id, correlation=id, agent_id="a1") for second, kind in enumerate(kinds))


async def settle(writer, clock, seconds):
    clock.moment += seconds
    await writer.settle()


async def test_a_conversation_is_written_once_when_it_is_over_and_settled(sink, clock, event, check):
    async with sink.open(now=clock) as writer:
        await writer.write(Batch(lives(event, kinds=LIFE[:3])))
        await settle(writer, clock, 31)
        assert files(sink) == []
        await writer.write(Batch(lives(event)))  # some of it a second time
        await settle(writer, clock, 29)
        assert files(sink) == []
        await settle(writer, clock, 2)
        (file,) = files(sink)
        await writer.write(Batch(lives(event)))
        await settle(writer, clock, 31)
        assert files(sink) == [file]
    vcon = json.loads(file.read_bytes())
    check(vcon)
    assert (file.parent.name, file.name) == ("2026-11-26", f"{vcon['uuid']}.vcon.json")


async def test_what_is_under_way_outlives_a_restart(sink, clock, event):
    async with sink.open(now=clock) as writer:
        await writer.write(Batch(lives(event, kinds=LIFE[:3])))
    async with sink.open(now=clock) as writer:
        await writer.write(Batch(lives(event)[3:]))
        await settle(writer, clock, 31)
    (file,) = files(sink)
    assert json.loads(file.read_bytes())["attachments"][0]["body"].count("\n") == len(LIFE)


async def test_after_a_start_events_that_came_meanwhile_have_time_to_arrive(sink, clock, event):
    async with sink.open(now=clock) as writer:
        await writer.write(Batch(lives(event)))
    clock.moment += 3600
    async with sink.open(now=clock) as writer:
        await writer.settle()
        assert files(sink) == []
        await writer.write(Batch((event("contact.routed", 2),)))
        await settle(writer, clock, 31)
    (file,) = files(sink)
    assert json.loads(file.read_bytes())["attachments"][0]["body"].count("\n") == len(LIFE) + 1


async def test_a_late_fact_gives_one_amended_vcon_whose_reference_resolves(sink, clock, event, check):
    async with sink.open(now=clock) as writer:
        await writer.write(Batch(lives(event)))
        await settle(writer, clock, 31)
        (first,) = files(sink)
        await writer.write(Batch((event("contact.routed", 2),)))
        await settle(writer, clock, 31)
        await settle(writer, clock, 31)
    (second,) = set(files(sink)) - {first}
    vcon = json.loads(second.read_bytes())
    check(vcon)
    assert vcon["amended"] == {"uuid": first.name.partition(".")[0], "content_hash": content_hash(first.read_bytes())}


async def test_a_transcript_belongs_to_its_call_whichever_comes_first(sink, clock, event):
    segment = event("transcription.segment_completed", 2, "t1", correlation="t1", data={"message": "hello"})
    started = event("transcription.started", 1, "t1")
    call = tuple(event(kind, n, "x") for n, kind in enumerate(("call.connected", "call.cleared")))
    async with sink.open(now=clock) as writer:
        for each in ((segment,), call, (started,)):
            await writer.write(Batch(each))
        await settle(writer, clock, 31)
    (file,) = files(sink)
    assert json.loads(file.read_bytes())["analysis"][0]["body"][0]["text"] == "hello"


async def test_messages_are_written_when_none_came_for_long_enough(sink, clock, event):
    async with sink.open(now=clock) as writer:
        await writer.write(Batch((event("message.received", 0, "m1", data={"text": "hi"}),)))
        await settle(writer, clock, 31)
        assert files(sink) == []
        await settle(writer, clock, 600)
    assert len(files(sink)) == 1


async def test_what_is_no_conversation_is_not_written(sink, clock, event):
    async with sink.open(now=clock) as writer:
        alone = (event("agent.ready", 0, "a1", correlation=None), event("flow.started", 0, "f1", correlation="f1"))
        await writer.write(Batch(alone))
        await settle(writer, clock, 10_000)
    assert files(sink) == []


async def test_a_vcon_that_a_crash_kept_from_its_file_is_written_at_the_next_start(sink, clock, event, monkeypatch):
    async with sink.open(now=clock) as writer:
        await writer.write(Batch(lives(event)))
        monkeypatch.setattr(Spool, "outbox", lambda _: [])
        await settle(writer, clock, 31)
    assert files(sink) == []
    monkeypatch.undo()
    async with sink.open(now=clock) as writer:
        await writer.settle()
    assert len(files(sink)) == 1


async def test_while_vcons_cannot_be_written_events_wait_in_the_journal(sink, clock, event):
    async with sink.open(now=clock) as writer:
        await writer.write(Batch(lives(event)))
        obstacle = trio.Path(sink.path) / "2026-11-26"
        await obstacle.touch()
        await settle(writer, clock, 31)
        with pytest.raises(DeliveryError, match="vCons cannot be written"):
            await writer.write(Batch(lives(event, "c2")))
        await obstacle.unlink()
        await writer.write(Batch(lives(event, "c2")))
        await settle(writer, clock, 31)
    assert len(files(sink)) == 2


async def test_an_exchange_that_goes_on_after_that_gets_a_vcon_of_what_is_new(sink, clock, event, check):
    async with sink.open(now=clock) as writer:
        for number, wait in enumerate((604_801, 0)):
            message = event("message.received", number * 700_000, f"m{number}", data={"text": f"text {number}"})
            await writer.write(Batch((message,)))
            await settle(writer, clock, 601)
            await settle(writer, clock, wait)
    first, second = (json.loads(file.read_bytes()) for file in files(sink))
    check(second)
    assert [each["dialog"][0]["body"] for each in (first, second)] == ["text 0", "text 1"]
    assert len(second["dialog"]) == 1
    assert first["uuid"] != second["uuid"]
    assert "amended" not in second


async def test_events_are_forgotten_in_time_and_what_comes_after_that_is_said(sink, clock, event, caplog):
    async with sink.open(now=clock) as writer:
        await writer.write(Batch(lives(event)))
        await settle(writer, clock, 31)
        await settle(writer, clock, 604_801)
        assert writer._spool.bodies() == []
        await writer.write(Batch((event("contact.routed", 2),)))
        with caplog.at_level(logging.WARNING):
            await settle(writer, clock, 31)
    assert "not amended any more" in caplog.text
    assert len(files(sink)) == 1


async def test_one_conversation_that_cannot_be_assembled_keeps_no_other_from_being_written(
    sink, clock, event, monkeypatch, caplog
):
    def assemble(facts, key, **more):
        if key.endswith("c1"):
            raise ValueError("https://example.com/r?accesskey=of-nobody")
        return real(facts, key, **more)

    real = module.assemble
    monkeypatch.setattr(module, "assemble", assemble)
    async with sink.open(now=clock) as writer:
        await writer.write(Batch((*lives(event, "c1"), *lives(event, "c2"))))
        await settle(writer, clock, 31)
    assert len(files(sink)) == 1
    assert "no vCon can be made of it: ValueError at test_writer.py" in caplog.text
    assert "of-nobody" not in caplog.text


async def test_what_is_redacted_has_a_uuid_of_its_own(sink, clock, event, tmp_path, check):
    redacting = attrs.evolve(sink, path=str(tmp_path / "redacted"), redact=("names", "numbers"))
    for each in (sink, redacting):
        async with each.open(now=clock) as writer:
            await writer.write(Batch(lives(event)))
            await settle(writer, clock, 31)
    vcons = [json.loads(files(each)[0].read_bytes()) for each in (sink, redacting)]
    check(vcons[1])
    assert vcons[0]["uuid"] != vcons[1]["uuid"]
    assert vcons[1]["redacted"] == {"type": "numbers,names"}


@settings(max_examples=8)
@given(data=st.data())
def test_any_order_of_batches_and_any_copies_give_the_same_files(data, conversations, tmp_path_factory):
    found = conversations("deployed")
    keys = data.draw(st.lists(st.sampled_from(sorted(found)), min_size=1, max_size=4, unique=True))
    events = [event for key in keys for event in found[key]]
    again = data.draw(st.permutations([*events, *events[::3]]))
    assert filed(tmp_path_factory, again, data.draw(st.integers(1, 40))) == filed(tmp_path_factory, events, len(events))


def filed(folders, events, size):
    """What is written of events that come in batches of this size."""

    async def play():
        sink, clock = Vcon(path=str(folders.mktemp("vcons")), settle_seconds=30, idle_seconds=600), Clock()
        async with sink.open(now=clock) as writer:
            for start in range(0, len(events), size):
                await writer.write(Batch(tuple(events[start : start + size])))
            await settle(writer, clock, 31)
            await settle(writer, clock, 601)
        return {file.name: file.read_bytes() for file in files(sink)}

    found = trio.run(play)
    assert found
    return found


async def test_a_folder_has_one_writer_by_whatever_name_it_comes(sink, tmp_path):
    (tmp_path / "other").symlink_to(sink.path)
    async with sink.open():
        with pytest.raises(OSError, match="another vcon sink or gateway writes there"):
            async with attrs.evolve(sink, path=str(tmp_path / "other")).open():
                pass
    async with sink.open():  # and it is free again
        pass


async def test_what_cannot_be_written_is_logged_where_no_further_event_comes(sink, clock, event, caplog):
    async with sink.open(now=clock) as writer:
        await writer.write(Batch(lives(event)))
        day = Path(sink.path, lives(event)[0].time.date().isoformat())
        await trio.Path(day).write_text("x")
        await settle(writer, clock, 31)
        assert f"vCons cannot be written: {day}: is not a folder; vCons wait" in caplog.text
        await trio.Path(day).unlink()
        await settle(writer, clock, 1)
        assert len(files(sink)) == 1


HALF = "cut off \ud83d"


@pytest.mark.parametrize("where", ["text", "name", "id", "correlation", "queue", "reason"])
async def test_half_of_a_surrogate_pair_costs_no_vcon(sink, clock, event, check, where):
    one = {name: HALF if name == where else "x" for name in ("text", "name", "id", "correlation", "queue", "reason")}
    who = {"caller": "+491", "caller_name": one["name"], "queue_name": one["queue"], "correlation": one["correlation"]}
    said = json.dumps({"text": one["text"]})
    message = attrs.evolve(event("message.received", 1, one["id"], **who), data_json=said.encode())
    gap = event("stream.gap_suspected", 1, "g", data={"reason": one["reason"]})
    async with sink.open(now=clock) as writer:
        await writer.write(Batch((attrs.evolve(message, data=json.loads(said)), gap)))
        await settle(writer, clock, 601)
    (file,) = files(sink)
    vcon = json.loads(file.read_text())
    check(vcon)
    assert vcon["dialog"][0]["body"] == ("cut off \ufffd" if where == "text" else "x")


@pytest.mark.parametrize(
    ("path", "said"), [("file", "file: is not a folder"), ("file/below", "file/below: Not a directory")]
)
async def test_a_folder_that_cannot_be_one_is_named_without_a_number_of_an_error(tmp_path, path, said):
    await trio.Path(tmp_path / "file").touch()
    with pytest.raises(OSError, match=f"^{tmp_path}/{said}$"):
        async with Vcon(path=str(tmp_path / path)).open():
            pass


async def test_a_disk_that_is_full_is_named_by_the_file_that_needs_it(sink, clock, event, monkeypatch):
    async with sink.open(now=clock) as writer:
        writer._spool._db.execute("PRAGMA max_page_count = 1")
        with pytest.raises(DeliveryError, match=r"vcons/pending.sqlite3: database or disk is full$"):
            await writer.write(Batch(tuple(each for n in range(99) for each in lives(event, f"c{n}"))))


async def test_after_a_commit_that_failed_events_are_taken_again(sink, clock, event):
    def deny(action, word, *_):
        return sqlite3.SQLITE_DENY if (action, word) == (sqlite3.SQLITE_TRANSACTION, "COMMIT") else sqlite3.SQLITE_OK

    async with sink.open(now=clock) as writer:
        writer._spool._db.set_authorizer(deny)
        with pytest.raises(DeliveryError, match=r"vcons/pending.sqlite3: not authorized$"):
            await writer.write(Batch(lives(event)))
        writer._spool._db.set_authorizer(None)
        await writer.write(Batch(lives(event)))
        await settle(writer, clock, 31)
    assert len(files(sink)) == 1


async def test_what_nobody_has_foreseen_ends_no_gateway_and_costs_no_vcon(sink, clock, event, monkeypatch, caplog):
    async with sink.open(now=clock) as writer:
        await writer.write(Batch(lives(event)))
        with monkeypatch.context() as patch:
            patch.setattr(Spool, "outbox", lambda *_: 1 // 0)
            await settle(writer, clock, 31)
            await trio.sleep(0.1)  # in its own task too
            with pytest.raises(DeliveryError, match="written: ZeroDivisionError at test_writer"):
                await writer.write(Batch(lives(event, "c2")))
        await writer.write(Batch(lives(event, "c2")))
        await settle(writer, clock, 31)
    assert len(files(sink)) == 2
    assert caplog.text.count("vCons cannot be written") == 1


@pytest.mark.parametrize("kinds", [LIFE, LIFE[:3]])
async def test_a_clock_that_is_set_back_delays_no_vcon(sink, clock, event, kinds):
    async with sink.open(now=clock) as writer:
        await writer.write(Batch(lives(event, kinds=kinds)))
        await settle(writer, clock, 1)
        await settle(writer, clock, -86_400)
        await settle(writer, clock, 31)
        assert len(files(sink)) == (1 if kinds is LIFE else 0)
        await settle(writer, clock, 600)
    assert len(files(sink)) == 1
