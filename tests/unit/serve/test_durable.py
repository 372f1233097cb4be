"""`jackfield._serve.durable`: the server remembers what a client has acknowledged, whatever becomes of the two."""

import json
import shutil
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
import trio.testing
from served import (
    BEARER,
    api_of,
    config,
    event,
    events_path,
    get,
    get_json,
    hear,
    limited,
    options,
    post_json,
    reading,
    say,
    serving,
    socket,
)
from trio_websocket import ConnectionClosed

import jackfield
from jackfield._journal.copying import back_up
from jackfield._journal.store import SegmentStore
from jackfield._serve import sse
from jackfield.config import ServeOptions, TokenOptions
from jackfield.config.dashboard import ViewerOptions
from jackfield.errors import JournalError
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.secrets import Secret
from jackfield.reports import DurableOwnerless, DurableStats
from jackfield.selectors import Selector

DESK = "/v1/durable/desk"


@attrs.define(eq=False)
class Hearing:
    """Hears what is reported."""

    heard: list

    @hookimpl
    def jackfield_observe(self, report):
        self.heard.append(report)


async def numbers(reader, count):
    return [message.json["data"]["n"] for message in await reader.take(count)]


@asynccontextmanager
async def durable(url, select="contact.*", **query):
    async with reading(url, events_path(select, durable="desk", **query)) as reader:
        await trio.testing.wait_all_tasks_blocked()
        yield reader


async def test_a_client_goes_on_behind_what_it_acknowledged_and_needs_no_position_for_that(tmp_path):
    async with api_of(config(tmp_path / "journal")) as (gateway, _, url):
        await gateway.publish(event(1))
        async with durable(url) as reader:
            await gateway.publish(event(2), event(3), event(4))
            messages = await reader.take(3)
            assert [each.json["data"]["n"] for each in messages] == [2, 3, 4]
            status, answer = await post_json(url, DESK, {"position": messages[1].id}, "POST")
            assert (status, answer["position"], answer["behind"]) == (200, messages[1].id, 1)
            assert answer["select"] == ["contact.*"] and answer["followed"]
        async with durable(url) as reader:
            assert await numbers(reader, 1) == [4]
    async with api_of(config(tmp_path / "journal")) as (gateway, _, url):
        await gateway.publish(event(5))
        async with durable(url) as reader:
            assert await numbers(reader, 2) == [4, 5]


async def test_an_answer_to_what_was_acknowledged_comes_once_sigkill_cannot_take_it(tmp_path):
    async with api_of(config(tmp_path / "journal")) as (gateway, _, url), durable(url) as reader:
        await gateway.publish(*map(event, range(9)))
        messages = await reader.take(9)
        assert (await post_json(url, DESK, {"position": messages[5].id}))[0] == 200
        shutil.copytree(tmp_path / "journal", tmp_path / "killed")  # as SIGKILL leaves it
    async with api_of(config(tmp_path / "killed")) as (_, _, url), durable(url) as reader:
        assert await numbers(reader, 3) == [6, 7, 8]


async def test_a_client_that_comes_back_with_a_last_event_id_acknowledges_up_to_there():
    async with api_of() as (gateway, api, url):
        async with durable(url) as reader:
            await gateway.publish(event(1), event(2), event(3))
            second = (await reader.take(2))[1]
        async with reading(url, events_path("contact.*", durable="desk"), **{"Last-Event-ID": second.id}) as reader:
            assert await numbers(reader, 1) == [3]
        assert (await get_json(url, DESK))["position"] == second.id
        earlier = api.positions.text(1)  # what is done is done
        async with reading(url, events_path("contact.*", durable="desk"), **{"Last-Event-ID": earlier}) as reader:
            assert await numbers(reader, 1) == [3]


