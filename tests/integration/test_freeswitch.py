"""The example plugin of FreeSWITCH against a small switch, on a real socket: drop, reconnect, gap."""

from datetime import UTC, datetime

import pytest
import trio
from vendors.freeswitch import CORE, PASSWORD, Socket, Switch, event, written

import jackfield_freeswitch
from example_suites.freeswitch import CALL, FreeswitchSuite, PlainFreeswitchSuite
from jackfield import open_gateway
from jackfield.errors import FrameError
from jackfield.plugin.protocol import Disconnect, Emit, Ignore, Send, Subscribed
from jackfield.plugin.secrets import Secret
from jackfield_freeswitch import EventSocket, Freeswitch

OTHER = "0c9d2f6e-58a3-4a37-8f52-2b8a4f6f9e20"
AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_both_formats_say_the_same():
    fields = event("CHANNEL_ANSWER", CALL, 7, **{"Caller-Caller-ID-Name": "Jo: 50 %"})
    (json_event,) = FreeswitchSuite().emitted(written(fields))
    (plain_event,) = PlainFreeswitchSuite().emitted(written(fields, "plain"))
    assert (json_event.id, json_event.data) == (plain_event.id, plain_event.data)
    assert json_event.kind == "call.connected"
    assert str(json_event.address) == f"freeswitch/switch/pbx-1/call/{CALL}/CHANNEL_ANSWER"
    assert json_event.time == datetime(2026, 1, 1, 12, 0, 0, 7000, tzinfo=UTC)


def conversation(*topics):
    """A protocol that is logged in and has these topics, the switch's side, and what is said in between."""
    protocol, client = EventSocket("pbx", "pbx-1", PASSWORD), Socket()
    say(protocol, client, [])
    for answer in client.opened():
        say(protocol, client, protocol.received(answer.encode(), AT))
    for topic in topics:
        assert Subscribed(topic) in say(protocol, client, protocol.subscribe(topic))
    return protocol, client


def say(protocol, client, actions):
    """Everything that follows from some actions."""
    done, left = [], list(actions)
    while left:
        action = left.pop(0)
        done.append(action)
        if isinstance(action, Send):
            for answer in client.received(action.frame):
                left += protocol.received(answer.encode(), AT)
    return done


def test_one_call_is_a_filter_and_all_calls_are_none():
    protocol, client = conversation(f"call:{CALL}")
    assert client.filters == {("Unique-ID", CALL)}
    assert client.frames_for(event("CHANNEL_ANSWER", CALL, 1)) != []
    assert client.frames_for(event("CHANNEL_ANSWER", OTHER, 2)) == []
    say(protocol, client, protocol.subscribe("all"))
    assert client.filters == set()
    assert client.frames_for(event("CHANNEL_ANSWER", OTHER, 3)) != []
    say(protocol, client, protocol.unsubscribe("all"))
    assert client.filters == {("Unique-ID", CALL)}
    say(protocol, client, protocol.unsubscribe(f"call:{CALL}"))
    assert client.frames_for(event("CHANNEL_ANSWER", CALL, 4)) == []


def test_a_wrong_password_is_refused_authentication():
    protocol, client = EventSocket("pbx", "pbx-1", "wrong"), Socket()
    (_, send) = protocol.received(b"Content-Type: auth/request\n\n", AT)
    answer, notice, _ = client.received(send.frame)
    assert [type(each) for each in protocol.received(answer.encode(), AT)] == [Ignore, Disconnect]
    assert protocol.received(notice.encode(), AT)[1] == Disconnect("the switch closes the connection")
    (_, rude) = protocol.received(b"Content-Type: text/rude-rejection\nContent-Length: 3\n\nno\n", AT)
    assert rude.auth_failed


@pytest.mark.parametrize("identity", ["x\n\nexit", "a b", ""])
def test_an_id_that_would_be_a_command_is_no_topic(identity):
    with pytest.raises(ValueError, match="is not a topic"):
        Freeswitch("pbx-1", Secret("text", "x")).dialect.pattern_of(f"call:{identity}")


@pytest.mark.parametrize("frame", [b"", b"Content-Type: text/event-json\n\n[]", b"Content-Type: \xff\n\n", b"\n\n"])
def test_what_is_no_event_is_a_frame_error(frame):
    with pytest.raises(FrameError):
        EventSocket("pbx", "pbx-1", "").received(frame, AT)


def test_an_event_without_a_call_is_the_switchs():
    fields = {name: value for name, value in event("HEARTBEAT", CALL, 1).items() if name != "Unique-ID"}
    (emit,) = EventSocket("pbx", "pbx-1", "").received(written(fields), AT)
    assert isinstance(emit, Emit)
    assert (emit.event.kind, emit.event.address[3:5]) == ("unmapped.core", ("core", CORE))


def document(switch, **more):
    feed = {"provider": "freeswitch", "url": f"tcp://127.0.0.1:{switch.port}", "switch": "pbx-1", "password": PASSWORD}
    return {"feeds": {"pbx": feed | more}}


async def test_a_cut_is_a_gap_and_the_filters_are_set_again():
    switch = Switch()
    async with switch.running(), open_gateway(document(switch), plugins=[jackfield_freeswitch]) as gateway:
        select = f"freeswitch/switch/pbx-1/call/{CALL}/*", "stream.*"
        with gateway.listen(*select) as events, trio.fail_after(20):
            seen = await until(events, "stream.subscribed")
            await switch.publish(event("CHANNEL_CREATE", CALL, 1))
            await switch.publish(event("CHANNEL_CREATE", OTHER, 2))
            await switch.publish(event("CHANNEL_ANSWER", CALL, 3))
            seen += await until(events, "call.connected")
            await switch.cut()
            seen += await until(events, "stream.gap_suspected")
            await switch.publish(event("CHANNEL_HANGUP_COMPLETE", CALL, 5))
            seen += await until(events, "call.cleared")
        assert switch.sockets[0].filters == {("Unique-ID", CALL)}
        stats = gateway.state().feeds["pbx"]
    assert [each.kind for each in seen] == [
        "stream.connected",
        "stream.subscribed",
        "call.initiated",
        "call.connected",
        "stream.disconnected",
        "stream.connected",
        "stream.subscribed",
        "stream.gap_suspected",
        "stream.not_verified",
        "call.cleared",
    ]
    assert (stats.gaps, stats.connections, stats.unreadable) == (1, 2, 0)


async def test_a_switch_that_refuses_the_password_is_reported_without_it():
    switch = Switch()
    async with (
        switch.running(),
        open_gateway(document(switch, password="n0t-it"), plugins=[jackfield_freeswitch]) as gateway,
    ):
        with gateway.listen("stream.*") as events, trio.fail_after(10):
            *_, lost = await until(events, "stream.disconnected")
    assert lost.data["reason"] == "the switch refused the password: -ERR invalid"


async def until(events, kind):
    seen = []
    async for each in events:
        seen.append(each)
        if each.kind == kind:
            break
    return seen
