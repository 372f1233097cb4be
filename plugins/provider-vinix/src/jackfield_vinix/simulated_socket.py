"""One client of the simulated gateway: its requests and their answers, as the two generations of KAZOO give them.

First rate, then token, then form, then account, then family: the first that is wrong is answered, in KAZOO's own words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import attrs
import msgspec

from jackfield.plugin.simulator import CloseConnection
from jackfield_vinix.event_writer import Published
from jackfield_vinix.families import OTHER_FAMILIES
from jackfield_vinix.kinds import FAMILIES
from jackfield_vinix.simulated_bus import Bus, family_in
from jackfield_vinix.topics import APPLICATION, matches_amqp, matches_binding

__all__ = ["Bucket", "Server", "SimulatedSocket", "style_of"]

# KAZOO's logger of a parse error shows so many bytes from the error on, and breaks where there are fewer.
SHOWN_BYTES = 25


class Server(Protocol):
    """What a socket needs to know of its server, all of which may change at any time."""

    account_id: str
    generation: int
    naming: str
    accepts: str
    barren: str
    crashes_on: str
    calls: bool
    bus: Bus
    unanswered: int
    answered_late: int

    def accepts_token(self, token: str) -> bool:
        """Whether a token is valid now."""
        ...

    def now(self) -> datetime | None:
        """The server's clock, once there is one."""
        ...


@attrs.define
class Bucket:
    """A token for each message: so many at most, so many more each second."""

    now: Callable[[], datetime | None]
    tokens: float = 100.0
    most: float = 100.0
    each_second: float = 10.0
    _filled: datetime | None = None

    def take(self) -> bool:
        """Whether there was one."""
        now = self.now()
        if now is not None and self._filled is not None:
            seconds = (now - self._filled).total_seconds()
            self.tokens = min(self.most, self.tokens + seconds * self.each_second)
        self._filled = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def style_of(binding: str) -> str:
    """How a binding is spelled; what narrows it further is all one."""
    words = binding.split(".")[2:]
    match words:
        case []:
            return "short"
        case [_, "*"]:
            return "documented"
        case [_, "*", "*"]:
            return "worded"
        case _:
            return "narrow"


def _shared(binding: str) -> str:
    """What the gateway itself subscribes to for a binding, in whichever way that is spelled."""
    return binding if style_of(binding) == "narrow" and binding.startswith(APPLICATION) else family_in(binding)


