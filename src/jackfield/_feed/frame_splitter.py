"""Complete messages, cut out of the bytes that a websocket brings before anybody parses those. Pure.

What a vendor sends in a hurry is one text frame after the other, and a general parser takes twenty times as
long for each as cutting it out does. So a run of complete, unfragmented data frames is taken out of the stream,
and in its place stands one empty frame. Everything else stays where it was, for wsproto to judge: the
handshake, fragments, very large frames, pings, closes, and whatever breaks the protocol or is not UTF-8. Each
message that comes out of wsproto is therefore either its own or stands for a run, and the order is kept.
"""

from __future__ import annotations

import re

import attrs

__all__ = ["CUT_MOST", "STAND_IN", "Cut", "FrameSplitter"]

# Larger messages are left for wsproto, which takes them in pieces: no more than this is ever held back.
CUT_MOST = 256 * 1024

STAND_IN = b"\x82\x00"
"""What stands for a run of messages: an empty binary frame, the cheapest there is."""

_UPGRADING = b"HTTP/1.1 101"
# Before its answer a server may send others, 100 or 103 say, which mean nothing here (RFC 9110, 15.2).
_INFORMATIONAL = re.compile(rb"HTTP/1\.1 1(?!01)[0-9][0-9][^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n")
_INFORMATIONAL_BEGINS = re.compile(rb"HTTP/1\.1 1(?!01)[0-9][0-9]")
_INFORMATIONAL_OR_NOT = b"HTTP/1.1 1"
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_HEAD_MOST = 64 * 1024

# First bytes of frames: whole messages; what else may be left without a doubt, in fragments or about the connection.
_TEXT = 0x81
_WHOLE = frozenset({_TEXT, 0x82})
_FRAGMENTS = frozenset({0x00, 0x01, 0x02, 0x80})
_PING_OR_PONG = frozenset({0x89, 0x8A})

# Frames that are left in the stream for each call: a flood of pings must not hold up the rest of the program.
LEFT_MOST = 1000

Cut = list[list[bytes] | None]
"""For each message that wsproto will make: the messages that it stands for, ``None`` where it is its own."""


@attrs.define
class FrameSplitter:
    """Goes through all that one server sends, from the first byte of its answer to the handshake on."""

    _held: bytes = b""
    """The beginning of what cannot be decided upon before more of it has come."""
    _leaving: int = 0
    """How many bytes are still to come of a frame that is left in the stream."""
    _upgraded: bool = False
    _fragmented: bool = False
    """Whether a message in fragments has begun and not ended."""
    paused: bool = False
    """Whether the last call has stopped early: call again, with nothing, for what is left of its bytes."""
    _given_up: bool = False
    """Whether everything from here on is left: the server has sent its close frame, or speaks something else."""

    def feed(self, data: bytes | bytearray) -> tuple[bytes, Cut]:
        """What wsproto is to be given in place of these bytes, maybe nothing, and what its messages will stand for."""
        if self._given_up:
            return bytes(data), []
        data = self._held + data
        self._held, self.paused = b"", False
        at = min(self._leaving, len(data))
        self._leaving -= at
        if not self._upgraded:
            while (informational := _INFORMATIONAL.match(data)) is not None:
                data = data[informational.end() :]
            begins = len(data) < len(_UPGRADING) and data.startswith(_INFORMATIONAL_OR_NOT[: len(data)])
            if begins or (_INFORMATIONAL_BEGINS.match(data) and len(data) <= _HEAD_MOST):
                self._held = data
                return b"", []
            head = _END_OF_HEAD.search(data)
            if not data.startswith(_UPGRADING[: len(data)]) or (head is None and len(data) > _HEAD_MOST):
                self._given_up = True
                return data, []
            if head is None:
                self._held = data
                return b"", []
            self._upgraded = True
            at = head.end()
        return self._cut(data, at)

    def _cut(self, data: bytes, at: int) -> tuple[bytes, Cut]:
        left, cut = [data[:at]], Cut()
        while at < len(data) and not self._given_up:
            if len(left) > LEFT_MOST:
                self._held, self.paused = data[at:], True
                break
            run: list[bytes] = []
            if not self._fragmented:
                at = _take(data, at, run)
            if run:
                left.append(STAND_IN)
                cut.append(run)
            stop = self._leave(data, at, cut)
            if stop is None:
                self._held = data[at:]
                break
            assert stop > at, "each step must make progress, or this loop has no end"
            left.append(data[at:stop])
            at = stop
        return b"".join(left), cut

    def _leave(self, data: bytes, at: int, cut: Cut) -> int | None:
        """Up to where the stream is left as it is from here on; ``None`` where more must come to tell."""
        if (header := _header(data, at)) is None:
            return None
        first, size, start, valid = data[at], *header
        stop = start + size
        if first in _WHOLE and valid and not self._fragmented:
            if size <= CUT_MOST and stop > len(data):
                return None
            cut.append(None)
        elif first in _FRAGMENTS and valid and self._fragmented == (first & 0x0F == 0):
            self._fragmented = not first & 0x80
            if first & 0x80:
                cut.append(None)
        elif not (first in _PING_OR_PONG and valid and size < 126):
            self._given_up = True
            return len(data)
        self._leaving = max(0, stop - len(data))
        return min(stop, len(data))


def _take(data: bytes, at: int, run: list[bytes]) -> int:
    """Add the complete messages that begin there to the run; where the first thing begins that is none."""
    end = len(data)
    while end - at >= 4:
        first, size, start = data[at], data[at + 1], at + 2
        if first not in _WHOLE:
            break
        if size == 126:  # nearly all are of this kind, so they do without a call
            size, start = data[start] << 8 | data[start + 1], at + 4
            if size < 126:
                break
        elif size > 126:
            if (header := _header(data, at)) is None or not header[2] or header[0] > CUT_MOST:
                break
            size, start, _ = header
        stop = start + size
        if stop > end:
            break
        message = data[start:stop]
        if first == _TEXT and not message.isascii() and not _is_utf8(message):
            break
        run.append(message)
        at = stop
    return at


def _header(data: bytes, at: int) -> tuple[int, int, bool] | None:
    """The size of the payload of the frame there, where it begins, and whether a server may write it so.

    ``None`` where the header is not complete.
    """
    there = len(data) - at
    if there < 2:
        return None
    size = data[at + 1]
    if size < 126:
        return size, at + 2, True
    if size == 126:
        if there < 4:
            return None
        size = data[at + 2] << 8 | data[at + 3]
        return size, at + 4, size > 125
    if size == 127:
        if there < 10:
            return None
        size = int.from_bytes(data[at + 2 : at + 10], "big")
        return size, at + 10, 0xFFFF < size < 1 << 63
    return 0, at, False  # a server must not mask


def _is_utf8(message: bytes) -> bool:
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True
