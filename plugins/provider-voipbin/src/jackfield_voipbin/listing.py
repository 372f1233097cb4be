"""What VoIPBIN's REST interface tells of the past: lists of resources, newest first, and the histories of a few.

There is no log of a customer's events. A list shows each resource's last state; only calls, conferences and flows
have a history, to be asked for one by one. What is said in a transcription, a conversation, a chat or an AI call is
listed for each of them (bin-openapi-manager/openapi/paths).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import attrs
import msgspec

from jackfield.errors import RestError
from jackfield.events import decode_data, decode_struct
from jackfield.plugin.http import HTTPFlow, Response
from jackfield_voipbin.kinds import native_name
from jackfield_voipbin.rest import Rest
from jackfield_voipbin.times import parse_time

__all__ = [
    "AGENTS_HISTORIES",
    "AGENTS_LISTS",
    "HISTORIES",
    "LISTS",
    "Catch",
    "Found",
    "histories",
    "lists",
    "pages",
    "path_of",
    "topic_resources",
]

PAGE = 100
MOST_PAGES = 20
MOST_HISTORIES = 100
# Of what was created longer before only the history is read, if it has one.
LOOK_BACK = timedelta(hours=1)

LISTS: Mapping[str, bool] = {
    "call": True,
    "groupcall": True,
    "queuecall": True,
    "agent": False,
    "conference": False,
    "activeflow": True,
    "recording": True,
    "transcribe": True,
    "message": True,
    "number": False,
    "campaign": False,
    "campaigncall": True,
    "conversation": False,
    "email": True,
    "aicall": True,
    "summary": True,
    "outdial": False,
    "ai": False,
    "team": False,
    "account": False,
    "webchat_message": True,
    "webchat_session": True,
}
"""The resources with a list, and whether they come and go, so that only the newest of them matter."""

AGENTS_LISTS = ("call", "conversation", "chat")
"""The resources that an agent's own token lists, the agent's own of them."""

_PATHS = {"summary": "aisummaries", "account": "conversation_accounts"}
_AGENTS_PATHS = {"chat": "talk_chats"}


class History(NamedTuple):
    """Where what happened to a resource is listed."""

    path: str
    """With ``{}`` for its id."""
    field: str = ""
    """The field of the query that says the id instead."""
    of: str = ""
    """What is listed; empty for events with their names."""


HISTORIES: Mapping[str, History] = {
    "call": History("timelines/calls/{}/events"),
    "conference": History("timelines/conferences/{}/events"),
    "activeflow": History("timelines/activeflows/{}/events"),
    "transcribe": History("transcripts", "transcribe_id", "transcript"),
    "conversation": History("conversations/{}/messages", of="conversation_message"),
    "aicall": History("aimessages", "aicall_id", "aimessage"),
    "chat": History("service_agents/talk_messages", "chat_id", "chatmessage"),
}
"""By resource."""

AGENTS_HISTORIES = frozenset({"chat"})
"""Those that an agent's token may read, and nobody else may."""


def topic_resources(resource: str) -> frozenset[str]:
    """Under which resources of topics there are events that a resource's list, or its history, may show."""
    history = HISTORIES.get(resource)
    return frozenset(native_name(each)[0] for each in (resource, history.of if history is not None else "") if each)


class Found(NamedTuple):
    """One state of a resource; `event_type` is empty where the platform does not name what led to it."""

    resource: str
    event_type: str
    timestamp: Any
    data: dict[str, Any]
    text: bytes
    """The data as the platform wrote it."""


class _Page(msgspec.Struct):
    result: list[msgspec.Raw] | None


class _Named(msgspec.Struct):
    event_type: str
    data: msgspec.Raw
    timestamp: Any = None


_decode_page = msgspec.json.Decoder(_Page).decode
_decode_named = msgspec.json.Decoder(_Named).decode


@attrs.define
class Catch:
    """What was found, and what was not read."""

    found: list[Found] = attrs.field(factory=list)
    unread: list[str] = attrs.field(factory=list)
    """Each part of the past that REST knows of and that was not read, with the reason."""
    missing: list[str] = attrs.field(factory=list)
    """What this server does not have."""


