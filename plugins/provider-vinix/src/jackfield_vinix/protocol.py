"""The documented dialect as a protocol: one connection to Vinix's gateway, without I/O.

A request is answered by a reply with its `request_id`, and only by that: what a reply says of
bindings is the server's own spelling of them. The token travels in each request, and the server
quotes it in its refusal, so no text of the server's leaves here with the token in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from jackfield.credentials import HIDDEN
from jackfield.frames import decode_payload
from jackfield.protocol import Action, Confirm, Emit, Hangup, Ignore, Reject, Send
from jackfield_vinix.translate import translate
from jackfield_vinix.wire import Frame, read_frame, request

__all__ = ["DocumentedProtocol"]

# KAZOO's words for every way in which a token can be wrong; clients are known to match them.
BAD_TOKEN = ("failed to authenticate token", "authentication token required", "invalid authentication token format")


@attrs.define
class DocumentedProtocol:
    """A `jackfield.protocol.FeedProtocol` for qubicle bindings."""

    feed: str
    account_id: str = ""
    _auth_token: str = attrs.field(default="", repr=False)
    _asked: dict[str, tuple[str, str]] = attrs.field(factory=dict)
    """Requests that are not answered yet: by id, the action and the binding."""
    _requests: int = 0

    def opened(self) -> Iterable[Action]:
        """Nothing: the token goes with each request."""
        return ()

    def subscribe(self, topic: str) -> Iterable[Action]:
        """Ask; the reply decides."""
        return (self._request("subscribe", topic),)

    def unsubscribe(self, topic: str) -> Iterable[Action]:
        """Give the binding back."""
        return (self._request("unsubscribe", topic),)

    def received(self, frame: bytes, at: datetime) -> Iterable[Action]:
        """An event or a reply; `FrameError` for anything else."""
        read = read_frame(frame)
        if read.action == "reply":
            return self._replied(read, frame)
        if read.action in (None, "event"):
            return (Emit(translate(read, frame, self.feed, self.account_id, at)),)
        return (Ignore(f"action {str(read.action)[:40]!r}, which is neither a reply nor an event"),)

    def idle(self) -> Iterable[Action]:
        """Nothing: the session's websocket pings keep the line open."""
        return ()

    def _request(self, action: str, binding: str) -> Send:
        self._requests += 1
        request_id = f"jackfield-{self._requests}"
        self._asked[request_id] = (action, binding)
        return Send(request(action, request_id, self._auth_token, account_id=self.account_id, binding=binding))

    def _replied(self, reply: Frame, raw: bytes) -> Iterable[Action]:
        action, binding = self._asked.pop(str(reply.request_id), ("", ""))
        yield Ignore(f"reply to {action or 'nothing that we asked'}")
        if reply.status != "error":
            if action == "subscribe":
                yield Confirm(binding)
            return
        reason = "; ".join(self._errors(reply, raw)) or "refused without a reason"
        if action == "subscribe":
            yield Reject(binding, reason)
        if reason.startswith(BAD_TOKEN):
            yield Hangup(f"the vendor refused the token: {reason}", refused=True)

    def _errors(self, reply: Frame, raw: bytes) -> list[str]:
        data, _ = decode_payload(reply.data, raw)
        errors = data.get("errors") if isinstance(data, dict) else None
        texts = [each for each in errors if isinstance(each, str)] if isinstance(errors, list) else []
        return [self._hide(text) for text in texts]

    def _hide(self, text: str) -> str:
        """The server's text without the token; its refusal quotes the token to the end."""
        if text.startswith(BAD_TOKEN[0]):
            return f"{BAD_TOKEN[0]} {HIDDEN}"
        return text.replace(self._auth_token, HIDDEN) if self._auth_token else text
