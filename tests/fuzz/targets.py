"""Fuzz targets: each reads any bytes as input from outside, and fails if more than the documented error comes of it.

`tests/fuzz/run.py` runs them with atheris, `test_targets.py` with the kept corpus and Hypothesis.
"""

from datetime import UTC, datetime
from itertools import pairwise

import attrs
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from jackfield import Event, Selector
from jackfield._feed.frame_splitter import FrameSplitter
from jackfield._loading.registry import Registry
from jackfield.errors import FrameError, RestError, SelectorError, WebhookError
from jackfield.plugin.http import Response
from jackfield.plugin.protocol import Action
from jackfield.plugin.provider import SupportsAuthentication
from jackfield.plugin.secrets import Secret
from jackfield.plugin.webhook import WebhookRequest
from jackfield_vinix import Vinix
from jackfield_voipbin import Voipbin

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
HEAD = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
FEEDS = {
    "voipbin": Voipbin(token=Secret("text", "tok-of-a-customer"), customer_id="c1"),
    "vinix": Vinix(url="wss://vinix.example", auth_token=Secret("text", "tok-of-an-account"), account_id="A1"),
}
ASKING = FEEDS | {
    "vinix": attrs.evolve(FEEDS["vinix"], rest_url="https://vinix.example:8443/v2"),
    "vinix login": Vinix(
        url="wss://vinix.example", rest_url="https://vinix.example:8443/v2", api_key=Secret("text", "key-of-an-account")
    ),
}
WEBHOOKS = Voipbin(customer_id="c1", receive="webhook", webhook_verify=False).webhook("office")
DECODERS = {name: spec.decoder for name, spec in Registry.load().providers.items()}


def frame_splitter(data):
    """Split at any place, the messages, pings and closes are those of wsproto alone."""
    size, stream = (data[0] % 64 + 1 if data else 1), data[1:]
    places = [*range(0, len(stream), size), len(stream)]
    pieces = [HEAD, *(stream[start:end] for start, end in pairwise(places))]
    cutter, runs, rest = FrameSplitter(), [], []
    for piece in pieces:
        left, cut = cutter.feed(piece)
        rest.append(left)
        runs += cut
    whole = b"".join(rest)
    assert whole.startswith(HEAD)
    found = []
    for kind, value in parsed([whole[len(HEAD) :]]):
        run = runs.pop(0) if kind == "message" and runs else None
        found += [(kind, value)] if run is None else [("message", each) for each in run]
    expected = list(parsed([stream]))
    # wsproto closes before a frame that breaks the protocol is complete; the splitter waits for the rest of the frame.
    early = cutter._held and expected[:-1] == found and expected[-1:] and expected[-1][0] == "close"
    assert found == expected or early


def parsed(pieces):
    """The messages, pings, pongs and the close that wsproto finds."""
    connection, parts = Connection(ConnectionType.CLIENT), []
    for piece in pieces:
        connection.receive_data(piece)
        for event in connection.events():
            match event:
                case TextMessage() | BytesMessage():
                    parts.append(event.data.encode() if isinstance(event.data, str) else bytes(event.data))
                    if event.message_finished:
                        yield "message", b"".join(parts)
                        parts.clear()
                case Ping(payload) | Pong(payload):
                    yield type(event).__name__, bytes(payload)
                case CloseConnection(code):
                    yield "close", code
                    return


def voipbin_frame(data):
    """A frame of VoIPBIN yields actions, or one `FrameError`."""
    read_frame("voipbin", data)


def vinix_frame(data):
    """A frame of Vinix yields actions, or one `FrameError`."""
    read_frame("vinix", data)


def read_frame(provider, data):
    for protocol in (FEEDS[provider].protocol("office"), DECODERS[provider]("office")):
        try:
            actions = tuple(protocol.received(data, AT))
        except FrameError:
            continue
        for event in [each.event for each in actions if hasattr(each, "event")]:
            assert Event.from_cloudevent(event.to_json()).id == event.id


def webhook(data):
    """A webhook yields events, or one refusal."""
    headers = {"content-type": "application/json"}
    request = WebhookRequest("POST", "/", "https://gateway.example/", headers, data, AT)
    try:
        events = list(WEBHOOKS.read(request))
    except (FrameError, WebhookError):
        return
    assert all(isinstance(event, Event) for event in events)


def rest_answer(data):
    """Answers of REST, whatever they hold, end a backfill and a login with actions, or with one `RestError`."""
    for name, feed in ASKING.items():
        pieces = data.split(b"\0")
        statuses = iter([200, 200, 200, 404, 200, 500] * 10)
        for flow in (feed.protocol("office").backfill(None, AT), *logins(feed)):
            try:
                next(flow)
                for piece in [*pieces, b"{}", b"[]", b'{"result": []}'][:50]:
                    flow.send(Response(next(statuses), {}, piece))
            except StopIteration as done:
                if name in FEEDS and flow.__name__ == "backfill":
                    assert all(isinstance(action, Action) for action in done.value)
            except RestError:
                continue


def logins(feed):
    return [feed.authenticate()] if isinstance(feed, SupportsAuthentication) else []


def selector(data):
    """A text is a selector that prints as one with the same meaning, or one `SelectorError`."""
    try:
        found = Selector.parse(data.decode("utf-8", "replace"))
    except SelectorError as error:
        assert error.pointed()
        return
    assert Selector.parse(str(found)) == found
    assert found.covers(found)


TARGETS = {each.__name__: each for each in (frame_splitter, voipbin_frame, vinix_frame, webhook, rest_answer, selector)}
