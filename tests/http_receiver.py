"""A real HTTP server that answers as a test says, over TCP or TLS."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import attrs


@attrs.frozen
class Reply:
    """How one request is answered; after the last of a script all are answered with 204."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    drip: float = 0
    """Seconds before each byte of the body."""
    wait: float = 0
    """Seconds before the status."""
    cut: bool = False
    """Whether the connection is closed without an answer."""


@attrs.frozen
class Request:
    """What came."""

    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """The client's port: the same for all requests of one connection."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        server = self.server
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        server.got.append(Request(self.path, headers, body, self.client_address[1]))
        with server.lock:
            server.busy += 1
            server.busiest = max(server.busiest, server.busy)
        try:
            self.answer(server.script.pop(0) if server.script else Reply())
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with server.lock:
                server.busy -= 1

    def do_GET(self):
        """A file that somebody downloads."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append(Request(self.path, headers, b"", self.client_address[1]))
        self.answer(self.server.script.pop(0) if self.server.script else Reply())

    def answer(self, reply):
        time.sleep(reply.wait)
        if reply.cut:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        for byte in reply.body if reply.drip else ():
            time.sleep(reply.drip)
            self.wfile.write(bytes([byte]))
        if not reply.drip:
            self.wfile.write(reply.body)

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    """`got` holds the requests, `script` the answers to come, `busiest` how many were under way at a time."""

    def __init__(self, context=None):
        self.script, self.got, self.lock, self.busy, self.busiest = [], [], threading.Lock(), 0, 0
        super().__init__(("127.0.0.1", 0), Handler)
        if context:
            # Handshakes in the threads, not in the loop that accepts: a client may break off.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.origin = f"{'https' if context else 'http'}://127.0.0.1:{self.server_port}"
        self.url = f"{self.origin}/events?key=hunter2-s3cret"

    def handle_error(self, request, client_address):
        """A client that breaks off is not an error of the server; one that is rejected has time to read why.

        Closing at once would reset the connection while the client still writes, and it would see only that.
        """
        time.sleep(0.2)
