"""`jackfield._serve.contacts`: a contact as JSON, or in a form that a plugin offers, by ``Accept``."""

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from served import PEOPLE, api_of, config, event, get

from jackfield._serve.contacts import accepted
from jackfield._serve.grants import Grant
from jackfield.plugin.contact_format import ContactFormat
from jackfield.plugin.hooks import hookimpl
from jackfield.selectors import Selector


class Lines:
    """Offers one form, and hears what is reported."""

    def __init__(self, write=None):
        self.write = write or (lambda events, _sinks: "".join(f"{each.kind} {each.data}\n" for each in events).encode())
        self.heard = []

    @hookimpl
    def jackfield_contact_formats(self):
        return [ContactFormat("lines", "text/x-lines", self.write)]

    @hookimpl
    def jackfield_observe(self, report):
        self.heard.append(str(report))


ACCEPT = {"Accept": "text/x-lines"}


async def test_a_client_that_accepts_a_plugins_media_type_gets_the_newest_contact_in_it(tmp_path):
    async with api_of(config(tmp_path / "journal"), plugins=[Lines()]) as (gateway, _, url):
        await gateway.publish(event(1, parties=PEOPLE), event(2, parties=PEOPLE), event(2, "contact.connected"))
        for what, written in (("1", b"contact.queued {'n': 1}\n"), ("%2B4930123", b"contact.queued {'n': 2}\n")):
            status, headers, body = await get(url, f"/v1/contacts/{what}", **ACCEPT)
            assert (status, headers["content-type"], headers["vary"]) == (200, "text/x-lines", "accept")
            assert body.startswith(written)
        assert json.loads((await get(url, "/v1/contacts/1"))[2])["contacts"]
        assert (await get(url, "/v1/contacts/9", **ACCEPT))[0] == 404
        status, _, body = await get(url, "/v1/contacts/1?last=2", **ACCEPT)
        assert (status, json.loads(body)["error"][:26]) == (400, "last: is for application/j")
        status, _, body = await get(url, "/v1/contacts/1", Accept="text/html")
        assert status == 406
        offered = json.loads(body)["error"].removeprefix("Accept: there are ").split(", ")
        assert {"application/json", "text/x-lines"} <= set(offered)


async def test_a_plugin_gets_only_what_the_token_may_see(tmp_path):
    async with api_of(config(tmp_path / "journal"), plugins=[Lines()]) as (gateway, _, _url):
        await gateway.publish(event(1), event(1, "call.connected"))
    grant = Grant((Selector.parse("contact.*"),), payloads=False)
    async with api_of(config(tmp_path / "journal"), grant, plugins=[Lines()]) as (_, _, url):
        assert (await get(url, "/v1/contacts/1", **ACCEPT))[2] == b"contact.queued None\n\n"
    grant = Grant((Selector.parse("agent.*"),))
    async with api_of(config(tmp_path / "journal"), grant, plugins=[Lines()]) as (_, _, url):
        assert (await get(url, "/v1/contacts/1", **ACCEPT))[0] == 404


@pytest.mark.parametrize("wrong", [lambda *_: 1 / 0, lambda *_: "a text"])
async def test_a_plugin_that_fails_costs_its_answer_is_reported_and_its_words_are_not_shown(tmp_path, wrong):
    lines = Lines(wrong)
    async with api_of(config(tmp_path / "journal"), plugins=[lines]) as (gateway, _, url):
        await gateway.publish(event(1))
        status, _, body = await get(url, "/v1/contacts/1", **ACCEPT)
        assert (status, json.loads(body)) == (500, {"error": "the contact cannot be written as text/x-lines"})
        assert gateway.state().serve.rejections["the contact cannot be written as text/x-lines"] == 1
    assert any("the contact format 'lines'" in each for each in lines.heard)


async def test_what_a_form_cannot_say_is_not_found(tmp_path):
    async with api_of(config(tmp_path / "journal"), plugins=[Lines(lambda *_: b"")]) as (gateway, _, url):
        await gateway.publish(event(1))
        assert (await get(url, "/v1/contacts/1", **ACCEPT))[0] == 404


@pytest.mark.parametrize("path", ["/v1/contacts/", "/v1/contacts/%20"])
async def test_what_belongs_to_no_contact_is_none(tmp_path, path):
    async with api_of(config(tmp_path / "journal")) as (gateway, _, url):
        await gateway.publish(attrs.evolve(event(1), correlation=""))
        assert (await get(url, path))[0] == 404


OFFERED = ["application/json", "application/vcon+json", "text/x-lines"]


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", 0),
        ("*/*", 0),
        ("application/*", 0),
        ("text/*, application/*;q=0.5", 2),
        ("application/vcon+json", 1),
        ("application/vcon+json; version=1", 1),
        ("application/vcon+json, */*", 1),
        ("APPLICATION/VCON+JSON;Q=0.9, application/json;q=0.8", 1),
        ("application/vcon+json;q=0.5, application/json", 0),
        ("application/json;q=0, */*;q=0.1", 1),
        ("image/png", None),
        ("application/json;q=0", None),
        ("application/json;q=what", None),
    ],
)
def test_the_client_gets_what_it_likes_best(accept, chosen):
    assert accepted(accept, OFFERED) == (None if chosen is None else OFFERED[chosen])


@given(st.text())
def test_any_text_is_an_accept_header(text):
    assert accepted(text, OFFERED) in (None, *OFFERED)
