"""VoIPBIN's messages: what their events say, and ``POST /v1.0/messages`` with the standard library only."""

import json
import socket
import sys
import urllib.error
import urllib.request
from typing import Any

import attrs

from jackfield import Event
from jackfield.errors import DeliveryError, OnError
from jackfield.plugin.secrets import Secret


@attrs.frozen
class Message:
    """A customer's message, as far as an answer needs it; the addresses are VoIPBIN's own objects."""

    key: str
    """Unique, over all customers."""
    number: str
    text: str
    customer: dict[str, Any]
    line: dict[str, Any]


def read_message(event: Event) -> Message | None:
    """The message in a ``message.received`` of VoIPBIN's; ``None`` where it has no sender or no text."""
    try:
        customer, line = event.data["source"], event.data["targets"][0]["destination"]
        key, text = f"{event.address.scope_id}/{event.data['id']}", event.data["text"]
        return Message(key, event.parties.caller or customer["target"], text, customer, line)
    except (LookupError, TypeError, AttributeError):
        return None


def post(api: str, token: Secret, key: str, body: dict[str, Any]) -> None:
    """Send one message, ``{"source", "destinations", "text"}``, and wait for the platform's answer.

    Raises `DeliveryError` only if the message was certainly not sent; its `on_error` says what to do. If that is
    uncertain, as after a time-out, it prints a line to standard error, and the message is not sent again.
    """
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, "Authorization": f"Bearer {token.reveal()}"}
    request = urllib.request.Request(f"{api}/v1.0/messages", json.dumps(body).encode(), headers)
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except OSError as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        status, cause = getattr(error, "code", 0), getattr(error, "reason", None)
        if isinstance(cause, ConnectionRefusedError | socket.gaierror) or 400 <= status < 500 or status == 503:
            by_status: dict[int, OnError] = {0: "retry", 401: "pause", 403: "pause", 429: "retry", 503: "retry"}
            raise DeliveryError(f"not sent: {error}", on_error=by_status.get(status, "dead_letter")) from None
        print(f"{key}: {error}; it may have been sent, so it is not sent again", file=sys.stderr)