def path_of(resource: str, *, of_agent: bool = False) -> str:
    """Where a resource's list is."""
    if of_agent:
        return f"service_agents/{_AGENTS_PATHS.get(resource, f'{resource}s')}"
    return _PATHS.get(resource, f"{resource}s")


def lists(rest: Rest, resources: list[str], since: datetime, *, of_agent: bool = False) -> HTTPFlow[Catch]:
    """The last states of these resources, as far as they may have changed since then; of an agent the agent's own.

    A list that a server does not have is left out; `RestError` if it has none of them, or rejects us.
    """
    catch = Catch()
    missing: list[RestError] = []
    for resource in resources:
        until = since - LOOK_BACK if LISTS.get(resource) else None
        try:
            yield from pages(rest, catch, resource, path_of(resource, of_agent=of_agent), until)
        except RestError as error:
            if error.status != 404:
                raise
            missing.append(error)
            catch.missing.append(f"the server has no list of {resource}s")
    if missing and len(missing) == len(resources):
        raise missing[0]
    return catch


def histories(rest: Rest, wanted: list[tuple[str, str]]) -> HTTPFlow[tuple[Catch, list[str]]]:
    """What happened to each of these resources, and the ids of those that could be read."""
    catch, done = Catch(), []
    for resource, resource_id in wanted[:MOST_HISTORIES]:
        path, field, of = HISTORIES[resource]
        where = path.format(resource_id)
        try:
            if of:
                yield from pages(rest, catch, of, where, None, **({field: resource_id} if field else {}))
            else:
                answer = yield from rest.get(where, page_size=1000)
                catch.found += [each for item in _items(path, answer) if (each := _named(resource, item)) is not None]
        except RestError as error:
            if error.status != 404:
                raise
            catch.missing.append(f"the server has no history of a {resource}")
        else:
            done.append(resource_id)
    if len(wanted) > MOST_HISTORIES:
        catch.unread.append(f"more than {MOST_HISTORIES} resources have a history to be read: the older ones wait")
    return catch, done


def pages(rest: Rest, catch: Catch, resource: str, path: str, until: datetime | None, **query: str) -> HTTPFlow[None]:
    """Page after page, newest first, until one is not full, or reaches back to what was created before `until`.

    A page ends before its token, strictly; so the token is a microsecond after the last item's creation, lest others of
    that moment are left out, and what comes twice is left out.
    """
    seen: set[str] = set()
    token: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        texts = _items(path, (yield from rest.get(path, page_size=PAGE, **token, **query)))
        items = [(data, text) for text in texts if isinstance(data := decode_data(text), dict)]
        news = [(data, text) for data, text in items if isinstance(data.get("id"), str) and data["id"] not in seen]
        seen.update(data["id"] for data, _ in news)
        catch.found += [Found(resource, "", None, data, text) for data, text in news]
        last = parse_time(items[-1][0].get("tm_create")) if items else None
        if len(texts) < PAGE or last is None or (until is not None and last < until):
            return
        moment = last + timedelta(microseconds=1 if news else 0)
        token = {"page_token": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    catch.unread.append(f"the list of {path} is longer than {MOST_PAGES} pages: its older part was not read")


def _named(resource: str, item: bytes) -> Found | None:
    """One event of a history; ``None`` where it is none."""
    try:
        event = decode_struct(_decode_named, item)
        data = decode_data(event.data)
    except msgspec.DecodeError:
        return None
    if not event.event_type or not isinstance(data, dict) or not isinstance(data.get("id"), str):
        return None
    return Found(resource, event.event_type, event.timestamp, data, bytes(event.data))


def _items(path: str, answer: Response) -> list[bytes]:
    """What is listed, each as its text; `RestError` where the answer is not a list."""
    try:
        answer.json()  # all of it, since what a list holds is not decoded otherwise
        page = decode_struct(_decode_page, answer.body)
    except (RestError, msgspec.ValidationError) as error:
        raise RestError(f"GET /v1.0/{path}: the answer is not a list: {error}") from None
    return [bytes(item) for item in page.result or ()]  # an empty list may be null where the server is written in Go
