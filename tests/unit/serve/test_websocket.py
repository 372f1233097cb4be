"""`jackfield._serve.websocket`: one CloudEvent a message, and several subscriptions on one connection."""

import json

import pytest
import trio
import trio.testing
from served import BEARER, event, events_path, get, hear, limited, options, say, serving, socket
from trio_websocket import ConnectionClosed

from jackfield.events import Event


@pytest.mark.parametrize("protocol", ["cloudevents.json", None])
async def test_each_message_is_one_cloudevent_and_resumes_by_its_position(protocol):
    async with serving() as (gateway, url):
        async with socket(url, events_path("contact.*"), protocol) as opened:
            assert opened.subprotocol == protocol
            await gateway.publish(event(1), event(2, "call.connected"), event(3))
            first = await hear(opened)
            assert Event.from_cloudevent(first) == event(1)
        async with socket(url, events_path("contact.*", after=first["position"]), protocol) as opened:
            assert (await hear(opened))["data"] == {"n": 3}
            await gateway.publish(event(4))
            assert (await hear(opened))["data"] == {"n": 4}


async def test_several_subscriptions_on_one_connection_come_go_and_resume():
    async with serving() as (gateway, url), socket(url, protocol="jackfield.v1") as opened:
        await say(opened, type="subscribe", id="a", select=["contact.*"])
        assert await hear(opened) == {"type": "subscribed", "id": "a", "select": ["contact.*"]}
        await say(opened, type="subscribe", id="b", select=["call.*"])
        assert (await hear(opened))["id"] == "b"
        await trio.testing.wait_all_tasks_blocked()
        await gateway.publish(event(1), event(2, "call.connected"), event(3))
        got = [await hear(opened, "event") for _ in range(3)]
        assert {(each["id"], each["event"]["data"]["n"]) for each in got} == {("a", 1), ("b", 2), ("a", 3)}
        first = next(each for each in got if each["event"]["data"]["n"] == 1)
        assert first["position"] == first["event"]["position"]
        await say(opened, type="unsubscribe", id="b")
        assert await hear(opened) == {"type": "unsubscribed", "id": "b"}
        await say(opened, type="resume", id="a", after=first["position"])
        assert (await hear(opened))["type"] == "subscribed"
        assert (await hear(opened, "event"))["event"]["data"]["n"] == 3
        await trio.testing.wait_all_tasks_blocked()
        await gateway.publish(event(4, "call.connected"), event(5))
        assert (await hear(opened, "event"))["event"]["data"]["n"] == 5


async def test_a_subscription_may_begin_with_the_state():
    async with serving() as (gateway, url), socket(url, protocol="jackfield.v1") as opened:
        await gateway.snapshot()
        await gateway.publish(event(1))
        await say(opened, type="subscribe", id="s", select=["contact.*"], state=True)
        assert (await hear(opened))["type"] == "subscribed"
        assert (await hear(opened, "snapshot"))["state"]["contacts"].keys() == {"acme/1"}
        await gateway.publish(event(1, "contact.connected"))
        got = {each["type"]: each for each in [await hear(opened), await hear(opened)]}
        assert got["event"]["event"]["type"] == "contact.connected"
        assert {each["entity"] for each in got["changes"]["state"]["changes"]} >= {"contact", "totals"}


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("nonsense", "malformed"),
        ('{"type": "dance", "id": "a"}', "Invalid enum value"),
        ('{"type": "subscribe", "id": "a", "select": ["x"]}', "a kind is two words"),
        ('{"type": "subscribe", "id": "a"}', "none is given"),
        ('{"type": "subscribe", "id": "a", "select": ["agent.*"]}', "nothing of that is asked for"),
        ('{"type": "subscribe", "id": "a", "select": ["contact.*"], "after": "7"}', "not a position"),
        ('{"type": "unsubscribe", "id": "a"}', "there is no subscription 'a'"),
        ('{"type": "resume", "id": "a", "after": ""}', "there is no subscription 'a'"),
        ('{"type": "subscribe", "id": "a", "select": ["**"], "after": ""}', "after: is empty or missing"),
        ('{"type": "subscribe", "id": "a", "select": ["**"], "durable": ""}', "durable: '' is not a name"),
        ('{"type": "subscribe", "id": "a", "select": ["**"], "position": "x"}', "position: subscribe does not have it"),
        ('{"type": "unsubscribe", "id": "a", "durable": "x"}', "durable: unsubscribe does not have it"),
        ('{"type": "resume", "id": "a", "select": ["**"]}', "select: resume does not have it; it has after"),
        ('{"type": "acknowledge", "id": "a", "after": "x"}', "after: acknowledge does not have it; it has position"),
        ('{"type": "subscribe", "id": "a", "select": ["**"], "aftr": "x"}', "unknown field"),
    ],
)
async def test_what_is_wrong_with_a_message_is_said_and_the_connection_lives(message, said):
    async with serving(options(tokens=limited("contact.*"))) as (_, url):
        headers = [(name, value.encode()) for name, value in BEARER.items()]
        async with socket(url, protocol="jackfield.v1", headers=headers) as opened:
            await opened.send_message(message)
            answer = await hear(opened)
            assert answer["type"] == "error"
            assert said in answer["error"]
            await say(opened, type="subscribe", id="z", select=["contact.queued"])
            assert (await hear(opened))["type"] == "subscribed"


HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        (events_path("**"), {}, 401),
        (events_path("agent.*"), BEARER, 403),
        (events_path("contact"), BEARER, 400),
        (events_path("contact.*"), {**BEARER, "Sec-WebSocket-Protocol": "mqtt"}, 400),
        (
            events_path("contact.*"),
            {**BEARER, "Sec-WebSocket-Protocol": "jackfield.v1"},
            400,
        ),  # it has them in messages
        (events_path("contact.*", state=1), BEARER, 400),
        (events_path("contact.*", check=1), BEARER, 400),
        (events_path("contact.*"), {**BEARER, "Origin": "https://evil.example"}, 403),
        (events_path("contact.*"), {**BEARER, "Host": "evil.example"}, 421),
        (events_path("contact.*"), {**BEARER, "Sec-WebSocket-Version": "8"}, 426),
        ("/v1/state", BEARER, 404),
    ],
)
async def test_a_handshake_is_refused_as_a_request_would_be(path, more, status):
    async with serving(options(tokens=limited("contact.*"))) as (gateway, url):
        answered, headers, body = await get(url, path, **{**HANDSHAKE, **more})
        assert answered == status
        assert (headers.get("sec-websocket-version"), headers.get("upgrade")) == (
            ("13", "websocket") if status == 426 else (None, None)
        )
        assert json.loads(body)["error"] in gateway.state().serve.rejections


async def test_a_message_that_is_too_long_ends_the_connection():
    async with serving() as (gateway, url), socket(url, protocol="jackfield.v1") as opened:
        await opened.send_message("x" * 70_000)
        with pytest.raises(ConnectionClosed) as caught:
            await opened.get_message()
        assert caught.value.reason.code == 1009
        assert gateway.state().serve.accepted == 1
