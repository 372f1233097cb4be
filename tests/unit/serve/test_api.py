"""`jackfield._serve.api`: the stream of committed events and the state, over real sockets."""

import json
import random
from contextlib import AsyncExitStack
from urllib.parse import quote

import attrs
import pytest
import trio
import trio.testing
from served import NOON, PEOPLE, api_of, config, event, events_path, get, get_json, reading

from jackfield._journal.copying import back_up
from jackfield._serve import sse
from jackfield._serve.grants import Grant
from jackfield.events import Event
from jackfield.events import event as event_module
from jackfield.selectors import Selector
from jackfield.state import State


async def numbers(reader, count):
    return [message.json["data"]["n"] for message in await reader.take(count)]


async def test_a_stream_gives_what_is_committed_from_then_on_each_as_a_cloudevent_with_its_position():
    async with api_of() as (gateway, _, url):
        await gateway.publish(event(1))
        async with reading(url, events_path("contact.*")) as reader:
            await trio.testing.wait_all_tasks_blocked()
            await gateway.publish(event(2), event(3, "call.connected"), event(4))
            messages = await reader.take(2)
        assert b"content-type: text/event-stream" in reader.head.lower()
        assert b"cache-control: no-store" in reader.head.lower()
        assert b"x-accel-buffering: no" in reader.head.lower()
        assert [each.json["data"]["n"] for each in messages] == [2, 4]
        assert [each.json["position"] for each in messages] == [each.id for each in messages]
        assert Event.from_cloudevent(messages[0].data) == event(2)


@pytest.mark.parametrize("header", [True, False])
async def test_a_client_resumes_behind_its_position_and_goes_on_live(header, tmp_path):
    async with api_of(config(tmp_path / "journal")) as (gateway, _, url):
        async with reading(url, events_path("contact.*")) as reader:
            await trio.testing.wait_all_tasks_blocked()
            await gateway.publish(*map(event, range(10)))
            last = (await reader.take(4))[-1].id
        await gateway.publish(*map(event, range(10, 2000)))
        resumed = {"headers": {"Last-Event-ID": last}} if header else {"query": {"after": last}}
        path = events_path("contact.*", **resumed.get("query", {}))
        async with reading(url, path, **resumed.get("headers", {})) as reader:
            assert await numbers(reader, 1996) == list(range(4, 2000))
            await gateway.publish(event(2000))
            assert await numbers(reader, 1) == [2000]


async def test_a_client_resumes_after_a_restart_of_the_gateway(tmp_path):
    async with api_of(config(tmp_path / "journal")) as (gateway, _, url), reading(url, events_path("**")) as reader:
        await trio.testing.wait_all_tasks_blocked()
        await gateway.publish(*map(event, range(5)))
        last = (await reader.take(2))[-1].id
    again = api_of(config(tmp_path / "journal"))
    async with again as (_, _, url), reading(url, events_path("**", after=last)) as reader:
        assert await numbers(reader, 3) == [2, 3, 4]


async def test_after_oldest_everything_that_is_kept_comes():
    async with api_of() as (gateway, _, url):
        await gateway.publish(*map(event, range(3)))
        async with reading(url, events_path("**", after="oldest")) as reader:
            assert await numbers(reader, 3) == [0, 1, 2]


async def test_a_position_of_another_journal_is_a_gap_and_then_everything_that_there_is():
    async with api_of() as (gateway, _api, url):
        await gateway.publish(event(1))
        old = f"{'0' * 32}-{5:016d}"
        async with reading(url, events_path("**", after=old)) as reader:
            gap, first = await reader.take(2)
        assert gap.json["type"] == "stream.gap_suspected"
        assert gap.json["data"]["from"] == old
        assert "another journal" in gap.json["data"]["reason"]
        assert gap.id == ""
        assert first.json["data"]["n"] == 1


