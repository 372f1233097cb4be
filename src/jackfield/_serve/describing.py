"""What is served, described by itself: OpenAPI 3.1 for the requests, AsyncAPI 3 for the streams; made from the code."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from typing import Any, get_args

import attrs
import msgspec

from jackfield._serve.spoken import HEARD, Asked
from jackfield.events import Parties
from jackfield.kinds import KIND_NAMES
from jackfield.state import Entity, Snapshot, Value

__all__ = ["ENDPOINTS", "EVENTS", "Endpoint", "asyncapi_document", "openapi_document", "parameters_of"]

Schema = dict[str, Any]

SCHEMAS = "#/components/schemas/"
_TEXT: Schema = {"type": "string"}


@attrs.frozen
class Endpoint:
    """One path, and what it gives."""

    path: str
    summary: str
    schema: Schema | None
    """Of the answer; ``None`` for none."""
    parameters: Mapping[str, str] = {}
    """Of the query, each with what it means."""
    method: str = "get"
    content: str = "application/json"
    body: Schema | None = None
    """Of the request."""


SELECT = {"select": "a selector; may be repeated, and any of them selects an event"}
EVENTS = {
    **SELECT,
    "after": "a position, behind which to begin; 'oldest' for everything that is kept; without it, what comes next",
    "durable": "a name: the server remembers up to where the client of that name has acknowledged, and goes on there",
    "state": "1: a snapshot first, and then changes; without 'select' no events",
    "check": "1: only whether the selectors are accepted, and what is delivered of them",
    "ticket": "a ticket of /v1/tickets, for clients that cannot send a header",
}


def _ref(name: str) -> Schema:
    return {"$ref": f"{SCHEMAS}{name}"}


ENDPOINTS = (
    Endpoint(
        "/v1/events",
        "Committed events as server-sent events, or by websocket.",
        _TEXT,
        EVENTS,
        "get",
        "text/event-stream",
    ),
    Endpoint("/v1/events/{which}", "The event at a position, or the newest one with this id.", _ref("Event")),
    Endpoint("/v1/state", "Calls, contacts, agents, queues and feeds as they stand.", _ref("State")),
    Endpoint(
        "/v1/contacts/{what}",
        "The newest contacts of a correlation, or of a customer's number, with all that happened; where Accept names "
        "the media type of a form that a plugin offers, the newest one in that.",
        {"type": "object", "required": ["contacts"], "properties": {"contacts": {"type": "array"}}},
        {"last": "how many, from 1 to 100"},
    ),
    Endpoint(
        "/v1/durable",
        "The durable subscriptions of this token.",
        {
            "type": "object",
            "required": ["durable"],
            "properties": {"durable": {"type": "array", "items": _ref("Durable")}},
        },
    ),
    Endpoint("/v1/durable/{name}", "One of them.", _ref("Durable")),
    Endpoint(
        "/v1/durable/{name}",
        "Acknowledge everything up to a position; answered when that is saved.",
        _ref("Durable"),
        method="post",
        body={"type": "object", "required": ["position"], "properties": {"position": _TEXT}},
    ),
    Endpoint("/v1/durable/{name}", "Forget it.", None, method="delete"),
    Endpoint("/v1/feeds", "How feeds stand, in figures.", {"type": "object", "required": ["feeds"]}),
    Endpoint("/v1/kinds", "The neutral kinds of events.", {"type": "object", "required": ["kinds"]}),
    Endpoint(
        "/v1/tickets",
        "A ticket for the token in the header.",
        {"type": "object", "required": ["ticket", "expires_in", "expires"], "properties": {"ticket": _TEXT}},
        {},
        "post",
    ),
    Endpoint("/v1/openapi.json", "This document.", {"type": "object"}),
    Endpoint("/v1/asyncapi.json", "The streams, as AsyncAPI 3.", {"type": "object"}),
)


def parameters_of(path: Sequence[str]) -> Collection[str]:
    """The query's parameters at a path below ``/v1/``; none where there is none."""
    return next((each for name, each in _PARAMETERS if (name[0], len(name)) == (path[0], len(path))), ())


_PARAMETERS = [(each.path.split("/")[2:], {*each.parameters, "ticket"}) for each in ENDPOINTS]


def openapi_document() -> Schema:
    """The requests and their answers."""
    paths: Schema = {}
    for each in ENDPOINTS:
        named = [part.strip("{}") for part in each.path.split("/") if part.startswith("{")]
        parameters = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in named]
        parameters += [
            {"name": name, "in": "query", "description": text, "schema": _query(name)}
            for name, text in each.parameters.items()
        ]
        operation: Schema = {"summary": each.summary, "parameters": parameters}
        if each.body is not None:
            operation["requestBody"] = {"required": True, "content": {_JSON: {"schema": each.body}}}
        content = {} if each.schema is None else {"content": {each.content: {"schema": each.schema}}}
        operation["responses"] = {
            "204" if each.schema is None else "200": {"description": each.summary, **content},
            "default": {"description": "Refused, with the reason.", "content": {_JSON: {"schema": _ref("Refusal")}}},
        }
        paths.setdefault(each.path, {})[each.method] = operation
    return {
        "openapi": "3.1.0",
        "info": _info(),
        "paths": paths,
        "security": [{"token": []}, {"ticket": []}, {}],
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "ticket": {"type": "apiKey", "in": "query", "name": "ticket"},
            },
        },
    }


