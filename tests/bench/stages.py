"""Jackfield up to each stage of its way, with the same frames: what each stage adds to the one before it."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import trio
from corpus import ACCOUNT, CUSTOMER
from watch import Watch

import jackfield
from jackfield._cli.tuning import tune
from jackfield._feed.transport import connect
from jackfield._journal import Journal
from jackfield._journal.log import Bounds
from jackfield._journal.store import SegmentStore
from jackfield._routing.index import SelectorIndex
from jackfield.plugin.protocol import Emit
from jackfield.plugin.transport import Endpoint
from jackfield.selectors import Selector

STAGES = {}


def stage(function):
    STAGES[function.__name__.replace("_", "-")] = function
    return function


def feed(url, vendor):
    """The ``[feeds.…]`` table of a feed that gets all of it."""
    if vendor == "voipbin":
        return {"provider": "voipbin", "url": url, "token": "t" * 20, "customer_id": CUSTOMER}
    return {"provider": "vinix", "url": url, "auth_token": "t" * 20, "account_id": ACCOUNT}


def everything(vendor):
    """A selector of all events of the feed."""
    return f"voipbin/customer/{CUSTOMER}/**" if vendor == "voipbin" else f"vinix/account/{ACCOUNT}/**"


def selectors(vendor, count):
    """So many selectors of several shapes, of which one selects all events and the others hardly any."""
    source = everything(vendor).removesuffix("/**")
    shapes = (
        f"{source}/call/{{0}}/*",
        f"call.connected @ {source}/call/{{0}}/*",
        f"{source}/queue/{{0}}/join",
        f"contact.* @ {source}/session/{{0}}/**",
        f"{source}/recipient/{{0}}/ready",
    )
    others = [shapes[number % len(shapes)].format(f"thing-{number}") for number in range(count - 1)]
    return [everything(vendor), *others]


def translator(vendor):
    from jackfield_vinix.protocol import VinixProtocol as Vinix
    from jackfield_voipbin.protocol import VoipbinProtocol as Voipbin

    return Voipbin("office", CUSTOMER) if vendor == "voipbin" else Vinix("office", ACCOUNT)


async def batches(url, count):
    """What `Connection.receive` hands over, until that were so many."""
    async with connect(Endpoint(url), timeout=10) as line:
        await line.send("{}")
        while count > 0:
            batch = await line.receive()
            count -= len(batch)
            yield batch


def events_of(protocol, batch, at):
    return [action.event for frame in batch for action in protocol.received(frame, at) if isinstance(action, Emit)]


@stage
def receive(url, count, _vendor):
    """The transport alone, and the parser of JSON: what the peers do."""

    async def main():
        watch, total = Watch(), 0
        async for batch in batches(url, count):
            for frame in batch:
                total += msgspec.json.decode(frame)["data"]["seq"]
        return watch.stop(), total

    return trio.run(main)


@stage
def translate(url, count, vendor):
    """And the vendor's protocol: neutral events."""

    async def main():
        protocol = translator(vendor)
        watch, total = Watch(), 0
        async for batch in batches(url, count):
            for event in events_of(protocol, batch, datetime.now(UTC)):
                total += event.data["seq"]
        return watch.stop(), total

    return trio.run(main)


@stage
def match(url, count, vendor, size=1000):
    """And the index of 1,000 selectors."""

    async def main():
        protocol, index, total = translator(vendor), SelectorIndex(), 0
        for number, each in enumerate(selectors(vendor, size)):
            index.add(Selector.parse(each), number)
        watch = Watch()
        async for batch in batches(url, count):
            for event in events_of(protocol, batch, datetime.now(UTC)):
                if index.match(event):
                    total += event.data["seq"]
        return watch.stop(), total

    return trio.run(main)


@stage
def journal(url, count, vendor):
    """And the journal: committed to its file, durable as ``process``."""

    async def main():
        with TemporaryDirectory() as folder:
            store = SegmentStore.open(Path(folder) / "journal")
            kept = Journal(Bounds(count), store, print)
            protocol, total = translator(vendor), 0
            async with trio.open_nursery() as nursery:
                nursery.start_soon(kept.run)
                watch = Watch()
                async for batch in batches(url, count):
                    for event in kept.admit(events_of(protocol, batch, datetime.now(UTC))):
                        total += event.data["seq"]
                await kept.publish(())
                watch.stop()
                kept.finish()
            store.close()
            return watch, total

    return trio.run(main)


@asynccontextmanager
async def gateway_of(url, vendor, feeds=1, **parts):
    tune()
    tables = {f"office-{number}": feed(url, vendor) for number in range(feeds)}
    async with jackfield.open_gateway({"feeds": tables, **parts}) as gateway:
        yield gateway


async def numbers(events, count):
    """The ``data.seq`` of what a listener hears, until those were so many."""
    async for event in events:
        if "seq" in event.data:  # and not a fact about the stream
            yield event.data["seq"]
            count -= 1
            if not count:
                return


@stage
def listen(url, count, vendor, feeds=1):
    """The whole gateway without a journal's file, to one listener in process."""

    async def main():
        total = 0
        async with gateway_of(url, vendor, feeds) as gateway:
            watch = Watch()
            with gateway.listen(everything(vendor), buffer=count) as events:
                async for seq in numbers(events, count):
                    total += seq
            return watch.stop(), total

    return trio.run(main)


@stage
def durable(url, count, vendor, size=1000):
    """The whole gateway: 1,000 selectors, a journal in a file, and a sink that writes JSON lines."""

    async def main():
        with TemporaryDirectory() as folder:
            archive = Path(folder) / "events.jsonl"
            async with gateway_of(
                url,
                vendor,
                gateway={"journal": f"{folder}/journal", "drain_seconds": 60.0},
                sinks={"archive": {"type": "file", "path": str(archive)}},
                routes=[{"select": selectors(vendor, size), "sinks": ["archive"]}],
            ) as gateway:
                watch = Watch()
                while gateway.state().sinks["archive"].delivered < count:  # noqa: ASYNC110  # who measures looks on
                    await trio.sleep(0.1)  # a look costs more than an event
                watch.stop()
                if gateway.state().journal.dropped:
                    raise SystemExit(f"lost: {gateway.state()}")
            lines = archive.read_bytes().splitlines()
            return watch, sum(seq for line in lines if (seq := msgspec.json.decode(line)["data"].get("seq", 0)))

    return trio.run(main)