async def test_what_retention_has_deleted_is_a_gap_that_comes_first():
    async with api_of(config(memory_events=10)) as (gateway, api, url):
        api._fanout.most_events = 10
        for number in range(1, 41):
            await gateway.publish(event(number))
        async with reading(url, events_path("**", after=api.positions.text(3))) as reader:
            gap, first = await reader.take(2)
        assert gap.json["type"] == "stream.gap_suspected"
        assert gap.json["data"]["from"] == api.positions.text(3)
        kept = first.json["data"]["n"]
        assert gap.json["data"]["to"] == api.positions.text(kept - 1)
        assert gap.json["data"]["events"] == kept - 4


async def test_behind_a_position_that_the_journal_never_gave_everything_comes_that_is_kept_after_a_gap():
    async with api_of() as (gateway, api, url):
        await gateway.publish(event(1))
        async with reading(url, events_path("**", after=api.positions.text(99))) as reader:
            gap, first = await reader.take(2)
        assert "was set back" in gap.json["data"]["reason"]
        assert gap.json["data"]["from"] == api.positions.text(99)
        assert first.json["data"]["n"] == 1


async def test_after_a_backup_was_put_back_a_later_position_is_a_gap_and_no_event_since_then_is_skipped(tmp_path):
    async with api_of(config(tmp_path / "journal")) as (gateway, api, url):
        await gateway.publish(event(1), event(2))
        await trio.to_thread.run_sync(back_up, tmp_path / "journal", tmp_path / "copy")
        for number in range(3, 9):
            await gateway.publish(event(number))
        own, late = api.positions.text(2), [api.positions.text(number) for number in (3, 8)]
    async with api_of(config(tmp_path / "copy")) as (gateway, api, url):
        begins = (await get_json(url, "/v1/state"))["position"]
        await gateway.publish(*map(event, range(20, 29)))
        for position in late:
            async with reading(url, events_path("**", after=position)) as reader:
                gap, *rest = await reader.take(10)
            assert gap.json["type"] == "stream.gap_suspected"
            assert gap.json["data"]["from"] == position
            assert "was set back" in gap.json["data"]["reason"]
            assert [each.json["data"]["n"] for each in rest] == [*range(20, 29)]
        for position in (own, begins):
            async with reading(url, events_path("**", after=position)) as reader:
                assert [each.json["data"]["n"] for each in await reader.take(9)] == [*range(20, 29)]
        assert (await get(url, f"/v1/events/{late[0]}"))[0] == 404


async def test_a_quiet_stream_shows_that_it_lives_and_moves_the_position_on(monkeypatch):
    monkeypatch.setattr(sse, "COMMENT_SECONDS", 0.05)
    async with api_of() as (gateway, api, url), reading(url, events_path("agent.*")) as reader:
        await trio.testing.wait_all_tasks_blocked()
        await gateway.publish(event(1), event(2))
        with trio.fail_after(10):
            while b"id: " not in reader.rest:
                await reader.more()
    assert api.positions.text(2).encode() in reader.rest
    assert b"data:" not in reader.rest


