"""Vinix's gateway as its documentation describes it, with a small contact centre behind it.

Any path; the token with the first request; bindings as documented; replies and error texts as KAZOO 4
writes them; events under the whole binding as their name. What the server says of a day is in
`jackfield_vinix.story`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import attrs
import msgspec

from jackfield.options import about
from jackfield.simulators import HangUp, Refusal
from jackfield_vinix.kinds import FAMILIES
from jackfield_vinix.story import Published, tell
from jackfield_vinix.topics import APPLICATION, matches_binding

__all__ = ["VinixSimulator"]

ACCOUNT = "4b31dd1d32ce6d249897c06332375d65"


@attrs.frozen
class VinixSimulator:
    """The server; its fields are the flags of ``jackfield simulate vinix``."""

    token: str = attrs.field(repr=False, metadata=about("the auth_token that clients must give"))
    rate: float = attrs.field(default=10.0, validator=attrs.validators.gt(0), metadata=about("events in a second"))
    seed: int = attrs.field(default=1, metadata=about("which day it is: the same seed gives the same events"))
    account_id: str = attrs.field(default=ACCOUNT, metadata=about("the account whose events these are"))

    @property
    def ping_every(self) -> None:
        """KAZOO 4 never pings."""
        return None

    def url(self, authority: str) -> str:
        """Where clients connect; any path would do."""
        return f"ws://{authority}"

    def feed(self, url: str) -> dict[str, Any]:
        """A feed that connects to this server."""
        return {"provider": "vinix", "url": url, "auth_token": self.token, "account_id": self.account_id}

    def admit(self, target: str, headers: Mapping[str, str]) -> Refusal | None:
        """Everybody who offers no sub-protocol: that is answered with 400."""
        return Refusal(400, content_type="text/plain") if "sec-websocket-protocol" in headers else None

    def client(self) -> _Client:
        """A connection that has not given a token yet."""
        return _Client(self.token, self.account_id)

    def events(self, now: Callable[[], datetime]) -> Iterator[Published]:
        """The day in qubicle's words."""
        return tell(self.seed, self.account_id, now)


@attrs.define
class _Client:
    _token: str
    _account_id: str
    _authenticated: bool = False
    _bindings: dict[str, None] = attrs.field(factory=dict)
    _requests: int = 0

    def received(self, frame: str | bytes) -> Iterable[str | HangUp]:
        if isinstance(frame, bytes):
            return ()  # read and ignored, as KAZOO does
        try:
            message = msgspec.json.decode(frame)
        except msgspec.DecodeError:
            message = {}  # malformed JSON counts as an empty request
        if not isinstance(message, dict | list):
            return (HangUp(1011),)  # the gateway's handler crashes over a bare text or number
        message = message if isinstance(message, dict) else {}
        self._requests += 1
        request_id = str(message.get("request_id") or UUID(int=self._requests).hex)
        data = message.get("data")
        errors, answer = self._serve(message, data if isinstance(data, dict) else {})
        reply = {
            "action": "reply",
            "request_id": request_id,
            "status": "error" if errors else "success",
            "data": {"errors": errors} if errors else answer,
        }
        return (msgspec.json.encode(reply).decode(),)

    def _serve(self, message: dict[str, Any], data: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
        """The errors of a request, or its answer; token, shape, account and binding are checked in this order."""
        if not self._authenticated:
            token = message.get("auth_token")
            if not token:
                return ["authentication token required"], {}
            if token != self._token:
                return [f"failed to authenticate token {token}"], {}
            self._authenticated = True
        action = message.get("action")
        if action == "ping":
            return [], {"response": "pong"}
        if action not in ("subscribe", "unsubscribe"):
            return [], {}
        if missing := [key for key in ("account_id", "binding") if not data.get(key)]:
            text = f"missing required keys : {', '.join(missing)}" if data else "missing required keys in data object"
            return [text], {}
        binding = data["binding"]
        if action == "unsubscribe":
            self._bindings.pop(binding, None)
            return [], {"unsubscribed": [binding], "subscribed": list(self._bindings)}
        if data["account_id"] != self._account_id:
            return ["unauthorized account id"], {}
        words = str(binding).split(".")
        if words[0] != APPLICATION or words[1:2] == [] or words[1] not in FAMILIES:
            return ["no available subscriptions to requested binding"], {}
        self._bindings[binding] = None
        return [], {"subscribed": list(self._bindings)}

    def frames_for(self, event: Published) -> Iterable[str]:
        for binding in self._bindings:
            if matches_binding(binding, self._account_id, event.routing_key):
                envelope = {
                    "action": "event",
                    "subscribed_key": binding,
                    "subscription_key": binding,
                    "name": event.routing_key,
                    "routing_key": event.routing_key,
                    "data": event.data,
                }
                yield msgspec.json.encode(envelope).decode()
                return
