"""The documented dialect as a protocol: one connection to Vinix's gateway, without I/O.

A request is answered by a reply with its `request_id`, and only by that: what a reply says of
bindings is the server's own spelling of them. The token travels in each request, and the server
quotes it in its refusal, so no text of the server's leaves here with the token in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from jackfield.frames import decode_payload
from jackfield.protocol import Action, Confirm, Emit, Hangup, Ignore, Reject, Send
from jackfield_vinix.refusals import hide_token, refusals_in
from jackfield_vinix.translate import translate
from jackfield_vinix.wire import Frame, read_frame, request

__all__ = ["DocumentedProtocol"]


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
        # What is shown is cut after the token is, for a piece of a token would not be known as one.
        action = hide_token(read.action, self._auth_token)[:40] if isinstance(read.action, str) else "no text"
        return (Ignore(f"action {action!r}, which is neither a reply nor an event"),)

    def tick(self, at: datetime) -> Iterable[Action]:
        """Nothing: the session's websocket pings keep the line open."""
        return ()

    def closed(self, code: int | None, at: datetime) -> None:
        """Nothing to remember."""

    def _request(self, action: str, binding: str) -> Send:
        self._requests += 1
        request_id = f"jackfield-{self._requests}"
        self._asked[request_id] = (action, binding)
        return Send(request(action, request_id, self._auth_token, account_id=self.account_id, binding=binding))

    def _replied(self, reply: Frame, raw: bytes) -> Iterable[Action]:
        # Success is all that a reply to a subscription needs: KAZOO 4 answers some with data of the reply before.
        succeeded = reply.status in (None, "success")
        refusals = [] if succeeded else refusals_in(decode_payload(reply.data, raw)[0], self._auth_token)
        request_id = reply.request_id if isinstance(reply.request_id, str) else ""
        action, binding = self._asked.pop(request_id, ("", ""))
        yield Ignore(f"reply to {action or 'nothing that we asked'}")
        if succeeded:
            if action == "subscribe":
                yield Confirm(binding)
            return
        reason = "; ".join(map(str, refusals)) or "refused without a reason"
        if action == "subscribe":
            yield Reject(binding, reason)
        if any(each.subject == "token" for each in refusals):
            yield Hangup(f"the vendor refused the token: {reason}", refused=True)