@pytest.mark.parametrize("word", ["newest", "oldest"])
async def test_a_word_in_place_of_a_position_acknowledges_nothing_where_a_client_comes_back(word):
    async with serving() as (gateway, url):
        await gateway.publish(event(1), event(2))
        async with durable(url, after="oldest") as reader:
            first = (await reader.take(2))[0]
            assert (await post_json(url, DESK, {"position": first.id}))[0] == 200
        status, _, body = await get(url, events_path("contact.*", durable="desk"), **{"Last-Event-ID": word})
        assert (status, json.loads(body)["error"]) == (
            400,
            f"Last-Event-ID: {word!r} is not a position of a journal; give one as it came, such as an event's",
        )
        async with socket(url, "/v1/events", "jackfield.v1") as opened:
            await say(opened, type="subscribe", id="a", select=["contact.*"], durable="desk")
            assert [(await hear(opened))["type"] for _ in range(2)] == ["subscribed", "event"]
            await say(opened, type="resume", id="a", after=word)
            error = (await hear(opened))["error"]
            assert error == f"after: a durable subscription is resumed behind a position, not by {word!r}"
            assert (await get_json(url, DESK))["position"] == first.id
            await gateway.publish(event(3))
            assert (await hear(opened))["event"]["data"] == {"n": 3}  # it goes on all the same


async def test_after_says_where_a_new_one_begins_and_nothing_to_one_that_is_known():
    async with api_of() as (gateway, _, url):
        await gateway.publish(event(1), event(2))
        for _ in range(2):
            async with durable(url, after="oldest") as reader:
                messages = await reader.take(2)
                assert [each.json["data"]["n"] for each in messages] == [1, 2]
        assert (await post_json(url, DESK, {"position": messages[0].id}))[0] == 200
        async with durable(url, after="oldest") as reader:
            assert await numbers(reader, 1) == [2]
        async with durable(url, after="newest") as reader:
            assert await numbers(reader, 1) == [2]


async def test_the_newest_client_takes_over_and_the_one_before_is_told(tmp_path):
    opening = api_of(config(tmp_path / "journal"))
    async with opening as (gateway, _, url), durable(url) as first, durable(url) as second:
        assert (await first.next()).event == "taken_over"
        with pytest.raises(EOFError):
            await first.next()
        await gateway.publish(event(1))
        assert await numbers(second, 1) == [1]
        assert gateway.state().serve.clients == 1
        assert sum(gateway.state().serve.rejections.values()) == 1


async def test_what_is_not_for_a_client_is_passed_over_while_it_has_nothing_to_acknowledge(monkeypatch):
    monkeypatch.setattr(sse, "COMMENT_SECONDS", 0.05)
    async with api_of() as (gateway, _, url), durable(url, "agent.*") as reader:
        await gateway.publish(*map(event, range(9)))
        with trio.fail_after(10):
            while (await get_json(url, DESK))["behind"]:
                await reader.more()


async def test_a_client_that_is_slower_than_its_events_loses_none_and_reads_them_from_the_journal(tmp_path):
    async with api_of(config(tmp_path / "journal")) as (gateway, api, url):
        api.buffer_bytes, api._fanout.most_events = 2000, 50
        async with durable(url) as reader:
            await gateway.publish(event(0))
            await reader.next()
            await gateway.publish(*map(event, range(1, 400)))  # in one commit, so that nothing is sent in between
            assert await numbers(reader, 399) == list(range(1, 400))
            assert gateway.state().serve.dropped == 0


async def test_what_retention_has_deleted_meanwhile_is_a_gap_that_comes_first():
    async with api_of(config(memory_events=10)) as (gateway, api, url):
        api._fanout.most_events = 10
        async with durable(url) as reader:
            await gateway.publish(event(0))
            first = await reader.next()
            assert (await post_json(url, DESK, {"position": first.id}))[0] == 200
        for number in range(1, 41):
            await gateway.publish(event(number))
        async with durable(url) as reader:
            gap, *rest = await reader.take(11)
            assert gap.json["type"] == "stream.gap_suspected"
            assert gap.json["data"]["from"] == first.id
            assert gap.json["data"]["events"] == rest[0].json["data"]["n"] - 1


