"""TLS: Redis behind a terminator, since the wheel's server is built without it."""

import socket
import ssl
import threading
from contextlib import contextmanager

import pytest
import trustme

from jackfield.errors import DeliveryError
from jackfield_redis import RedisSink


def pump(source, sink):
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
    except OSError:
        pass
    finally:
        for each in (source, sink):
            each.close()


@contextmanager
def terminator(port, certificate, authority=None):
    """A port that speaks TLS in front of another one, for one connection after the other."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    if authority is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        authority.configure_trust(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                client = context.wrap_socket(plain, server_side=True)
            except OSError:
                plain.close()
                continue
            behind = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=pump, args=(behind, client), daemon=True).start()
            threading.Thread(target=pump, args=(client, behind), daemon=True).start()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


async def test_a_server_behind_tls_is_verified_and_a_client_certificate_is_presented(server, batch, entries, tmp_path):
    authority, stranger = trustme.CA(), trustme.CA()
    mine = authority.issue_cert("client.example")
    mine.private_key_and_cert_chain_pem.write_to_path(tmp_path / "client.pem")
    for name, each in (("ca", authority), ("stranger", stranger)):
        each.cert_pem.write_to_path(tmp_path / f"{name}.pem")
    with terminator(server.port, authority.issue_cert("127.0.0.1"), authority) as port:
        url, client = f"rediss://127.0.0.1:{port}", str(tmp_path / "client.pem")
        good = RedisSink(url=url, ca_file=str(tmp_path / "ca.pem"), client_cert=client, partitions=1)
        async with good.open() as out:
            await out.write(batch(1))
        bad = RedisSink(url=url, ca_file=str(tmp_path / "stranger.pem"), client_cert=client, timeout=3.0, partitions=1)
        async with bad.open() as out:
            with pytest.raises(DeliveryError, match="certificate verify failed") as caught:
                await out.write(batch(2))
        assert caught.value.on_error == "retry"
    assert entries(server) == [(1, "1")]
