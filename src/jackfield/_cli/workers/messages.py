"""What the parent and a worker say to each other, as bytes on a socket that only they have: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import msgspec

from jackfield._cli.log_lines import LogFormat
from jackfield.config import Document
from jackfield.errors import ConfigError, ConfigProblem, JackfieldError
from jackfield.reports import FeedStats, JournalStats, Latency, Level, SinkStats

__all__ = [
    "Answered",
    "Applied",
    "Apply",
    "Ask",
    "Begin",
    "End",
    "Failure",
    "Frames",
    "Message",
    "Post",
    "Ready",
    "States",
    "UnitState",
    "Written",
    "encode",
]

HEAD_BYTES = 4


class Written(msgspec.Struct):
    """A configuration as it stood in its files when the parent read it."""

    tables: dict[str, Any]
    files: dict[str, str]

    @classmethod
    def of(cls, document: Document) -> Written:
        """What a document says, and where each part of it stood."""
        return cls(dict(document), {where: str(file) for where, file in document.files.items()})

    def document(self) -> Document:
        """The document again."""
        return Document.of(self.tables, {where: Path(file) for where, file in self.files.items()})


class Failure(msgspec.Struct):
    """Why a worker cannot do what it is asked to."""

    text: str = ""
    problems: tuple[tuple[str, str], ...] = ()
    """Of the configuration: where, and what."""

    @classmethod
    def of(cls, error: JackfieldError) -> Failure:
        """What an error says."""
        if isinstance(error, ConfigError):
            return cls(str(error), tuple((each.path, each.message) for each in error.problems))
        return cls(str(error))

    def error(self) -> JackfieldError:
        """The error again."""
        if self.problems:
            return ConfigError([ConfigProblem(path, text) for path, text in self.problems])
        return JackfieldError(self.text)


class UnitState(msgspec.Struct):
    """How the gateway of one feed stands."""

    feeds: dict[str, FeedStats]
    sinks: dict[str, SinkStats]
    journal: JournalStats


class _Said(msgspec.Struct, tag=True):
    """Anything that is said."""


class Begin(_Said):
    """To a worker, first of all: take these feeds by this configuration."""

    config: Written
    feeds: tuple[str, ...]
    plugins: tuple[str, ...] | None
    strict: bool
    log_level: Level
    log_format: LogFormat | None


class Ask(_Said):
    """To a worker: how does everything stand?"""

    number: int


class Post(_Said):
    """To a worker: a webhook for a feed of its own."""

    number: int
    feed: str
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Apply(_Said):
    """To a worker: take over this configuration, and hold these feeds."""

    number: int
    config: Written
    feeds: tuple[str, ...]


class End(_Said):
    """To a worker: stop gracefully."""


class Ready(_Said):
    """From a worker: it holds its feeds, or why it cannot."""

    failure: Failure | None = None


class States(_Said):
    """From a worker: how the gateway of each of its feeds stands; with the number 0 at its end."""

    number: int
    units: dict[str, UnitState]
    loop_delays: Latency


class Answered(_Said):
    """From a worker: the answer to a webhook."""

    number: int
    status: int
    headers: dict[str, str]
    body: bytes


class Applied(_Said):
    """From a worker: what has changed, or why nothing has."""

    number: int
    changes: tuple[str, ...] = ()
    failure: Failure | None = None


Message = Begin | Ask | Post | Apply | End | Ready | States | Answered | Applied


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):  # a mapping that cannot be changed
        return dict(value)
    raise NotImplementedError(f"{type(value).__name__} is nothing that a worker says")


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)


def encode(message: Message) -> bytes:
    """A message with its length before it."""
    content = _encoder.encode(message)
    return len(content).to_bytes(HEAD_BYTES, "big") + content


@attrs.define
class Frames:
    """Messages out of the bytes of a socket, however they were cut."""

    _rest: bytearray = attrs.field(factory=bytearray)
    _decoder: msgspec.msgpack.Decoder[Message] = attrs.field(factory=lambda: msgspec.msgpack.Decoder(Message))

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are whole by now."""
        rest = self._rest
        rest += data
        while len(rest) >= HEAD_BYTES:
            end = HEAD_BYTES + int.from_bytes(rest[:HEAD_BYTES], "big")
            if len(rest) < end:
                return
            content = bytes(rest[HEAD_BYTES:end])
            del rest[:end]
            yield self._decoder.decode(content)
