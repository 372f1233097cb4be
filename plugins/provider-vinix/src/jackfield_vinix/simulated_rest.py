"""The simulated server's REST interface: logins, the queries of a backfill, and the list of connections.

In KAZOO's words with everything wrapped in ``data``, or in those of Vinix's reference: bare, and with dashes in ids.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit
from uuid import UUID

import attrs
import msgspec

from jackfield.plugin.http import Request, Response
from jackfield_vinix.event_writer import GREGORIAN_EPOCH
from jackfield_vinix.simulated_socket import SimulatedSocket
from jackfield_vinix.simulated_state import SimulatedQueue, SimulatedRecipient, SimulatedState

__all__ = ["Interface", "Server"]

PREFIX = "/v2/"
HANDLED = {"call_offer": "Call-Offer", "on_a_call": "On-A-Call", "wrapup_time": "Wrapup-Time"}


class Server(Protocol):
    """What the interface needs to know of its server."""

    account_id: str
    naming: str
    api_key: str
    username: str
    password: str

    def accepts_token(self, token: str) -> bool:
        """Whether a token is valid now."""
        ...

    def issue_token(self) -> str:
        """A new token."""
        ...

    def now(self) -> datetime | None:
        """The server's clock, once there is one."""
        ...


class _Refused(Exception):
    def __init__(self, status: int, message: str, data: Any = None) -> None:
        self.status, self.data = status, data or {}
        super().__init__(message)


