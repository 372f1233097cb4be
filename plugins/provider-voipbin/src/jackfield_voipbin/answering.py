"""The simulated platform's REST interface: login, the customer's record, lists, histories, and its errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from jackfield.plugin.http import Request, Response
from jackfield_voipbin.credentials import ADMIN, MANAGER, SUPER, Credential
from jackfield_voipbin.customer import WRITTEN
from jackfield_voipbin.listing import AGENTS_LISTS, LISTS, path_of
from jackfield_voipbin.simulated_state import SimulatedState

__all__ = ["error_body", "listing", "query_of", "record", "refusal", "set_record"]

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
}
# The lists of a path, and what a query must say of what is listed.
_LISTED = {path_of(resource): resource for resource in LISTS} | {
    "aimessages": "aimessage",
    "queues": "queue",
    "transcripts": "transcript",
}
_NEEDED = {"aimessages": ("aicall_id",), "transcripts": ("transcribe_id",)}
_MESSAGES = {
    "INVALID_ID": "The provided id is not a valid UUID.",
    "AUTHENTICATION_REQUIRED": "Authentication is required.",
    "INVALID_CREDENTIALS": "The provided credentials are invalid.",
    "PERMISSION_DENIED": "You do not have permission to do this.",
    "ROUTE_NOT_FOUND": "The requested route does not exist.",
    "RESOURCE_NOT_FOUND": "The requested resource does not exist.",
    "INVALID_JSON": "The body is not a JSON object.",
}


def error_body(status: int, reason: str) -> bytes:
    """The envelope of all errors, with its keys in alphabetical order, as Go's encoder writes a map."""
    message = _MESSAGES[reason]
    error = {"message": message, "reason": reason, "request_id": f"req_{'a' * 26}", "status": _STATUS[status]}
    return msgspec.json.encode({"error": error})


def refusal(status: int, reason: str) -> Response:
    """An error as an answer."""
    return Response(status, {"content-type": "application/json"}, error_body(status, reason))


def query_of(target: str) -> Mapping[str, str]:
    """The query's fields, the first of each name."""
    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}


def _json(content: Any) -> Response:
    return Response(200, {"content-type": "application/json"}, msgspec.json.encode(content))


def _may(credential: Credential, *roles: int) -> bool:
    permission = ADMIN if credential.permission is None else credential.permission
    return any(permission & role for role in (SUPER, *roles))


def record(customer: Mapping[str, Any], secret: str, credential: Credential) -> Response:
    """The customer's record, the only place where the webhook's secret shows."""
    if not _may(credential, ADMIN, MANAGER):
        return refusal(403, "PERMISSION_DENIED")
    return _json(_shown(customer) | {"webhook_secret": secret})


def set_record(customer: dict[str, Any], request: Request, credential: Credential) -> Response:
    """Overwrite the record: what is not given is empty afterwards."""
    if not _may(credential, ADMIN):
        return refusal(403, "PERMISSION_DENIED")
    try:
        given = msgspec.json.decode(request.body)
    except msgspec.DecodeError:
        given = None
    if not isinstance(given, dict):
        return refusal(400, "INVALID_JSON")
    customer.update({field: str(given.get(field, "")) for field in WRITTEN})
    return _json(_shown(customer))


def _shown(customer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in customer.items() if value != ""}


def listing(simulated: SimulatedState, parts: list[str], target: str, credential: Credential) -> Response:
    """A list, one resource, or a history; parts are those of the path behind ``/v1.0``."""
    query = query_of(target)
    size, before = _size(query, 100), query.get("page_token", "")
    if parts[0] == "service_agents":
        found = _of_agent(simulated, parts[1:], query, credential)
        return refusal(404, "ROUTE_NOT_FOUND") if found is None else _json(_paged(found, "tm_create"))
    resource = _LISTED.get(parts[0])
    if resource is None and not (parts[0] == "timelines" and len(parts) == 4):
        return refusal(404, "ROUTE_NOT_FOUND")
    if not _may(credential, ADMIN, MANAGER):
        return refusal(403, "PERMISSION_DENIED")
    if resource is None:
        items = simulated.history(parts[1], parts[2], _size(query, 1000), before)
        return refusal(404, "ROUTE_NOT_FOUND") if items is None else _json(_paged(items, "timestamp"))
    if parts[0] == "conversations" and parts[2:] == ["messages"]:
        said = simulated.page("conversation_message", size, before, conversation_id=parts[1])
        return _json(_paged(said, "tm_create"))
    if len(parts) == 2:
        state = simulated.state(resource, parts[1])
        return refusal(404, "RESOURCE_NOT_FOUND") if state is None else _json(state)
    having = {field: query.get(field, "") for field in _NEEDED.get(parts[0], ())}
    if not all(having.values()):
        return refusal(400, "INVALID_ID")
    return _json(_paged(simulated.page(resource, size, before, **having), "tm_create"))


def _of_agent(
    simulated: SimulatedState, parts: list[str], query: Mapping[str, str], credential: Credential
) -> list[dict[str, Any]] | None:
    """What an agent's own token lists; ``None`` for what it does not."""
    size, before = _size(query, 100), query.get("page_token", "")
    if parts == ["talk_messages"]:
        return simulated.page("chatmessage", size, before, chat_id=query.get("chat_id", ""))
    if parts == ["talk_chats"]:
        return simulated.page("chat", size, before)
    if len(parts) != 1 or parts[0] not in map(path_of, AGENTS_LISTS):
        return None
    return simulated.page(_LISTED[parts[0]], size, before, owner_id=credential.agent_id)


def _paged(items: list[dict[str, Any]], moment: str) -> dict[str, Any]:
    """A page; its token is there whenever it holds anything, even if nothing follows."""
    return {"result": items, "next_page_token": items[-1][moment] if items else ""}


def _size(query: Mapping[str, str], most: int) -> int:
    text = query.get("page_size", "")
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) <= most else most
