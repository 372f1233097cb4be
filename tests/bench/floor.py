"""What the libraries alone take for the two longest ways, written out by hand: no Jackfield beyond the transport.

Each does what cannot be left out, and nothing for which it would need a model: the frame and its payload as objects,
an id from the payload's content whatever the order of its keys, one object for the event; and for the durable way the
digest by which a copy is known, the event as JSON, a row in SQLite committed in groups, a line in a file. No topic
is read, no kind found, no selector matched, nothing checked, and no thread is in between.
"""

import sqlite3
import zlib
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
import msgspec
import trio
from stages import batches, stage
from watch import Watch


class Envelope(msgspec.Struct):
    """VoIPBIN's documented frame."""

    event_type: str
    timestamp: datetime
    topic: str
    data: msgspec.Raw


class Line(msgspec.Struct):
    """An event as it goes out, with as many attributes as Jackfield's has."""

    id: str
    specversion: str
    source: str
    type: str
    subject: str
    recordedtime: datetime
    feed: str
    event: str
    origin: str
    inferred: bool
    time: datetime
    datacontenttype: str
    correlationid: str
    partitionkey: str
    nativetype: str
    nativetopic: str
    data: msgspec.Raw


@attrs.frozen(slots=False)
class ScenarioEvent:
    """What a listener gets."""

    id: str
    type: str
    topic: str
    time: datetime
    received: datetime
    data: object
    text: bytes


envelope_of = msgspec.json.Decoder(Envelope).decode
objects_of = msgspec.json.Decoder().decode
sorted_text_of = msgspec.json.Encoder(order="deterministic").encode
text_of = msgspec.json.Encoder().encode


def happening(frame, at):
    envelope = envelope_of(frame)
    data = objects_of(envelope.data)
    digest = sha256(sorted_text_of(data)).hexdigest()[:32]
    return ScenarioEvent(
        digest, envelope.event_type, envelope.topic, envelope.timestamp, at, data, bytes(envelope.data)
    )


@stage
def floor_listen(url, count, _vendor):
    """Frames to objects with an id, in one loop."""

    async def main():
        watch, total = Watch(), 0
        async for batch in batches(url, count):
            at = datetime.now(UTC)
            for each in [happening(frame, at) for frame in batch]:
                total += each.data["seq"]
        return watch.stop(), total

    return trio.run(main)


def line_of(each):
    line = Line(
        id=each.id,
        specversion="1.0",
        source=each.topic,
        type=each.type,
        subject=each.topic,
        recordedtime=each.received,
        feed="office",
        event="status",
        origin="live",
        inferred=False,
        time=each.time,
        datacontenttype="application/json",
        correlationid=each.topic,
        partitionkey=each.topic,
        nativetype=each.type,
        nativetopic=each.topic,
        data=msgspec.Raw(each.text),
    )
    return text_of(line)


@stage
def floor_durable(url, count, _vendor):
    """And into SQLite and a file, a group for each read, with the journal's settings."""

    async def main():
        total, number, seen = 0, 0, set()
        with TemporaryDirectory() as folder, (Path(folder) / "events.jsonl").open("ab", buffering=0) as archive:
            db = sqlite3.connect(Path(folder) / "journal", isolation_level=None)
            db.execute("PRAGMA page_size = 8192")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, at INTEGER, crc INTEGER, body BLOB)")
            watch = Watch()
            async for batch in batches(url, count):
                at = datetime.now(UTC)
                happenings = [happening(frame, at) for frame in batch]
                seen.update([sha256(f"{each.topic}{each.id}".encode()).digest()[:16] for each in happenings])
                lines = [line_of(each) for each in happenings]
                rows = [(number + n, 0, zlib.crc32(line), line) for n, line in enumerate(lines)]
                number += len(rows)
                db.execute("BEGIN")
                db.executemany("INSERT INTO event VALUES (?, ?, ?, ?)", rows)
                db.execute("COMMIT")
                archive.write(b"\n".join([*lines, b""]))
                for each in happenings:
                    total += each.data["seq"]
            watch.stop()
            db.close()
        return watch, total

    return trio.run(main)
