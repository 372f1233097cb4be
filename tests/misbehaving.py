"""Receivers by HTTP on raw sockets: one that misbehaves in twenty ways, one that is slow."""

import json
import random
import socket
import struct
import threading
import time

import attrs

HEAD = b"\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def close_at_once(connection):
    pass


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang(connection):
    time.sleep(0.6)


def in_pieces(connection):
    for byte in EMPTY:
        connection.sendall(bytes([byte]))


def slow_end(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n")
    for _ in range(3):
        time.sleep(0.05)
        connection.sendall(b"x")


def never_ending(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nsome")
    time.sleep(0.6)


def says(text):
    """Send this and close."""
    return lambda connection: connection.sendall(text)


def status(line, *headers):
    """Answer with a status and close."""
    return says(b"\r\n".join([b"HTTP/1.1 " + line, *headers, b"content-length: 2", b"", b"no"]))


ACKNOWLEDGING = [
    in_pieces,
    slow_end,
    never_ending,
    says(b"HTTP/1.0 200 OK\r\n\r\nuntil the end"),
    says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot a size\r\n"),
    says(b"HTTP/1.1 100 Continue\r\n\r\n" + EMPTY),
    says(EMPTY + EMPTY),
]
"""Odd, but with a status of success: what they were sent must not come again."""
WAYS = [
    *ACKNOWLEDGING,
    close_at_once,
    reset,
    hang,
    says(b"HTTP/1.1 20"),
    says(b"SSH-2.0-OpenSSH_9.6\r\n"),
    says(b"\x00\xff" * 500),
    says(b"HTTP/1.1 999999 Strange\r\n\r\n"),
    status(b"500 Internal Server Error"),
    status(b"502 Bad Gateway", b"x-long: " + b"y" * 5000),
    status(b"503 Service Unavailable", b"retry-after: 0"),
    status(b"503 Service Unavailable", b"retry-after: soon"),
    status(b"429 Too Many Requests", b"retry-after: Wed, 21 Oct 2015 07:28:00 GMT"),
    status(b"408 Request Timeout"),
]


@attrs.define(eq=False)
class Receiver:
    """`got` has each event that was acknowledged, with the run in which its connection was made."""

    seed: int
    share: float = 0.0
    """How many of the requests are answered in one of the `WAYS`."""
    seconds: float = 0.0
    """How long each answer takes."""
    run: int = 0
    got: list = attrs.field(factory=list)
    ways: set = attrs.field(factory=set)
    _listener: socket.socket = attrs.field(init=False)
    _turn: threading.Lock = attrs.field(factory=threading.Lock)

    def __attrs_post_init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._chance = random.Random(self.seed)
        threading.Thread(target=self._accept, daemon=True).start()

    _chance: random.Random = attrs.field(init=False)

    @property
    def url(self):
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/events"

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, self.run), daemon=True).start()

    def _serve(self, connection, run):
        with connection:
            try:
                while (body := _request(connection)) is not None:
                    time.sleep(self.seconds)
                    if not self._answer(connection, body, run):
                        return
            except OSError:  # a client that was killed, or has had enough
                return

    def _answer(self, connection, body, run):
        """Answer one request; whether another may follow on this connection."""
        if _is_gone(connection):  # it has timed out, or was killed: nobody learns of an acknowledgement
            return False
        with self._turn:
            way = self._chance.choice(WAYS) if self._chance.random() < self.share else None
        if way is None:
            # What is noted is acknowledged a moment later: never the other way around.
            self._note(body, run)
            connection.sendall(EMPTY)
            return True
        self.ways.add(WAYS.index(way))
        if way in ACKNOWLEDGING:
            self._note(body, run)
        way(connection)
        return False

    def _note(self, body, run):
        events = json.loads(body)
        with self._turn:
            self.got += [(run, event) for event in (events if isinstance(events, list) else [events])]


def _is_gone(connection):
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False


def _request(connection):
    data = b""
    while HEAD not in data:
        if not (more := connection.recv(65536)):
            return None
        data += more
    head, _, body = data.partition(HEAD)
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        if not (more := connection.recv(65536)):
            return None
        body += more
    return body
