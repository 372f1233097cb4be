"""A vendor's server that has nothing to do but send: prepared frames, as fast as the line takes them or at a rate.

    python blast.py VENDOR EVENTS [--rate PER_SECOND] [--connections N] [--cut-after N] [--core N]

Blocking sockets and no websocket library, so that no client is measured against its own server. Each connection
gets its share of the events once the client has sent its first frame, and then nothing until the client hangs up.
"""

import argparse
import base64
import hashlib
import os
import socket
import struct
import threading
import time

from corpus import SENT, frames

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
AT_ONCE = 256  # frames in one write


def wrap(payload):
    return struct.pack("!BBH", 0x81, 126, len(payload)) + payload


def accept(line):
    """The handshake; returns once the client has sent something after it."""
    request = b""
    while b"\r\n\r\n" not in request:
        if not (data := line.recv(65536)):
            return False
        request += data
    head, _, rest = request.partition(b"\r\n\r\n")
    headers = dict(each.split(b": ", 1) for each in head.split(b"\r\n")[1:])
    key = next(value for name, value in headers.items() if name.lower() == b"sec-websocket-key")
    answer = base64.b64encode(hashlib.sha1(key + GUID, usedforsecurity=False).digest())
    line.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + answer + b"\r\n\r\n"
    )
    return bool(rest or line.recv(65536))


def send_all(line, vendor, start, stop):
    for first in range(start, stop, AT_ONCE * 16):
        blob = b"".join(map(wrap, frames(vendor, first, min(first + AT_ONCE * 16, stop))))
        line.sendall(blob)


def send_prepared(line, blobs):
    for blob in blobs:
        line.sendall(blob)


def send_paced(line, vendor, start, stop, rate):
    """One frame a write, stamped with the moment at which it was due, so a late sender counts as latency."""
    began = time.monotonic_ns()
    wall = time.time_ns() - began
    for count, frame in enumerate(frames(vendor, start, stop)):
        due = began + int(count * 1e9 / rate)
        while (left := due - time.monotonic_ns()) > 0:
            if left > 200_000:
                time.sleep((left - 150_000) / 1e9)
        line.sendall(wrap(frame.replace(b"%d" % SENT, b"%d" % (due + wall))))


def drain(line):
    """Read whatever the client says; answer its goodbye."""
    try:
        while data := line.recv(65536):
            if data[0] == 0x88:
                line.sendall(b"\x88\x02\x03\xe8")
                line.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    line.close()


def serve(line, options, start, stop, blobs):
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        if not accept(line):
            return
        threading.Thread(target=drain, args=[line], daemon=True).start()
        if options.rate:
            send_paced(line, options.vendor, start, stop, options.rate)
        elif blobs is not None:
            send_prepared(line, blobs)
        else:
            send_all(line, options.vendor, start, stop)
        if options.cut_after:
            line.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("vendor", choices=("voipbin", "vinix"))
    parser.add_argument("events", type=int)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--connections", type=int, default=1, help="how many share the events")
    parser.add_argument("--cut-after", type=int, default=0, help="cut each connection after so many events")
    parser.add_argument("--core", type=int)
    options = parser.parse_args()
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    share = options.cut_after or options.events // options.connections
    blobs = None
    if share == options.events <= 200_000 and not options.rate:  # made before anybody waits for it
        every = list(map(wrap, frames(options.vendor, 0, share)))
        blobs = [b"".join(every[at : at + AT_ONCE]) for at in range(0, share, AT_ONCE)]
    with socket.create_server(("127.0.0.1", 0), backlog=200) as server:
        print(server.getsockname()[1], flush=True)
        start = 0
        while True:
            line, _ = server.accept()
            arguments = [line, options, start, min(start + share, options.events), blobs]
            threading.Thread(target=serve, args=arguments, daemon=True).start()
            start += share


if __name__ == "__main__":
    main()
