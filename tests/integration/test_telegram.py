"""The example plugin of Telegram against a small Bot API on a real socket: what is confirmed there is stored here."""

import json
from functools import partial
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
import trio

import jackfield_telegram
from jackfield import open_gateway
from jackfield.plugin.http import Response
from jackfield.simulation._listener import serve_stream

TOKEN = "AAE-s3cret-of-the-bot"  # of nobody's bot


async def no_websocket(incoming):
    raise AssertionError("a bot is polled")


@attrs.define
class BotApi:
    """Keeps updates until a request's offset says that they were received."""

    updates: list = attrs.field(factory=list)
    offsets: list = attrs.field(factory=list)
    stored: object = None
    """Called for each request with an offset: what the gateway has stored by then."""
    came: trio.Event = attrs.field(factory=trio.Event)
    url: str = ""

    def say(self, number):
        chat = {"id": number % 3 + 1, "type": "private"}
        self.updates.append({"update_id": number, "message": {"chat": chat, "date": 1_767_268_800, "text": "hi"}})
        self.came.set()
        self.came = trio.Event()

    async def answer(self, request):
        parts = urlsplit(request.url)
        if parts.path != f"/bot123:{TOKEN}/getUpdates":
            return Response(401, body=b'{"ok":false,"error_code":401,"description":"Unauthorized"}')
        offset = int(parse_qs(parts.query).get("offset", ["0"])[0])
        self.offsets.append((offset, self.stored() if offset and self.stored else None))
        self.updates = [each for each in self.updates if each["update_id"] >= offset]
        while not self.updates:
            await self.came.wait()
        return Response(200, body=json.dumps({"ok": True, "result": self.updates}).encode())

    async def listen(self, nursery):
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        await nursery.start(trio.serve_listeners, partial(serve_stream, no_websocket, answer=self.answer), listeners)


def document(api, folder, token=TOKEN):
    feed = {"provider": "telegram", "bot": "123", "token": token, "url": api.url}
    return {"gateway": {"journal": str(folder / "journal")}, "feeds": {"bot": feed}}


@pytest.fixture
async def api(nursery):
    api = BotApi()
    await api.listen(nursery)
    return api


async def until(events, count):
    """The numbers of the next messages, and the kinds of what was said about the stream."""
    numbers, facts = [], []
    async for each in events:
        if each.kind.startswith("stream."):
            facts.append(each.kind)
        else:
            numbers.append(each.data["update_id"])
        if len(numbers) == count:
            break
    return numbers, facts


async def test_an_offset_is_sent_when_the_messages_before_it_are_stored_and_a_restart_goes_on_there(api, tmp_path):
    config = document(api, tmp_path)
    for number in (1, 2, 3):
        api.say(number)
    with trio.fail_after(20):
        async with open_gateway(config, plugins=[jackfield_telegram]) as gateway:
            api.stored = lambda: (gateway.state().journal.kept, gateway.state().journal.waiting)
            with gateway.listen("**") as events:
                assert (await until(events, 3))[0] == [1, 2, 3]
                api.say(4)
                assert (await until(events, 1))[0] == [4]
        assert [offset for offset, _ in api.offsets[:2]] == [0, 4]
        assert all(waiting == 0 for _, (kept, waiting) in api.offsets[1:])
        before, api.stored = len(api.offsets), None
        api.say(5)
        async with open_gateway(config, plugins=[jackfield_telegram]) as gateway:
            with gateway.listen("**") as events:
                numbers, facts = await until(events, 1)
    assert numbers == [5], "what was stored does not come again"
    assert api.offsets[before][0] == 5
    assert "stream.gap_suspected" not in facts


async def test_a_wrong_token_is_reported_and_does_not_show(api, tmp_path):
    async with open_gateway(document(api, tmp_path, "AAE-another"), plugins=[jackfield_telegram]) as gateway:
        with gateway.listen("stream.*") as events, trio.fail_after(10):
            async for each in events:
                if each.kind == "stream.disconnected":
                    break
        urls = [str(each) for each in (each.data, gateway.state().feeds["bot"])]
    assert "401" in each.data["reason"]
    assert not any("AAE-another" in text for text in urls)
