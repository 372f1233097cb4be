"""The documented dialect as a protocol: one connection to VoIPBIN, without I/O.

The documentation promises an acknowledgement of each subscription and the platform has never sent
one, so a topic counts as confirmed as soon as it is asked for, and an ``error`` takes that back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from jackfield.errors import FrameError
from jackfield.protocol import Action, Confirm, Emit, Ignore, Reject, Send
from jackfield_voipbin.translate import UNKNOWN_ID, translate
from jackfield_voipbin.wire import Frame, read_frame, subscription

__all__ = ["DocumentedProtocol"]


@attrs.define
class DocumentedProtocol:
    """A `jackfield.protocol.FeedProtocol` for envelopes of the documented form."""

    feed: str
    customer_id: str = UNKNOWN_ID

    def opened(self) -> Iterable[Action]:
        """Nothing: the token is in the URL."""
        return ()

    def subscribe(self, topic: str) -> Iterable[Action]:
        """Ask, and count it as granted."""
        return Send(subscription("subscribe", topic)), Confirm(topic)

    def unsubscribe(self, topic: str) -> Iterable[Action]:
        """Give back exactly the text that was subscribed to."""
        return (Send(subscription("unsubscribe", topic)),)

    def received(self, frame: bytes, at: datetime) -> Iterable[Action]:
        """An event, or an answer; `FrameError` for anything else."""
        read = read_frame(frame)
        if read.event_type is not None:
            return (Emit(translate(read, frame, self.feed, self.customer_id, at)),)
        if read.is_answer:
            return self._answered(read)
        raise FrameError("no documented envelope (event_type is missing), and no answer to a subscription", frame)

    def _answered(self, answer: Frame) -> Iterable[Action]:
        topics = [topic for topic in answer.topics if isinstance(topic, str)] if isinstance(answer.topics, list) else []
        if answer.type == "ack":
            return (Ignore(f"acknowledgement of {answer.action}"),)
        reason = ": ".join(str(part) for part in (answer.code, answer.message) if part) or "refused without a reason"
        return (*(Reject(topic, reason) for topic in topics), Ignore(f"refusal of {answer.action}"))

    def idle(self) -> Iterable[Action]:
        """Nothing: the session's websocket pings do."""
        return ()