async def test_a_gap_that_no_client_has_acknowledged_is_said_again(tmp_path):
    async with api_of(config(tmp_path / "journal")) as (gateway, api, url):
        async with durable(url) as reader:
            await gateway.publish(event(0))
            assert (await post_json(url, DESK, {"position": (await reader.next()).id}))[0] == 200
        await gateway.publish(*map(event, range(1, 9)))
        store = gateway._journal._store
        store.folder._close_segment()
        store.folder.delete_before(store.next)  # as retention does, and nothing is left
        gateway._journal.log._newest.clear()
        api._fanout._ring.clear()
        api._fanout.first = gateway._journal.end
        for _ in range(2):
            async with durable(url) as reader:
                gap = await reader.next()
                assert (gap.json["type"], gap.json["data"]["events"]) == ("stream.gap_suspected", 8)
        assert (await post_json(url, DESK, {"position": gap.json["data"]["to"]}))[0] == 200
        async with durable(url) as reader:
            await gateway.publish(event(9))
            assert await numbers(reader, 1) == [9]


async def test_each_token_has_names_of_its_own_and_its_rights_hold():
    tokens = limited("contact.* @ vinix/**") | {"other": TokenOptions(f"sha256:{'0' * 64}", (Selector.parse("**"),))}
    async with serving(options(tokens=tokens)) as (gateway, url):
        gateway._listeners.durables.open("other/theirs", (Selector.parse("**"),), 1)
        gateway._listeners.durables.open("process", (Selector.parse("**"),), 1)
        async with reading(url, events_path("**", durable="mine"), **BEARER) as reader:
            await trio.testing.wait_all_tasks_blocked()
            await gateway.publish(event(1), event(2, provider="vinix"))
            assert (await reader.next()).json["data"] == {"n": 2}
        listed = await get_json(url, "/v1/durable", **BEARER)
        assert [(each["name"], each["select"]) for each in listed["durable"]] == [("mine", ["contact.* @ vinix/**"])]
        assert (await get(url, "/v1/durable/theirs", **BEARER))[0] == 404
        assert (await get(url, "/v1/durable/process", **BEARER))[0] == 404
        assert (await get(url, "/v1/durable/mine"))[0] == 401
        assert (await get(url, events_path("agent.*", durable="another"), **BEARER))[0] == 403
        assert len((await get_json(url, "/v1/durable", **BEARER))["durable"]) == 1


@pytest.mark.parametrize(
    ("serve", "names"),
    [
        (options(tokens=limited("**")), ("/own", "old/desk")),
        (options(tokens=limited("**"), open=True), ("old/desk",)),
        (ServeOptions(), ("old/desk", "wall/desk")),
    ],
    ids=["tokens", "open too", "nothing is served"],
)
async def test_those_of_a_token_that_is_not_configured_are_reported_at_the_start_and_in_the_state(
    tmp_path, serve, names
):
    every = ("/own", "old/desk", "process", "viewers/boss/desk", "wall/desk")
    async with jackfield.open_gateway(config(tmp_path / "journal")) as gateway:
        for name in every:
            gateway._listeners.durables.open(name, (Selector.parse("**"),), 1)
        await gateway.publish(event(1))
    heard = []
    viewers = {"boss": ViewerOptions(Secret.from_config("a token of the dashboard's"))}
    changed = attrs.evolve(config(tmp_path / "journal"), serve=serve, viewers=viewers)
    opening = jackfield.open_gateway(changed, plugins=[Hearing(heard)])
    async with opening as gateway:
        assert gateway.state().durable == {name: DurableStats(1, name not in names) for name in every}
    (report,) = [each for each in heard if isinstance(each, DurableOwnerless)]
    assert report.names == names
    assert f"not configured: {', '.join(names)}; nobody can follow them" in str(report)