@attrs.frozen
class Interface:
    """Answers requests out of the simulated state."""

    _server: Server
    _state: SimulatedState
    _sockets: Callable[[], Iterable[SimulatedSocket]]

    def answer(self, request: Request) -> Response:
        """The answer to one request."""
        path = urlsplit(request.url).path
        segments = [unquote(each) for each in path.removeprefix(PREFIX).split("/")] if path.startswith(PREFIX) else []
        try:
            body = self._login(request, segments[0]) if segments[0:] and len(segments) == 1 else None
            if body is not None:
                return self._response(201, body)
            if not self._server.accepts_token(request.header("x-auth-token")):
                raise _Refused(401, "invalid_credentials")
            return self._response(200, self._wrapped(self._resource(request, segments)))
        except _Refused as refusal:
            error = {"data": refusal.data, "error": str(refusal.status), "message": str(refusal), "status": "error"}
            return self._response(refusal.status, error)

    def _response(self, status: int, body: Any) -> Response:
        headers = {"content-type": "application/json"}
        if (now := self._server.now()) is not None:
            headers["date"] = format_datetime(now, usegmt=True)
        return Response(status, headers, msgspec.json.encode(body))

    def _wrapped(self, content: Any) -> Any:
        return {"data": content, "status": "success"} if self._server.naming == "kazoo" else content

    # -- logins ----------------------------------------------------------------------------------------

    def _login(self, request: Request, resource: str) -> Any:
        given = _data_of(request)
        server = self._server
        if request.method != "PUT":
            return None
        named = True
        if resource == "api_auth":
            right = given.get("api_key") == server.api_key
        elif resource == "user_auth":
            algorithm = hashlib.sha1 if given.get("method") == "sha" else hashlib.md5
            name = f"{server.username.lower()}:{server.password}".encode()
            right = given.get("credentials") == algorithm(name, usedforsecurity=False).hexdigest()
            named = given.get("account_name") == "simulated" or given.get("account_realm") == "simulated.example"
        else:
            return None
        if not named:
            unknown = {"message": "The provided account name could not be found", "cause": given.get("account_name")}
            raise _Refused(400, "validation error", {"account_name": {"not_found": unknown}})
        if not right and resource == "api_auth":
            raise _Refused(404, "bad identifier", given.get("api_key"))
        if not right:
            raise _Refused(401, "invalid_credentials")
        data = {"account_id": server.account_id, "language": "en-US", "apps": []}
        return {"auth_token": server.issue_token(), "data": data, "status": "success"}

    # -- how things stand ------------------------------------------------------------------------------

    def _resource(self, request: Request, segments: list[str]) -> Any:
        queues, recipients = self._state.queues, self._state.recipients
        match request.method, segments:
            case "GET", ["accounts", account, *_] if _plain(account) != _plain(self._server.account_id):
                raise _Refused(403, "forbidden")
            case "GET", ["accounts", _, "websockets"]:
                return [self._socket(each) for each in self._sockets()]
            case "GET", ["accounts", _, "qubicle_queues"]:
                return [{"id": self._id(each), "name": queue.name} for each, queue in queues.items()]
            case "GET", ["accounts", _, "qubicle_queues", id_, "status"] if _plain(id_) in queues:
                return self._queue(_plain(id_), queues[_plain(id_)])
            case "GET", ["accounts", _, "qubicle_queues", id_, "sessions"] if _plain(id_) in queues:
                waiting = queues[_plain(id_)].waiting
                return [call | {"session_id": self._id(session_id)} for session_id, call in waiting.items()]
            case "GET", ["accounts", _, "qubicle_recipients"] if self._server.naming == "kazoo":
                return [{"id": each, "name": recipient.name} for each, recipient in recipients.items()]
            case "GET", ["accounts", _, "qubicle_recipients"]:
                return [{"recipient_id": self._id(each), "wrapup_time_seconds": 20} for each in recipients]
            case "GET", ["accounts", _, "qubicle_recipients", id_, "status"] if _plain(id_) in recipients:
                return self._recipient(recipients[_plain(id_)])
            case "POST", ["accounts", _, "qubicle_recipients", "status"] if self._server.naming == "kazoo":
                requested = _data_of(request).get("recipient_ids", [])
                return {
                    each: self._recipient(recipients[_plain(each)]) for each in requested if _plain(each) in recipients
                }
        raise _Refused(404, "not_found")

    def _queue(self, queue_id: str, queue: SimulatedQueue) -> dict[str, Any]:
        available = sum(each.state == "ready" for each in self._state.recipients.values())
        if self._server.naming == "kazoo":
            stats = {"active_session_count": len(queue.waiting), "total_sessions": queue.total}
            counts = {"active_recipient_count": len(self._state.recipients), "available_recipient_count": available}
            return {**counts, "stats": stats, "node": "qubicle@node"}
        return {
            "queue_id": self._id(queue_id),
            "callers_waiting": len(queue.waiting),
            "recipients_available": available,
            "recipients_total": len(self._state.recipients),
            "longest_wait_seconds": 0,
        }

    def _recipient(self, recipient: SimulatedRecipient) -> dict[str, Any]:
        state = "on_a_call" if recipient.external else recipient.state
        calls = {"offered_call": recipient.offered, "handling_call": recipient.handling}
        return {
            "available": state == "ready",
            "availability_state": HANDLED.get(state, state.capitalize()),
            "queue_availability": {self._id(each): each not in recipient.paused for each in self._state.queues},
            "stats": {"total_calls": recipient.calls, "missed_calls": 0},
        } | {name: call | {"session_id": self._id(call["session_id"])} for name, call in calls.items() if call}

    def _socket(self, socket: SimulatedSocket) -> dict[str, Any]:
        now = self._server.now()
        return {
            "bindings": list(socket.bindings),
            "websocket_session_id": "198.51.100.7:50112",
            "timestamp": int(now.timestamp()) + GREGORIAN_EPOCH if now else 0,
            "name": socket.name,
            "metadata": {},
        }

    def _id(self, id_: str) -> str:
        return id_ if self._server.naming == "kazoo" else str(UUID(id_))


def _plain(id_: str) -> str:
    return id_.replace("-", "").lower()


def _data_of(request: Request) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(request.body or b"{}")
    except msgspec.DecodeError:
        return {}
    data = body.get("data") if isinstance(body, dict) else None
    return data if isinstance(data, dict) else {}
