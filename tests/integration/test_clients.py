"""The simulators with the clients that the vendors' own documentation shows."""

import json
import threading
from functools import partial

import pytest
import trio
import websocket

CUSTOMER = "550e8400-e29b-41d4-a716-446655440000"
ACCOUNT = "4b31dd1d32ce6d249897c06332375d65"


def collect(url, subscription, enough, **options):
    """The quick start's client: subscribe when it opens, take what comes, until it is enough."""
    received = []

    def on_open(client):
        client.send(json.dumps(subscription))

    def on_message(client, message):
        received.append(json.loads(message))
        if enough(received):
            client.close()

    client = websocket.WebSocketApp(url, on_open=on_open, on_message=on_message, **options)
    timer = threading.Timer(20, client.close)
    timer.start()
    client.run_forever()
    timer.cancel()
    return received


async def test_voipbins_quick_start_client_receives_calls_and_transcripts(simulate):
    _, url = await simulate("voipbin")
    subscription = {
        "type": "subscribe",
        "topics": [f"customer_id:{CUSTOMER}:call:*", f"customer_id:{CUSTOMER}:transcribe:*"],
    }

    def enough(received):
        types = [each.get("event_type", "") for each in received]
        return "transcript_created" in types and "call.ended" in types

    received = await trio.to_thread.run_sync(partial(collect, f"{url}?token=voipbin-s3cret", subscription, enough))
    assert enough(received)
    events = [each for each in received if each.get("event_type")]
    transcript = next(each for each in events if "transcript" in each["event_type"])
    assert transcript["data"]["direction"] in ("in", "out")
    assert transcript["data"]["message"]
    assert {each["topic"].split(":")[2] for each in events} == {"call", "transcribe"}
    assert all({"event_type", "timestamp", "topic", "data"} == each.keys() for each in events)


async def test_vinixs_browser_client_receives_queues_recipients_and_sessions(simulate):
    _, url = await simulate("vinix")
    results = {}

    def listen(family):
        subscription = {
            "action": "subscribe",
            "auth_token": "vinix-s3cret",
            "data": {"account_id": ACCOUNT, "binding": f"qubicle.{family}.{ACCOUNT}.*"},
        }
        browser = {
            "Origin": "http://localhost",
            "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
        }
        results[family] = collect(url, subscription, lambda received: len(received) > 5, header=browser)

    async with trio.open_nursery() as nursery:
        for family in ("queue", "recipient", "session"):
            nursery.start_soon(trio.to_thread.run_sync, listen, family)
    for family, (reply, *events) in results.items():
        assert reply["status"] == "success"
        assert len(events) >= 5
        for event in events:
            assert event["name"].startswith(f"qubicle.{family}.{ACCOUNT}.")
            assert event["data"]["event_category"] == f"qubicle-{family}"
            assert event["data"]["event_timestamp"] > 6e10


async def test_a_client_with_the_wrong_token_is_turned_away_by_each_in_its_own_way(simulate):
    _, url = await simulate("voipbin")
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        await trio.to_thread.run_sync(websocket.create_connection, f"{url}?token=wrong")
    assert caught.value.status_code == 401
    _, url = await simulate("vinix")
    client = await trio.to_thread.run_sync(websocket.create_connection, url)
    request = {
        "action": "subscribe",
        "auth_token": "wrong",
        "data": {"account_id": ACCOUNT, "binding": "qubicle.queue"},
    }
    client.send(json.dumps(request))
    reply = json.loads(await trio.to_thread.run_sync(client.recv))
    client.close()
    assert reply["data"]["errors"] == ["failed to authenticate token wrong"]


async def test_a_simulator_that_cannot_listen_says_so(simulate, start):
    _, url = await simulate("voipbin")
    port = url.split(":")[2].split("/")[0]
    second = await start("simulate", "voipbin", "--token", "t", "--port", port)
    assert await second.ended() == 1
    assert second.err == [f"jackfield: cannot listen on 127.0.0.1:{port}: Address already in use"]
