"""Whatever a vendor or a receiver quotes of our secrets, nothing of it is reported, counted, kept or sent on.

A feed, a webhook and a sink run with secrets of their own; whoever they talk to words every text that can be
worded, with a secret in some encoding, whole or cut. Everything that leaves is searched, and so is what its base64
and percent-encodings stand for.
"""

import base64
import html
import json
import random
import re
from datetime import UTC, datetime
from functools import cache
from urllib.parse import quote, quote_plus, unquote

import attrs
import trio
from hypothesis import given
from hypothesis import strategies as st

from jackfield._dashboard.access import Access
from jackfield._dashboard.operations import Operations
from jackfield._dashboard.site import Site
from jackfield._delivery import SinkPipeline
from jackfield._feed import effects
from jackfield._feed.recorder import FeedRecorder
from jackfield._feed.stream_events import stream_event
from jackfield._journal import Journal
from jackfield._journal.log import Bounds
from jackfield._journal.store import MemoryStore
from jackfield._loading.registry import Registry
from jackfield._routing.route_spans import RouteSpans
from jackfield._webhooks.receiver import WebhookReceiver
from jackfield.addresses import Source
from jackfield.config import DeliveryOptions, Feed
from jackfield.errors import DeliveryError, FrameError, WebhookError
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.http import Request
from jackfield.plugin.redaction import PART
from jackfield.plugin.secrets import Secret
from jackfield.plugin.webhook import Webhook
from jackfield.selectors import Selector

NOON = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=PART, max_size=40)
ENCODINGS = [
    str,
    lambda text: quote(text, safe=""),
    quote_plus,
    lambda text: quote(quote(text, safe=""), safe=""),
    lambda text: json.dumps(text)[1:-1],
    lambda text: json.dumps(json.dumps(text))[3:-3],
    html.escape,
    lambda text: text.encode().hex(),
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    lambda text: base64.b64encode(f"u:{text}".encode()).decode(),
    lambda text: base64.b64encode(f"me:{text}".encode()).decode(),
]
AROUND = st.sampled_from(["{}", "no such key: {}", "{} is not valid", "'{}'", '{{"error": "{}"}}', "Basic {}", "({})…"])


@attrs.frozen
class Options:
    token: Secret

    source = Source("acme", "account", "A")


@attrs.define(eq=False)
class World:
    """One gateway's texts: its registry, with an observer; what it reports, counts, keeps and sends on."""

    secrets: list
    said: str
    out: list = attrs.field(factory=list)

    @hookimpl
    def jackfield_observe(self, report):
        self.out += [str(report), repr(report)]
        self.operations.observe(report, NOON)

    operations: Operations = attrs.field(factory=Operations)

    async def run(self):
        registry = Registry().extended([self])
        configured, brought, sink_key = (Secret("text", text) for text in self.secrets)
        registry.redact.add([configured, sink_key])
        feed = Feed("office", "acme", Options(configured))
        self.feed(registry, feed, Options(brought))
        await self.webhook(registry, feed)
        await self.sink(registry)
        site = Site(Access("127.0.0.1"), registry.redact, self.operations)
        answer = await site.respond(Request("GET", "/operator.json", (("host", "localhost"),)))
        self.out.append(answer.body.decode())

    def feed(self, registry, feed, logged_in):
        events = []
        recorder = FeedRecorder(
            feed, feed.provider, events.extend, registry.observe, lambda: NOON, redact=registry.redact
        )
        recorder.provider = logged_in
        said = self.said
        for effect in (
            effects.FrameUnreadable(FrameError(said, b"")),
            effects.FrameIgnored(said),
            effects.TopicRefused("topic", said),
            effects.RequestFailed(said),
            effects.BackfillEnded(NOON, NOON, failure=said),
        ):
            recorder.handle(effect)
        recorder.emit_fact("disconnected", reason=said)
        recorder.announce_gap(NOON, NOON, recorder.redacted(said))
        stats = recorder.stats.snapshot()
        self.out += [repr(stats), *(error.problem for error in stats.last_unreadable)]
        self.out += [event.to_json().decode() for event in events]

    async def webhook(self, registry, feed):
        for error in (WebhookError(401, self.said), FrameError(self.said, b""), ZeroDivisionError(self.said)):

            def read(request, error=error):
                raise error

            recorder = FeedRecorder(feed, feed.provider, print, registry.observe, lambda: NOON, redact=registry.redact)
            receiver = WebhookReceiver(
                feed,
                Webhook(read),
                recorder.stats,
                recorder.unreadable,
                None,
                registry.observe,
                redact=registry.redact,
            )
            answer = await receiver.receive(Request("POST", "/", (), b"x"))
            stats = recorder.stats.snapshot()
            self.out += [answer.body.decode(), repr(stats), *(each.problem for each in stats.last_unreadable)]

    async def sink(self, registry):
        said = self.said
        failures = [
            DeliveryError(said),
            ExceptionGroup("several", [ValueError(said), OSError(said)]),
            DeliveryError(said, on_error="pause"),
            DeliveryError(said, on_error="dead_letter", rejected_count=1),
        ]

        class Receiver:
            async def write(self, batch):
                await trio.lowlevel.checkpoint()
                if failures:
                    raise failures.pop(0)

        memory = MemoryStore(100, registry.observe)
        journal = Journal(Bounds(100), memory, registry.observe)
        selects = RouteSpans.of([Selector.parse("**")])
        options = DeliveryOptions(batch_events=1)
        pipeline = SinkPipeline(
            "crm",
            Receiver(),
            journal.cursor("crm"),
            selects,
            options,
            registry.observe,
            random.Random(1),
            registry.redact,
        )
        journal.admit([stream_event(Source("v", "s", "i"), "f", "connected", NOON)])
        journal.close()
        await pipeline.run()
        (letter,) = memory.dead
        self.out.append(letter.reason)


def readings(text):
    """A text, and what its encodings stand for."""
    yield text
    yield unquote(unquote(text))
    yield html.unescape(text)
    yield re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), text)
    yield re.sub(r"\\+(.)", r"\1", text)
    for run in re.findall(r"[A-Za-z0-9+/_-]{4,}", unquote(unquote(text))):
        standard = run.replace("-", "+").replace("_", "/")
        yield base64.b64decode(standard[: len(standard) // 4 * 4]).decode(errors="replace")
    for run in re.findall(r"(?:[0-9a-f]{2}){4,}", text):
        yield bytes.fromhex(run).decode(errors="replace")


def run(secrets, said):
    world = World(list(secrets), said)
    trio.run(world.run, clock=trio.testing.MockClock(autojump_threshold=0))
    assert len(world.out) > 20
    return world.out


@cache
def innocent():
    """What there is to read where nobody quotes anything."""
    return "\n".join(reading for text in run(["\N{SNOWMAN}" * 9] * 3, "no such key") for reading in readings(text))


@given(
    st.tuples(TOKEN, TOKEN, TOKEN),
    st.integers(0, 2),
    st.sampled_from(ENCODINGS),
    AROUND,
    st.one_of(st.none(), st.integers(0, 60)),
)
def test_whatever_is_quoted_of_a_secret_nothing_of_it_leaves(secrets, which, encode, around, cut):
    quoted = encode(secrets[which])
    said = around.format(quoted if cut is None else quoted[:cut])
    for text in run(secrets, said):
        for reading in readings(text):
            for secret in secrets:
                for at in range(len(secret) - PART + 1):
                    part = secret[at : at + PART]
                    assert part not in reading or part in innocent() + around, (text, part)