async def test_a_slow_client_is_told_what_was_dropped_and_can_fetch_it():
    async with api_of() as (gateway, api, url):
        api.buffer_bytes = 2000
        async with reading(url, events_path("**")) as reader:
            await trio.testing.wait_all_tasks_blocked()
            await gateway.publish(event(1))
            assert await numbers(reader, 1) == [1]
            await gateway.publish(*map(event, range(2, 52)))  # in one commit, so that nothing is sent in between
            dropped = await reader.next()
            assert dropped.json["type"] == "stream.dropped"
            assert dropped.json["data"]["events"] == 50
            assert dropped.json["data"]["to"] == api.positions.text(51)
            assert dropped.id == dropped.json["data"]["from"] == api.positions.text(1)
            await gateway.publish(event(52))
            assert await numbers(reader, 1) == [52]
        async with reading(url, events_path("**", after=dropped.json["data"]["from"])) as reader:
            assert await numbers(reader, 51) == list(range(2, 53))


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/v1/events", 400, "select: none is given"),
        ("/v1/events?select=contact", 400, "select: a kind is two words"),
        ("/v1/events?select=**&after=7", 400, "after: '7' is not a position"),
        ("/v1/events?select=**&after=", 400, "after: is empty; leave it out"),
        ("/v1/events?select=**&aftr=7", 400, "aftr: no such parameter; known: after, check, durable, select"),
        ("/v1/events?select=**&state=2", 400, "state: '2' is neither 1 nor 0"),
        ("/v1/nothing", 404, "there is no /v1/nothing"),
        ("/v1/contacts/1?last=", 400, "last: '' is not a number from 1 to 100"),
    ],
)
async def test_what_is_wrong_is_refused_with_the_reason(path, status, said):
    async with api_of() as (_, _, url):
        got, _, body = await get(url, path)
        assert got == status
        assert json.loads(body)["error"].startswith(said)
        assert (await get(url, "/v1/state", method="POST"))[0] == 405
        assert (await get(url, "/elsewhere"))[0] == 404


async def test_a_selector_can_be_checked_without_a_stream():
    async with api_of() as (_, _, url):
        assert await get_json(url, "/v1/events?check=1&select=contact.*") == {"select": ["contact.*"]}
        status, _, body = await get(url, "/v1/events?check=1&select=contact.%20x")
        assert status == 400
        assert json.loads(body)["position"] == 8


async def test_what_is_subscribed_is_the_intersection_with_the_grant_and_the_client_is_shown_it():
    grant = Grant((Selector.parse("contact.* @ vinix/**"),))
    async with api_of(grant=grant) as (gateway, _, url):
        assert await get_json(url, events_path("**", check=1)) == {"select": ["contact.* @ vinix/**"]}
        status, _, body = await get(url, events_path("agent.*"))
        assert status == 403
        assert json.loads(body)["allowed"] == "contact.* @ vinix/**"
        async with reading(url, events_path("**")) as reader:
            assert b"jackfield-select: contact.* @ vinix/**" in reader.head.lower()
            await trio.testing.wait_all_tasks_blocked()
            await gateway.publish(event(1), event(2, "call.connected", "vinix"), event(3, provider="vinix"))
            assert await numbers(reader, 1) == [3]


def test_a_large_state_is_limited_in_the_time_of_a_few_selectors(monkeypatch):
    state = State()
    for number in range(500):
        state.apply(event(number, provider=("acme", "vinix")[number % 2]))
    asked = []
    covers = Selector.covers
    monkeypatch.setattr(Selector, "covers", lambda mine, other: asked.append(other) or covers(mine, other))
    grant = Grant((Selector.parse("contact.* @ vinix/**"),))
    assert len(grant.snapshot(state.snapshot(NOON)).contacts) == 250
    assert len(asked) < 10  # and not one for each contact


async def test_payloads_and_people_are_left_out_where_the_grant_does_not_have_them():
    async with api_of(grant=Grant(personal=False)) as (gateway, _, url):
        await gateway.snapshot()
        async with reading(url, events_path("**", state=1)) as reader:
            await reader.next()
            await gateway.publish(event(1, parties=PEOPLE))
            messages = {each.event: each.json for each in await reader.take(2)}
        sent = messages[""]
        assert "data" not in sent
        assert not {"caller", "callername", "agentname"} & sent.keys()
        assert sent["agentid"] == "7"
        text = json.dumps(messages)
        assert "+4930123" not in text
        assert "Jo Doe" not in text
        assert "Ann" not in text


