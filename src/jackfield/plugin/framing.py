"""Framings: where frames begin and end in a stream of bytes, for `ByteStream` and `HTTPStream`; pure.

======================= ======================================================================================
`Lines`                 a frame is a line, such as of JSON, or a call record of SMDR
`LengthPrefixed`        a frame stands behind its length, as in CSTA over TCP
`HeaderBlocks`          headers, an empty line, and a body where Content-Length says so: FreeSWITCH, Asterisk's AMI
`ServerSentEvents`      ``text/event-stream``
======================= ======================================================================================

Each holds back at most its limit and a read: a longer frame is a `FrameError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs

from jackfield.errors import FrameError

__all__ = ["MAX_FRAME_BYTES", "HeaderBlocks", "LengthPrefixed", "Lines", "ServerSentEvent", "ServerSentEvents"]

MAX_FRAME_BYTES = 16 * 2**20
"""The largest frame that is accepted where nothing else is said; the same as by websocket and by webhook."""
MAX_HEAD_BYTES = 64 * 2**10
_SHOWN = 100


def _too_long(held: bytes | bytearray, most: int) -> FrameError:
    return FrameError(f"a frame is longer than {most} bytes", bytes(held[:_SHOWN]))


@attrs.define
class Lines:
    """Each line is a frame, without its end; empty lines are left out."""

    end: bytes = b"\n"
    """What ends a line; a ``\\r`` before a ``\\n`` is removed too."""
    max_bytes: int = MAX_FRAME_BYTES
    _held: bytearray = attrs.field(factory=bytearray, init=False)

    @property
    def held(self) -> int:
        """How many bytes of an incomplete line are held back."""
        return len(self._held)

    def split(self, data: bytes) -> Iterator[bytes]:
        """The lines that these bytes complete."""
        looked = max(0, len(self._held) - len(self.end) + 1)  # the end may have come in two parts
        self._held += data
        start = 0
        while (stop := self._held.find(self.end, max(start, looked))) >= 0:
            line = bytes(self._held[start:stop])
            start = stop + len(self.end)
            if len(line) > self.max_bytes:
                raise _too_long(line, self.max_bytes)
            if self.end == b"\n":
                line = line.removesuffix(b"\r")
            if line:
                yield line
        del self._held[:start]
        if len(self._held) > self.max_bytes:
            raise _too_long(self._held, self.max_bytes)

    def wrap(self, frame: bytes) -> bytes:
        """A line with its end."""
        return frame + self.end


@attrs.define
class LengthPrefixed:
    """Each frame stands behind its length, an unsigned number of so many bytes."""

    size: int = 4
    """Bytes of the length."""
    byteorder: Literal["big", "little"] = "big"
    inclusive: bool = False
    """Whether the length counts its own bytes."""
    max_bytes: int = MAX_FRAME_BYTES
    _held: bytearray = attrs.field(factory=bytearray, init=False)

    @property
    def held(self) -> int:
        """How many bytes of an incomplete frame are held back."""
        return len(self._held)

    def split(self, data: bytes) -> Iterator[bytes]:
        """The frames that these bytes complete."""
        self._held += data
        start, head = 0, self.size
        while len(self._held) - start >= head:
            length = int.from_bytes(self._held[start : start + head], self.byteorder) - self.inclusive * head
            if length < 0:
                raise FrameError("a frame's length does not count itself", bytes(self._held[start : start + head]))
            if length > self.max_bytes:
                raise _too_long(self._held[start:], self.max_bytes)
            if len(self._held) - start - head < length:
                break
            yield bytes(self._held[start + head : start + head + length])
            start += head + length
        del self._held[:start]

    def wrap(self, frame: bytes) -> bytes:
        """A frame behind its length."""
        return (len(frame) + self.inclusive * self.size).to_bytes(self.size, self.byteorder) + frame


@attrs.define
class HeaderBlocks:
    """A frame is a block of headers, and behind an empty line as many bytes as its Content-Length says.

    A frame is handed over as it came, the empty line included; empty lines between frames are left out.
    """

    max_bytes: int = MAX_FRAME_BYTES
    _held: bytearray = attrs.field(factory=bytearray, init=False)
    _size: int | None = attrs.field(default=None, init=False)
    """Of the frame at the front, once its headers are complete."""

    @property
    def held(self) -> int:
        """How many bytes of an incomplete frame are held back."""
        return len(self._held)

    def split(self, data: bytes) -> Iterator[bytes]:
        """The frames that these bytes complete."""
        looked = max(0, len(self._held) - 3)
        self._held += data
        while True:
            if self._size is None:
                blank = len(self._held) - len(self._held.lstrip(b"\r\n"))
                if blank:
                    del self._held[:blank]
                    looked = 0
                if (end := self._end_of_head(looked)) is None:
                    break
                self._size = end + self._body_size(bytes(self._held[:end]))
            if len(self._held) < self._size:
                break
            yield bytes(self._held[: self._size])
            del self._held[: self._size]
            self._size, looked = None, 0
        if self._size is None and len(self._held) > MAX_HEAD_BYTES:
            raise _too_long(self._held, MAX_HEAD_BYTES)

    def _end_of_head(self, start: int) -> int | None:
        ends = [found + len(blank) for blank in (b"\n\n", b"\r\n\r\n") if (found := self._held.find(blank, start)) >= 0]
        return min(ends, default=None)

    def _body_size(self, head: bytes) -> int:
        for line in head.splitlines():
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                digits = value.strip()
                if not digits.isdigit() or len(digits) > 12:
                    raise FrameError("a frame's Content-Length is not a number", line[:_SHOWN])
                if int(digits) + len(head) > self.max_bytes:
                    raise _too_long(head, self.max_bytes)
                return int(digits)
        return 0

    def wrap(self, frame: bytes) -> bytes:
        """A block with an empty line behind it, where it has none yet."""
        return frame if b"\n\n" in frame or b"\r\n\r\n" in frame else frame.rstrip(b"\r\n") + b"\n\n"


@attrs.frozen
class ServerSentEvent:
    """One event of a ``text/event-stream``, with the standard's defaults."""

    data: str
    event: str = "message"
    id: str | None = None
    """``None`` where it has none: the last one's holds."""

    @classmethod
    def parse(cls, frame: bytes) -> ServerSentEvent:
        """Read a frame of `ServerSentEvents`; `FrameError` where it is not UTF-8."""
        try:
            text = frame.decode()
        except UnicodeDecodeError:
            raise FrameError("not UTF-8 text", frame) from None
        data: list[str] = []
        event, identity = "", None
        for line in text.split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match name:
                case "data":
                    data.append(value)
                case "event":
                    event = value
                case "id" if "\0" not in value:
                    identity = value
        return cls("\n".join(data), event or "message", identity)


