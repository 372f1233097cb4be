"""`jackfield._cli.health`: one probe, its answer and its exit status."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from jackfield._cli import main


@contextmanager
def answering(status, body):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


DEGRADED = b'{"status": "degraded", "ready": true, "reasons": {"feeds.office": "reconnecting for 12 s"}}'


@pytest.mark.parametrize(("status", "exit_status"), [(200, 0), (503, 1)])
def test_the_answer_is_shown_and_decides(status, exit_status, capsys):
    with answering(status, DEGRADED) as (address, asked):
        assert main(["health", f"http://{address}"]) == exit_status
        assert main(["health", f"http://{address}/readyz", "--strict"]) == exit_status
    assert capsys.readouterr().out == "degraded\n  feeds.office: reconnecting for 12 s\n" * 2
    assert asked == ["/readyz", "/readyz?strict"]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # what is listened on everywhere is here too
def test_the_configuration_says_where(host, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JACKFIELD_CONFIG", raising=False)
    with answering(200, b'{"status": "ok"}') as (address, _):
        (tmp_path / "gateway.toml").write_text(f'[metrics]\nlisten = "{host}:{address.partition(":")[2]}"\n')
        assert main(["health"]) == 0
        assert main(["health", "gateway.toml"]) == 0
    assert capsys.readouterr().out == "ok\nok\n"


@pytest.mark.parametrize("where", ["127.0.0.1:9464", "ftp://127.0.0.1", "[::1]:9464"])
def test_an_address_is_not_taken_for_a_file(where, capsys):
    assert main(["health", where]) == 2
    assert f"URL: {where!r} is neither a file nor a URL; write http://HOST:PORT" in capsys.readouterr().err


def test_what_is_not_there_or_no_gateway_is_said(tmp_path, capsys):
    with answering(200, b"<html>") as (address, _):
        assert main(["health", f"http://{address}"]) == 1
    assert "answers with HTTP 200, and not as Jackfield does" in capsys.readouterr().err
    assert main(["health", "http://127.0.0.1:9"]) == 1
    assert "127.0.0.1:9" in capsys.readouterr().err
    (tmp_path / "g.toml").write_text("")
    assert main(["health", str(tmp_path / "g.toml")]) == 2
    assert "metrics.listen: not given" in capsys.readouterr().err