async def test_a_page_gets_the_state_then_its_changes_and_the_events_in_one_stream():
    async with api_of() as (gateway, api, url):
        await gateway.snapshot()
        await gateway.publish(event(1))
        async with reading(url, events_path("contact.*", state=1)) as reader:
            snapshot = await reader.next()
            assert snapshot.event == "snapshot"
            assert snapshot.json["position"] == api.positions.text(1)
            assert snapshot.json["contacts"]["acme/1"]["state"] == "queued"
            await gateway.publish(event(1, "contact.connected"))
            messages = {each.event: each.json for each in await reader.take(2)}
        assert messages[""]["type"] == "contact.connected"
        changed = {(each["entity"], each["key"]): each["value"] for each in messages["changes"]["changes"]}
        assert changed["contact", "acme/1"]["state"] == "connected"
        assert messages["changes"]["position"] == api.positions.text(2)


async def test_the_state_alone_needs_no_selector_and_is_one_document():
    async with api_of() as (gateway, api, url):
        await gateway.snapshot()
        await gateway.publish(event(1))
        state = await get_json(url, "/v1/state")
        assert state["position"] == api.positions.text(1)
        assert set(state) >= {"calls", "contacts", "agents", "queues", "feeds", "totals", "day", "live", "now"}
        async with reading(url, "/v1/events?state=1") as reader:
            assert (await reader.next()).json["contacts"].keys() == {"acme/1"}


async def test_a_page_gets_the_time_when_nothing_else_comes(monkeypatch):
    monkeypatch.setattr(sse, "TIME_SECONDS", 0.05)
    async with api_of() as (_gateway, _, url), reading(url, "/v1/events?state=1") as reader:
        assert [each.event for each in await reader.take(2)] == ["snapshot", "time"]


async def test_a_grant_that_covers_nothing_of_the_state_is_refused_it():
    async with api_of(grant=Grant((Selector.parse("contact.queued"),))) as (_, _, url):
        assert (await get(url, "/v1/state"))[0] == 403
        assert (await get(url, "/v1/events?state=1"))[0] == 403


async def test_feeds_and_kinds_are_documents():
    async with api_of() as (_, _, url):
        document = await get_json(url, "/v1/feeds")
        assert document["feeds"] == {}
        assert document["journal"]["taken"] == 0
        kinds = (await get_json(url, "/v1/kinds"))["kinds"]
        assert {"name", "meaning", "csta"} == kinds[0].keys()


async def test_an_event_is_encoded_once_however_many_clients_get_it(monkeypatch):
    encoded = []
    encode = event_module._encoded
    monkeypatch.setattr(event_module, "_encoded", lambda each: encoded.append(each.id) or encode(each))
    async with AsyncExitStack() as stack:
        gateway, _, url = await stack.enter_async_context(api_of(grant=Grant(payloads=False)))
        readers = [await stack.enter_async_context(reading(url, events_path("**"))) for _ in range(20)]
        await trio.testing.wait_all_tasks_blocked()
        await gateway.publish(event(1), event(2))
        for reader in readers:
            assert [each.json["subject"] for each in await reader.take(2)] == ["contact/1", "contact/2"]
    assert sorted(encoded) == sorted([event(1).id, event(2).id] * 2)  # for the journal, and without the payload


async def test_a_client_that_goes_leaves_nothing_but_what_lingers():
    async with api_of(linger=0.05) as (_, api, url):
        async with reading(url, events_path("contact.*")):
            await trio.testing.wait_all_tasks_blocked()
            assert api.counts.clients == 1
            assert api._fanout.taps == 1
        with trio.fail_after(5):
            while api._fanout.taps:
                await trio.testing.wait_all_tasks_blocked(0.02)
        assert api.counts.clients == 0
        assert not api.holds._held


async def test_one_event_is_found_by_its_position(tmp_path):
    async with api_of(config(tmp_path / "journal"), Grant((Selector.parse("contact.*"),))) as (gateway, api, url):
        await gateway.publish(event(1), event(2, "call.connected"))
        found = await get_json(url, f"/v1/events/{api.positions.text(1)}")
        assert (found["id"], found["position"]) == (event(1).id, api.positions.text(1))
        for position, status in ((2, 404), (3, 404)):
            assert (await get(url, f"/v1/events/{api.positions.text(position)}"))[0] == status
        assert (await get(url, "/v1/events/7"))[0] == 404
    async with api_of(config(tmp_path / "journal")) as (gateway, api, url):
        assert (await get_json(url, f"/v1/events/{api.positions.text(2)}"))["type"] == "call.connected"