async def test_one_that_nobody_follows_can_be_forgotten():
    async with api_of() as (gateway, _, url):
        async with durable(url) as reader:
            await gateway.publish(event(1))
            await reader.next()
            assert (await post_json(url, DESK, None, "DELETE"))[0] == 409
        with trio.fail_after(5):
            while (await get_json(url, DESK))["followed"]:
                await trio.testing.wait_all_tasks_blocked()
        assert await post_json(url, DESK, None, "DELETE") == (204, None)
        assert (await get(url, DESK))[0] == 404
        async with durable(url) as reader:
            await gateway.publish(event(2))
            assert await numbers(reader, 1) == [2]


async def test_what_the_disk_does_not_take_is_answered_soon_with_the_reason_and_nothing_is_confirmed(
    tmp_path, monkeypatch
):
    async with serving(journal=tmp_path / "journal") as (gateway, url):
        async with durable(url) as reader:
            await gateway.publish(event(1))
            position = (await reader.next()).id
        await gateway._listeners.durables.saved()
        with monkeypatch.context() as full, trio.fail_after(5):
            full.setattr(SegmentStore, "save", refuse_to_save)
            for method, document in (("POST", {"position": position}), ("DELETE", None), ("DELETE", None)):
                status, answer = await post_json(url, DESK, document, method)
                assert (status, answer) == (503, {"error": "not saved yet: state.db: disk is full; it is tried again"})
            async with socket(url, "/v1/events", "jackfield.v1") as opened:
                await say(opened, type="subscribe", id="a", select=["contact.*"], durable="ws", after=position)
                await say(opened, type="acknowledge", id="a", position=position)
                assert "state.db: disk is full" in (await hear(opened, "error"))["error"]
        with trio.fail_after(10):
            while (status := (await post_json(url, DESK, None, "DELETE"))[0]) == 503:
                await trio.testing.wait_all_tasks_blocked(0.1)
        assert status == 404


def refuse_to_save(_store, _notes, *, durable=False):
    raise JournalError("state.db: disk is full")


@pytest.mark.parametrize(
    ("path", "method", "document", "status", "said"),
    [
        (events_path("**", durable="a b"), "GET", None, 400, "durable: 'a b' is not a name"),
        (events_path("**", durable=""), "GET", None, 400, "durable: '' is not a name"),
        (events_path("**", durable="desk", state=1), "GET", None, 400, "durable: is for events"),
        ("/v1/durable/nobody", "POST", {"position": "x"}, 404, "there is no such durable subscription"),
        ("/v1/durable/desk/more", "GET", None, 404, "there is no such durable subscription"),
        (DESK, "POST", {"position": "x"}, 400, "position: 'x' is not a position"),
        (DESK, "POST", {"place": "x"}, 400, "body: Object contains unknown field"),
        (DESK, "POST", {"position": f"{'0' * 32}-{5:016d}"}, 409, "position: 0000"),
        (DESK, "PUT", {}, 405, "only GET, HEAD, POST, DELETE are allowed here"),
        ("/v1/durable", "POST", {}, 405, "only GET, HEAD are allowed here"),
    ],
)
async def test_what_is_wrong_is_refused_with_the_reason(path, method, document, status, said):
    async with api_of() as (_, _, url):
        async with durable(url):
            pass
        got, answer = await post_json(url, path, document, method)
        assert got == status
        assert answer["error"].startswith(said)


async def test_what_was_not_committed_yet_cannot_be_acknowledged():
    async with api_of() as (_, api, url):
        async with durable(url):
            pass
        status, answer = await post_json(url, DESK, {"position": api.positions.text(99)})
        assert status == 409
        assert "is not in this journal" in answer["error"]


