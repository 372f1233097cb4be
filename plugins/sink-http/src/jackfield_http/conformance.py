"""What ``jackfield conformance jackfield-http`` runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from jackfield.events import Event
from jackfield.plugin.secrets import Secret
from jackfield.testing import SinkSuite, SinkTarget
from jackfield_http import Http

__all__ = ["Conformance"]

SAMPLE = "tok-of-a-receiver"  # of nobody's


class Conformance(SinkSuite):
    """One event per request, to a server that can reject events, quote our token, and hang."""

    fails_midway = True
    stalls = True

    @contextlib.contextmanager
    def target(self) -> Iterator[SinkTarget]:
        """A server on loopback."""
        server = _Server()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        sink = Http(url=server.url, bearer=Secret("text", SAMPLE), allow_private=True)
        try:
            yield SinkTarget(sink, server.arrived, server.fail, server.stall, server.recover)
        finally:
            server.recover()
            server.shutdown()
            thread.join()
            server.server_close()


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/events"
        self._got: list[Event] = []
        self._left: int | None = None
        self._flowing = threading.Event()
        self._flowing.set()

    def take(self, body: bytes) -> int:
        """The status that answers a request."""
        self._flowing.wait()
        if self._left == 0:
            return 503
        if self._left is not None:
            self._left -= 1
        self._got.append(Event.from_cloudevent(body))
        return 204

    def fail(self, after: int) -> None:
        self._left = after

    def stall(self) -> None:
        self._flowing.clear()

    def recover(self) -> None:
        self._left = None
        self._flowing.set()

    def arrived(self) -> Sequence[Event]:
        return tuple(self._got)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that breaks off is not an error of the server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        status = self.server.take(self.rfile.read(int(self.headers["content-length"])))
        body = b"" if status == 204 else f"not now, {self.headers['authorization']}".encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Standard error is not for this."""