@attrs.define
class ServerSentEvents:
    """Each event of a ``text/event-stream`` is a frame: the lines of its fields; comments are left out."""

    max_bytes: int = MAX_FRAME_BYTES
    _event: list[bytes] = attrs.field(factory=list, init=False)
    _size: int = attrs.field(default=0, init=False)
    _began: bool = attrs.field(default=False, init=False)
    _after_return: bool = attrs.field(default=False, init=False)
    """Whether the last byte was a ``\\r``, which ends a line with the ``\\n`` that may follow."""
    _line: bytearray = attrs.field(factory=bytearray, init=False)

    @property
    def held(self) -> int:
        """How many bytes of an incomplete event are held back."""
        return self._size + len(self._line)

    def split(self, data: bytes) -> Iterator[bytes]:
        """The events that these bytes complete."""
        if self._after_return and data:
            data = data.removeprefix(b"\n")
        if data:
            self._after_return = data.endswith(b"\r")
        *lines, rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            whole = bytes(self._line) + line
            self._line.clear()
            if not self._began:
                self._began, whole = True, whole.removeprefix(b"\xef\xbb\xbf")
            if whole and not whole.startswith(b":"):
                self._event.append(whole)
                self._size += len(whole) + 1
            elif not whole and self._event:
                event, self._event, self._size = b"\n".join(self._event), [], 0
                yield event
            self._check()
        self._line += rest
        self._check()

    def _check(self) -> None:
        if self.held > self.max_bytes:
            raise _too_long(b"\n".join([*self._event, bytes(self._line)]), self.max_bytes)

    def wrap(self, frame: bytes) -> bytes:
        """An event as a server sends it."""
        return frame + b"\n\n"
