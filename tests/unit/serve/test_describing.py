"""`jackfield._serve.describing`: the documents say what is there, and no more."""

import json
import re
from pathlib import Path

import pytest
import trio.testing
from served import (
    BEARER,
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

from jackfield._serve.describing import ENDPOINTS, asyncapi_document, openapi_document


@pytest.mark.parametrize("make", [openapi_document, asyncapi_document])
def test_each_reference_leads_somewhere(make):
    document = json.loads(json.dumps(make()))
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
        found = document
        for part in reference.split("/"):
            found = found[part]
        assert found


async def test_each_path_is_served_and_the_documents_are(tmp_path):
    async with serving(journal=tmp_path / "journal") as (gateway, url):
        await gateway.publish(event(1))
        async with reading(url, events_path("**", after="oldest", durable="desk")) as reader:
            position = (await reader.next()).id
        for each in ENDPOINTS:
            path = each.path.replace("{which}", position).replace("{what}", "1").replace("{name}", "desk")
            if each.content == "application/json" and each.method == "get":
                assert (await get(url, path))[0] == 200
        assert (await get_json(url, "/v1/openapi.json"))["openapi"] == "3.1.0"
        assert (await get_json(url, "/v1/asyncapi.json"))["asyncapi"] == "3.0.0"


@pytest.mark.parametrize("each", ENDPOINTS, ids=lambda each: f"{each.method} {each.path}")
async def test_a_parameter_that_does_not_exist_or_is_given_twice_is_refused_by_name(each):
    path = re.sub("{.*}", "desk", each.path)
    async with serving(options(tokens=limited("**"))) as (_, url):
        for query, said in [
            ("nonsense=1", "nonsense: no such parameter; known: "),
            *((f"{name}=1&{name}=1", f"{name}: is given 2 times; give it once") for name in each.parameters),
        ]:
            if not query.startswith(("select", "ticket")):
                status, answer = await post_json(url, f"{path}?{query}", None, each.method.upper(), **BEARER)
                assert (status, answer["error"][: len(said)]) == (400, said)


def test_each_parameter_and_each_path_is_on_the_page():
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "serve.md").read_text()
    for each in ENDPOINTS:
        assert f"`{each.path.partition('{')[0]}" in page or each.path in page
        assert all(f"| `{name}` |" in page for name in each.parameters)


async def test_a_state_and_an_event_have_the_fields_that_are_described():
    schemas = openapi_document()["components"]["schemas"]
    async with serving() as (gateway, url):
        assert (await get_json(url, "/v1/state")).keys() == schemas["State"]["properties"].keys()
        async with reading(url, events_path("**")) as reader:
            await trio.testing.wait_all_tasks_blocked()
            await gateway.publish(event(1))
            assert (await reader.next()).json.keys() >= set(schemas["Event"]["required"])


async def test_each_message_of_a_conversation_has_the_fields_that_are_described():
    described = {
        name.rpartition(".")[2]: message["payload"]
        for name, message in asyncapi_document()["components"]["messages"].items()
        if name.startswith("jackfield.v1.")
    }
    asked = asyncapi_document()["components"]["schemas"]["Asked"]["properties"]
    assert {"subscribe", "unsubscribe", "resume", "acknowledge"} == {*asked["type"]["enum"]}
    seen = set()
    async with serving() as (gateway, url), socket(url, protocol="jackfield.v1") as opened:
        await gateway.snapshot()

        async def until(*wanted):
            wanted = {*wanted}
            while wanted:
                message = await hear(opened)
                seen.add(message["type"])
                wanted -= {message["type"]}
                properties = described[message["type"]]["properties"]
                assert {*described[message["type"]]["required"]} <= message.keys() <= properties.keys()
            return message

        old = f"{'0' * 32}-{5:016d}"
        await say(opened, type="subscribe", id="a", select=["**"], durable="desk", after=old)
        await until("subscribed", "notice")
        await say(opened, type="subscribe", id="b", select=[], state=True)
        await until("subscribed", "snapshot")
        await gateway.publish(event(1))
        await until("event", "changes")
        await say(opened, type="acknowledge", id="a", position=(await get_json(url, "/v1/state"))["position"])
        await until("acknowledged")
        await say(opened, type="unsubscribe", id="a")
        await until("unsubscribed")
        await say(opened, type="unsubscribe", id="a")
        await until("error")
    assert seen == described.keys() - {"asked"}