async def test_one_event_is_found_by_its_id_the_newest_where_several_sources_have_it(tmp_path):
    odd = attrs.evolve(event(3), id="a/b c%é")
    async with api_of(config(tmp_path / "journal")) as (gateway, api, url):
        await gateway.publish(event(1), odd, event(1, provider="other"))
        for _ in range(2):
            for sought, position in ((event(1).id, 3), (odd.id, 2)):
                found = await get_json(url, f"/v1/events/{quote(sought, safe='')}")
                assert (found["id"], found["position"]) == (sought, api.positions.text(position))
            status, _, body = await get(url, "/v1/events/contact.queued-9")
            assert (status, json.loads(body)["error"][:23]) == (404, "there is no such event,")
            api._fanout._ring.clear()  # from the files, then
    grant = Grant((Selector.parse("acme/**"),))
    async with api_of(config(tmp_path / "journal"), grant) as (gateway, api, url):
        await gateway.publish(event(9, provider="other"))
        assert (await get_json(url, f"/v1/events/{event(1).id}"))["position"] == api.positions.text(1)
        assert (await get(url, f"/v1/events/{event(9).id}"))[0] == 404


async def test_a_journal_in_memory_finds_an_id_among_its_newest_events():
    async with api_of() as (gateway, _, url):
        await gateway.publish(event(1))
        assert (await get_json(url, f"/v1/events/{event(1).id}"))["data"] == {"n": 1}
        assert (await get(url, f"/v1/events/{event(2).id}"))[0] == 404


async def test_a_contacts_timeline_is_found_by_its_correlation_and_by_a_number(tmp_path):
    async with api_of(config(tmp_path / "journal")) as (gateway, _, url):
        await gateway.publish(event(1, parties=PEOPLE), event(1, "contact.connected"), event(2))
        for what in ("1", "%2B4930123"):
            (contact,) = (await get_json(url, f"/v1/contacts/{what}"))["contacts"]
            assert contact["correlation"] == "1"
            assert [each["kind"] for each in contact["entries"]] == ["contact.queued", "contact.connected"]
            assert contact["waited"] == 0
        assert (await get(url, "/v1/contacts/9"))[0] == 404
        assert (await get(url, "/v1/contacts/1?last=0"))[0] == 400
    async with api_of(config(tmp_path / "journal"), Grant(personal=False)) as (_, _, url):
        assert b"4930123" not in (await get(url, "/v1/contacts/1"))[2]
        assert (await get(url, "/v1/contacts/%2B4930123"))[0] == 404
    async with api_of() as (_, _, url):
        assert (await get(url, "/v1/contacts/1"))[0] == 501


async def test_a_client_that_is_cut_off_fifty_times_sees_each_event_once_and_in_order(tmp_path):
    rng, seen, last, count = random.Random(24), [], "oldest", 1000
    async with api_of(config(tmp_path / "journal")) as (gateway, api, url), trio.open_nursery() as nursery:
        api._fanout.most_events = 200  # so that it is read from the files, the ring, and live

        async def publish():
            for number in range(0, count, 10):
                await gateway.publish(*(event(each) for each in range(number, number + 10)))
                await trio.sleep(0.001)

        nursery.start_soon(publish)
        for _ in range(50):
            async with reading(url, events_path("**", after=last)) as reader:
                for _ in range(rng.randrange(30)):
                    message = await reader.next()
                    seen.append(message.json["data"]["n"])
                    last = message.id
        async with reading(url, events_path("**", after=last)) as reader:
            seen += await numbers(reader, count - len(seen))
    assert seen == list(range(count))