def asyncapi_document() -> Schema:
    """The streams and their messages."""
    messages = {
        "event": {"summary": "A committed event.", "contentType": _CLOUDEVENTS, "payload": _ref("Event")},
        "snapshot": {"summary": "The state, first.", "contentType": _JSON, "payload": _ref("State")},
        "changes": {"summary": "What has changed since.", "contentType": _JSON, "payload": _ref("Changes")},
    }
    heard = {f"jackfield.v1.{name}": _heard(name, summary, fields) for name, (summary, fields) in HEARD.items()}
    asked = {"jackfield.v1.asked": {"summary": _ASKED, "contentType": _JSON, "payload": _ref("Asked")}}
    query = {"type": "object", "properties": {name: {**_query(name), "description": EVENTS[name]} for name in EVENTS}}
    protocol = {"type": "object", "properties": {"Sec-WebSocket-Protocol": {"const": "jackfield.v1"}}}
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "channels": {
            "events": _channel("The subscription is in the URL.", messages, {"method": "GET", "query": query}),
            "conversation": _channel(
                "The sub-protocol jackfield.v1: several subscriptions on one connection.",
                heard | asked,
                {"method": "GET", "headers": protocol},
            ),
        },
        "operations": {
            "sendEvents": _operation("send", "events", messages),
            "sendMessages": _operation("send", "conversation", heard),
            "receiveMessages": _operation("receive", "conversation", asked),
        },
        "components": {"messages": {**messages, **heard, **asked}, "schemas": _schemas()},
    }


_ASKED = "What a client subscribes to, resumes, acknowledges, and ends."


def _heard(name: str, summary: str, fields: Mapping[str, Schema]) -> Schema:
    properties = {"type": {"const": name}, "id": _TEXT, **fields}
    required = ["type", "id", *(each for each in fields if each != "reason")]
    payload = {"type": "object", "required": required, "properties": properties}
    return {"summary": summary, "contentType": _JSON, "payload": payload}


def _channel(summary: str, messages: Mapping[str, Schema], websocket: Schema) -> Schema:
    named = {name: {"$ref": f"#/components/messages/{name}"} for name in messages}
    return {"address": "/v1/events", "summary": summary, "messages": named, "bindings": {"ws": websocket}}


def _operation(action: str, channel: str, messages: Mapping[str, Schema]) -> Schema:
    listed = [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages]
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "messages": listed}


_CLOUDEVENTS, _JSON = "application/cloudevents+json", "application/json"


def _info() -> Schema:
    return {
        "title": "Jackfield",
        "version": version("jackfield"),
        "description": "Events of telephony and contact-centre vendors, in neutral terms, and the state that follows.",
    }


def _query(name: str) -> Schema:
    return {"type": "array", "items": _TEXT} if name == "select" else _TEXT


def _schemas() -> Schema:
    _, components = msgspec.json.schema_components([Snapshot, Asked], ref_template=SCHEMAS + "{name}")
    values = [{"$ref": f"{SCHEMAS}{each.__name__}"} for each in get_args(Value)]
    change = {
        "type": "object",
        "required": ["entity", "key", "value"],
        "properties": {
            "entity": {"enum": list(get_args(Entity))},
            "key": _TEXT,
            "value": {"description": "As it stands now; null where it is gone.", "anyOf": [*values, {"type": "null"}]},
        },
    }
    components = dict(components)
    snapshot = components.pop("Snapshot")
    more = {"position": _TEXT, "now": {"type": "string", "format": "date-time"}, "live": {"type": "boolean"}}
    parties = {name.replace("_", ""): _TEXT for name in Parties.__struct_fields__}
    required = ["specversion", "id", "source", "type", "subject", "position", "recordedtime", "feed", "event"]
    return {
        **components,
        "State": {**snapshot, "properties": {**snapshot["properties"], **more}},
        "Changes": {
            "type": "object",
            "required": ["position", "now", "day", "changes"],
            "properties": {
                "position": _TEXT,
                "now": more["now"],
                "day": {"type": "string", "format": "date"},
                "changes": {"type": "array", "items": change},
            },
        },
        "Event": {
            "description": "A CloudEvents 1.0 object. The vendor's payload is its data.",
            "type": "object",
            "required": required,
            "properties": {
                **dict.fromkeys(required, _TEXT),
                "type": {"type": "string", "examples": sorted(KIND_NAMES)[:5]},
                "time": {"type": "string", "format": "date-time"},
                **parties,
                **dict.fromkeys(("traceparent", "tracestate"), _TEXT),
                "data": {},
            },
        },
        "Durable": {
            "type": "object",
            "required": ["name", "position", "behind", "select", "followed"],
            "properties": {
                "name": _TEXT,
                "position": {"description": "Up to where everything is acknowledged.", **_TEXT},
                "behind": {"description": "Positions behind that, of whatever events.", "type": "integer"},
                "select": {"type": "array", "items": _TEXT},
                "followed": {"description": "Whether a client is there.", "type": "boolean"},
            },
        },
        "Refusal": {"type": "object", "required": ["error"], "properties": {"error": _TEXT}},
    }
