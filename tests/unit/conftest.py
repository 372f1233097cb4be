"""A vendor made up for tests of what all simulators share."""

import json

import attrs
import pytest

from jackfield.plugin.http import Request, Response
from jackfield.plugin.options import field_help
from jackfield.plugin.simulator import CloseConnection, Refusal, WebhookDelivery


@attrs.define
class Counting:
    """A vendor that counts aloud to clients that have said ``count``."""

    rate: float = attrs.field(default=500.0, validator=attrs.validators.ge(0), metadata=field_help("speed", live=True))
    ping_every: float | None = None
    padding: int = 0
    token: str = attrs.field(default="s3cret", repr=False, metadata=field_help("opens the door", live=True))
    webhook: str | None = attrs.field(default=None, metadata=field_help("where events are posted", live=True))
    attempts: int = 3

    most_queued: int = 2000

    def url(self, authority):
        return f"ws://{authority}/count"

    def feed(self, url):
        return {"provider": "counting", "url": url}

    def admit(self, target, headers):
        return None if target == "/count" else Refusal(404, b'{"error":"nope"}')

    def client(self):
        return Client("x" * self.padding)

    def events(self, now):
        number = 0
        while True:
            yield number
            number += 1

    def answer(self, request):
        content = [request.method, request.url, request.body.decode(), request.header("X-Asked")]
        return Response(200, {"content-type": "application/json"}, json.dumps(content).encode())

    def webhooks_of(self, event):
        if self.webhook is not None:
            yield WebhookDelivery(
                Request("POST", self.webhook, body=str(event).encode()), self.attempts, wait=2.0, timeout=5.0
            )


@attrs.define
class Client:
    padding: str
    counting: bool = False

    def received(self, frame):
        match frame:
            case "count":
                self.counting = True
                return ["counting"]
            case "bye":
                return ["goodbye", CloseConnection(4000, "as you wish")]
            case "crash":
                return [CloseConnection()]
        return ()

    def frames_for(self, event):
        return [f"{event}{self.padding}"] if self.counting else []


@pytest.fixture
def counting():
    """The class of the made-up vendor's server."""
    return Counting
