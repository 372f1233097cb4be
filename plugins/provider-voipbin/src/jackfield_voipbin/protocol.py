"""One connection to VoIPBIN, without I/O: topics asked for as documented, messages read in every form.

The documentation promises an acknowledgement of each subscription and the platform has never sent
one, so a topic counts as confirmed as soon as it is asked for, and an ``error`` takes that back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from jackfield.protocol import Action, Confirm, Emit, Ignore, Reject, Send
from jackfield_voipbin.forms import Form, form_of, message_of
from jackfield_voipbin.translate import UNKNOWN_ID, translate
from jackfield_voipbin.wire import Frame, read_frame, subscription

__all__ = ["DocumentedProtocol"]


@attrs.define
class DocumentedProtocol:
    """A `jackfield.protocol.FeedProtocol` that subscribes as the documentation says."""

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
        """An event for every JSON object but an answer; `FrameError` for anything else."""
        read = read_frame(frame)
        form = form_of(read, frame)
        if form is Form.ANSWER:
            return self._answered(read)
        return (Emit(translate(message_of(read, form, frame), frame, self.feed, self.customer_id, at)),)

    def _answered(self, answer: Frame) -> Iterable[Action]:
        topics = [topic for topic in answer.topics if isinstance(topic, str)] if isinstance(answer.topics, list) else []
        action = answer.action or "something"
        if answer.type == "ack":
            return (Ignore(f"acknowledgement of {action}"),)
        reason = ": ".join(str(part) for part in (answer.code, answer.message) if part) or "refused without a reason"
        return (*(Reject(topic, reason) for topic in topics), Ignore(f"refusal of {action}"))

    def tick(self, at: datetime) -> Iterable[Action]:
        """Nothing: the session's websocket pings keep the line open."""
        return ()

    def closed(self, code: int | None, at: datetime) -> None:
        """Nothing to remember."""