async def test_after_a_backup_was_put_back_a_later_position_acknowledges_nothing(tmp_path):
    async with api_of(config(tmp_path / "journal")) as (gateway, _, url):
        async with durable(url, after="oldest") as reader:
            await gateway.publish(event(1), event(2))
            first = await reader.next()
            assert (await post_json(url, DESK, {"position": first.id}))[0] == 200
        await trio.to_thread.run_sync(back_up, tmp_path / "journal", tmp_path / "copy")
        async with durable(url) as reader:
            await gateway.publish(event(3), event(4))
            late = (await reader.take(3))[-1]
    async with api_of(config(tmp_path / "copy")) as (gateway, _, url):
        await gateway.publish(event(8))
        status, answer = await post_json(url, DESK, {"position": late.id})
        assert (status, "was set back" in answer["error"]) == (409, True)
        async with reading(url, events_path("contact.*", durable="desk"), **{"Last-Event-ID": late.id}) as reader:
            gap, *rest = await reader.take(3)
            assert (gap.json["type"], gap.json["data"]["from"]) == ("stream.gap_suspected", late.id)
            assert [each.json["data"]["n"] for each in rest] == [2, 8]
            shown = await get_json(url, DESK)
            assert (shown["position"], shown["behind"]) == (first.id, 2)
            assert (await post_json(url, DESK, {"position": rest[1].id}))[1]["behind"] == 0


async def test_on_a_websocket_messages_acknowledge_and_the_answer_comes_when_it_is_saved(tmp_path):
    opening = serving(journal=tmp_path / "journal")
    async with opening as (gateway, url), socket(url, "/v1/events", "jackfield.v1") as opened:
        await say(opened, type="subscribe", id="a", select=["contact.*"], durable="desk")
        assert (await hear(opened))["type"] == "subscribed"
        await trio.testing.wait_all_tasks_blocked()
        await gateway.publish(event(1), event(2), event(3))
        positions = [(await hear(opened))["position"] for _ in range(3)]
        for each in positions[:2]:
            await say(opened, type="acknowledge", id="a", position=each)
        while (answer := await hear(opened))["position"] != positions[1]:
            assert answer["type"] == "acknowledged"
        shutil.copytree(tmp_path / "journal", tmp_path / "killed")
        await say(opened, type="acknowledge", id="a", position="x")
        assert "not a position" in (await hear(opened))["error"]
        await say(opened, type="acknowledge", id="b", position=positions[2])
        assert "no durable subscription 'b'" in (await hear(opened))["error"]
        await say(opened, type="resume", id="a", after=positions[2])
        assert (await hear(opened))["type"] == "subscribed"
        await trio.testing.wait_all_tasks_blocked()
        await gateway.publish(event(4))
        assert (await hear(opened))["event"]["data"] == {"n": 4}
        assert (await get_json(url, DESK))["position"] == positions[2]
    opening = serving(journal=tmp_path / "killed")
    async with opening as (gateway, url), socket(url, "/v1/events", "jackfield.v1") as opened:
        await say(opened, type="subscribe", id="z", select=["contact.*"], durable="desk")
        assert (await hear(opened))["type"] == "subscribed"
        assert (await hear(opened))["event"]["data"] == {"n": 3}


async def test_a_subscription_that_is_taken_over_ends_and_the_connection_goes_on():
    async with serving() as (_, url), socket(url, "/v1/events", "jackfield.v1") as first:
        await say(first, type="subscribe", id="a", select=["**"], durable="desk")
        assert (await hear(first))["type"] == "subscribed"
        await trio.testing.wait_all_tasks_blocked()
        async with socket(url, events_path("**", durable="desk"), "cloudevents.json") as second:
            assert await hear(first) == {
                "type": "unsubscribed",
                "id": "a",
                "reason": "another client follows this durable subscription now",
            }
            await say(first, type="subscribe", id="a", select=["**"], durable="desk")
            assert (await hear(first))["type"] == "subscribed"
            with pytest.raises(ConnectionClosed) as caught:
                await second.get_message()
            assert caught.value.reason.code == 4009
            await say(first, type="subscribe", id="b", select=["**"], durable="no name")
            assert "is not a name" in (await hear(first))["error"]