@attrs.define(eq=False)
class SimulatedSocket:
    """A connection, which is authenticated once."""

    _server: Server
    _lacks_qubicle: bool = False
    """Whether it leads to a node where the module is not loaded."""
    name: str = ""
    bindings: dict[str, None] = attrs.field(factory=dict)
    """What was subscribed to, whether or not the gateway itself still gets it."""
    _counted: list[str] = attrs.field(factory=list)
    """What of the gateway's own subscriptions this connection has counted up, and counts down when it closes."""
    _authenticated: bool = False
    _stale: dict[str, Any] = attrs.field(factory=dict)
    """The data of the last answer, which KAZOO 4 gives again to what it does not know."""
    _held_back: list[str] = attrs.field(factory=list)
    _requests: int = 0
    _bucket: Bucket = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._bucket = Bucket(self._server.now)

    def received(self, frame: str | bytes) -> Iterable[str | CloseConnection]:
        """The answers to a client's frame."""
        if isinstance(frame, bytes):
            return  # read and ignored, as KAZOO does
        yield from self._late()
        answer = self._answer(frame)
        if isinstance(answer, CloseConnection):
            yield answer
        elif answer is not None:
            server = self._server
            if server.unanswered > 0:
                server.unanswered -= 1
            elif server.answered_late > 0:
                server.answered_late -= 1
                self._held_back.append(answer)
            else:
                yield answer

    def frames_for(self, event: Published) -> Iterable[str]:
        """An event, as often as bindings match it."""
        yield from self._late()
        server = self._server
        if not server.bus.brings(event.routing_key):
            return
        for binding in self.bindings:
            barren = style_of(binding) in server.barren.split(",")
            if not barren and self._brings(binding, event.routing_key):
                yield self._envelope(binding, event)

    def closed(self) -> None:
        """The connection is down: what it had counted up is counted down."""
        for each in self._counted:
            self._server.bus.remove(each)
        self._counted.clear()

    def _brings(self, binding: str, routing_key: str) -> bool:
        """Whether a binding matches: qubicle's as documented, another family's words behind its account."""
        if binding.startswith(f"{APPLICATION}."):
            return matches_binding(binding, self._server.account_id, routing_key)
        family, *words = binding.split(".")
        return matches_amqp(".".join((family, self._server.account_id, *words)), routing_key)

    def _late(self) -> Iterator[str]:
        yield from self._held_back
        self._held_back.clear()

    def _envelope(self, binding: str, event: Published) -> str:
        key, bare = event.routing_key, event.routing_key.rpartition(".")[0]
        whole = f"{'.'.join(key.split('.')[:3])}.*"
        if not key.startswith(f"{APPLICATION}."):
            family, *words = binding.split(".")
            name, subscription = event.data["event_name"], ".".join((family, self._server.account_id, *words))
        elif self._server.naming == "documented":
            name, subscription = key, binding
        elif self._server.generation == 4:
            name, key, subscription = event.data["event_name"], bare, whole
        else:
            name, subscription = event.data["event_name"], f"{whole}.*"
        envelope = {"action": "event", "subscribed_key": binding, "subscription_key": subscription}
        return msgspec.json.encode(envelope | {"name": name, "routing_key": key, "data": event.data}).decode()

    # -- requests --------------------------------------------------------------------------------------

    def _answer(self, frame: str) -> str | CloseConnection | None:
        message: Any = {}
        try:
            message = json.loads(frame)
        except json.JSONDecodeError as error:
            broken = len(frame) - error.pos < SHOWN_BYTES
        else:
            broken = not isinstance(message, dict)
        message = message if isinstance(message, dict) else {}
        self._requests += 1
        request_id = str(message.get("request_id") or UUID(int=self._requests).hex)
        if not self._bucket.take():
            return self._reply(request_id, ["rate limiting threshold hit for 198.51.100.7:50112!"])
        if broken:
            return CloseConnection(
                1011
            )  # the gateway's handler crashes over a bare text or number, and over its own logging
        if errors := self._authenticate(message):
            return self._reply(request_id, errors)
        action = message.get("action")
        if action == "ping" and self._server.generation == 5:
            return self._reply(request_id, [], {"response": "pong"})
        if action not in ("subscribe", "unsubscribe"):
            return None if self._server.generation == 5 else self._reply(request_id, [], self._stale)
        data = message.get("data")
        fields = data if isinstance(data, dict) else {}
        requested = self._requested(data)
        if isinstance(requested, CloseConnection):
            return requested
        if any(style_of(each) in self._server.crashes_on.split(",") for each in requested):
            return CloseConnection(1011)
        errors = self._wrong_form(fields, requested)
        if action == "unsubscribe":
            return self._reply(request_id, errors, {} if errors else self._unsubscribe(requested))
        errors = errors or self._not_served(fields, requested)
        if not errors:
            self.name = message["name"] if isinstance(message.get("name"), str) else self.name
        return self._reply(request_id, errors, {} if errors else self._subscribe(requested))

    def _authenticate(self, message: dict[str, Any]) -> list[str]:
        if self._authenticated:
            return []
        token = message.get("auth_token")
        if not token:
            required = "failed to authenticate token " if self._server.generation == 5 else ""
            return [required or "authentication token required"]
        if not isinstance(token, str):
            return [f"failed to authenticate token {token}"]
        if not self._server.accepts_token(token):
            return [f"failed to authenticate token {token}"]
        self._authenticated = True
        return []

    def _requested(self, data: Any) -> list[str] | CloseConnection:
        """The bindings of a request; generation 4 knows one, and breaks over what is not a text."""
        if isinstance(data, str) and self._server.generation == 5:
            return CloseConnection(1011)
        fields = data if isinstance(data, dict) else {}
        binding = fields.get("binding")
        if self._server.generation == 5:
            several = fields.get("bindings", binding)
            bindings = several if isinstance(several, list) else [several] if several else []
            return [str(each) for each in bindings]  # a number belongs to no family
        if binding and not isinstance(binding, str):
            return CloseConnection(1011)
        return [binding] if binding else []

    def _wrong_form(self, fields: dict[str, Any], requested: list[str]) -> list[str]:
        if self._server.generation == 5:
            return [] if requested else ["empty subscription"]
        if missing := [key for key in ("account_id", "binding") if not fields.get(key)]:
            text = f"missing required keys : {', '.join(missing)}"
            return [text if fields else "missing required keys in data object"]
        return []

    def _not_served(self, fields: dict[str, Any], requested: list[str]) -> list[str]:
        account_id = fields.get("account_id") or self._server.account_id
        if account_id == "*":
            return ["unauthorized wildcard account id"]
        if account_id != self._server.account_id:
            return ["unauthorized account id"]
        for binding in requested:
            application, family, *_ = (*binding.split("."), "")
            if application in OTHER_FAMILIES and self._server.calls:
                continue
            if application != APPLICATION or family not in FAMILIES or self._lacks_qubicle:
                return ["no available subscriptions to requested binding"]
            accepted = self._server.accepts.split(",")
            if accepted != ["any"] and style_of(binding) not in accepted:
                return [f"invalid format for {application} subscription : {{{family}, {account_id}}}"]
        return []

    def _subscribe(self, requested: list[str]) -> dict[str, Any]:
        added = [each for each in requested if each not in self.bindings]
        self.bindings |= dict.fromkeys(added)
        for each in requested:
            # Generation 4 counts whatever is asked for, 5 only what this connection has not counted yet.
            if self._server.generation == 4 or _shared(each) not in self._counted:
                self._counted.append(_shared(each))
                self._server.bus.add(_shared(each))
        if self._server.generation == 5:
            return {"subscribed": added, "subscriptions": list(self.bindings)}
        return {"subscribed": list(self.bindings)}

    def _unsubscribe(self, requested: list[str]) -> dict[str, Any]:
        for each in requested:
            self.bindings.pop(each, None)
            self._server.bus.remove(_shared(each))  # whether or not this connection ever had it
            if _shared(each) in self._counted:
                self._counted.remove(_shared(each))
        rest = "subscriptions" if self._server.generation == 5 else "subscribed"
        return {"unsubscribed": requested, rest: list(self.bindings)}

    def _reply(self, request_id: str, errors: list[str], data: dict[str, Any] | None = None) -> str:
        if not errors:
            self._stale = data or {}
        reply = {"action": "reply", "request_id": request_id, "status": "error" if errors else "success"}
        return msgspec.json.encode(reply | {"data": {"errors": errors} if errors else data or {}}).decode()
