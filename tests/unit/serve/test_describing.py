"""`jackfield._serve.describing`: the documents say what is there, and no more."""

import json
import re

import pytest
import trio.testing
from served import event, events_path, get, get_json, reading, serving

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
        async with reading(url, events_path("**", after="oldest")) as reader:
            position = (await reader.next()).id
        for each in ENDPOINTS:
            path = each.path.replace("{position}", position).replace("{what}", "1")
            if each.content == "application/json" and each.method == "get":
                assert (await get(url, path))[0] == 200
        assert (await get_json(url, "/v1/openapi.json"))["openapi"] == "3.1.0"
        assert (await get_json(url, "/v1/asyncapi.json"))["asyncapi"] == "3.0.0"


async def test_a_state_and_an_event_have_the_fields_that_are_described():
    schemas = openapi_document()["components"]["schemas"]
    async with serving() as (gateway, url):
        assert (await get_json(url, "/v1/state")).keys() == schemas["State"]["properties"].keys()
        async with reading(url, events_path("**")) as reader:
            await trio.testing.wait_all_tasks_blocked()
            await gateway.publish(event(1))
            assert (await reader.next()).json.keys() >= set(schemas["Event"]["required"])
