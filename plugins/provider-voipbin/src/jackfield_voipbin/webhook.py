"""VoIPBIN's webhooks: the signature, and the events in them.

A webhook is ``{"type", "data"}`` with ``X-VoIPBIN-Signature: sha256=<hex>``, the HMAC-SHA-256 of the body as it came
under the customer's ``webhook_secret``. Installations before 4 August 2026 sign nothing. There is no time and
no id in what is signed, so a copy of an old post is valid for ever; the event's id shows it. A flow may post any
JSON besides, which becomes ``unmapped.unknown``; it is signed only if the platform can look the secret up in time.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

import attrs
import msgspec

from jackfield.errors import FrameError, WebhookError
from jackfield.events import Event
from jackfield.plugin.frames import decode_payload
from jackfield.plugin.secrets import Secret
from jackfield.plugin.webhook import WebhookRequest
from jackfield_voipbin.frame_format import FrameFormat, Message, format_of, message_of
from jackfield_voipbin.translate import translate
from jackfield_voipbin.wire import read_frame

__all__ = ["SIGNATURE", "Reader", "sign"]

SIGNATURE = "X-VoIPBIN-Signature"


def sign(secret: str, body: bytes) -> str:
    """The value of the header `SIGNATURE` for a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@attrs.frozen
class Reader:
    """Reads the webhooks of one feed; the ``read`` of a `jackfield.plugin.webhook.Webhook`."""

    feed: str
    customer_id: str
    """Stands in where the event itself does not say whose it is."""
    secret: Secret | None
    """Read anew for each post; ``None`` accepts posts without checking their signature."""
    flow_posts: bool = False
    """Whether an unsigned post is accepted that is not an event: a flow's, which the platform may send unsigned."""

    def __call__(self, request: WebhookRequest) -> Iterable[Event]:
        """The event in a request; raises `WebhookError` for a wrong signature, `FrameError` if it is not valid JSON."""
        signature = request.headers.get(SIGNATURE.lower(), "")
        may_be_unsigned = self.flow_posts and not signature
        if self.secret is not None and not may_be_unsigned:
            _verify(self.secret.reveal(), signature, request.body)
        message = _message(request.body)
        if self.secret is not None and may_be_unsigned and message.format is not FrameFormat.OPAQUE:
            raise WebhookError(401, f"an event without {SIGNATURE}; webhook_flow_posts accepts a flow's posts only")
        event, *_ = translate(message, request.body, self.feed, self.customer_id, request.at)
        return (event,)


def _verify(secret: str, signature: str, body: bytes) -> None:
    if not signature:
        raise WebhookError(401, f"there is no {SIGNATURE}; webhook_verify = false accepts posts without")
    # As bytes, since a header may hold what is not ASCII, and that must not raise.
    if not hmac.compare_digest(sign(secret, body).encode(), signature.encode("utf-8", "surrogateescape")):
        raise WebhookError(401, f"the {SIGNATURE} is not that of this body under webhook_secret")


def _message(body: bytes) -> Message:
    try:
        frame = read_frame(body)
    except FrameError:
        return _opaque(body)  # a flow may post a list or a text as well
    format_ = format_of(frame, body)
    return _opaque(body) if format_ in (FrameFormat.ANSWER, FrameFormat.OPAQUE) else message_of(frame, format_, body)


def _opaque(body: bytes) -> Message:
    return Message(FrameFormat.OPAQUE, "", None, None, *decode_payload(msgspec.Raw(body.strip()), body))
