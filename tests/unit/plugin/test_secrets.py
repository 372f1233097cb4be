"""`jackfield.plugin.secrets`: where secrets come from, and that they do not show."""

import attrs
import pytest

from jackfield.errors import SecretError
from jackfield.plugin.secrets import Secret, iter_secrets, redact_url


def test_a_secret_in_the_environment_is_read_at_each_use(monkeypatch):
    secret = Secret.from_config({"env": "JACKFIELD_TEST_TOKEN"})
    monkeypatch.setenv("JACKFIELD_TEST_TOKEN", "first")
    assert secret.reveal() == "first"
    monkeypatch.setenv("JACKFIELD_TEST_TOKEN", " second\n")
    assert secret.reveal() == "second"


def test_a_secret_in_a_file_is_read_at_each_use(tmp_path):
    path = tmp_path / "token"
    secret = Secret.from_config({"file": str(path)})
    path.write_text("first\n")
    assert secret.reveal() == "first"
    path.write_text("second")
    assert secret.reveal() == "second"


def test_a_secret_that_is_not_there_is_reported_by_its_place(monkeypatch, tmp_path):
    monkeypatch.delenv("JACKFIELD_TEST_TOKEN", raising=False)
    with pytest.raises(SecretError, match="JACKFIELD_TEST_TOKEN is not set"):
        Secret("env", "JACKFIELD_TEST_TOKEN").reveal()
    with pytest.raises(SecretError, match="cannot be read: No such file"):
        Secret("file", str(tmp_path / "none")).reveal()
    (tmp_path / "empty").touch()
    with pytest.raises(SecretError, match="is empty"):
        Secret("file", str(tmp_path / "empty")).reveal()
    (tmp_path / "binary").write_bytes(b"\xff")
    with pytest.raises(SecretError, match="not UTF-8"):
        Secret("file", str(tmp_path / "binary")).reveal()


@pytest.mark.parametrize("value", ["", 5, None, {}, {"env": ""}, {"env": "A", "file": "b"}, {"nev": "A"}, ["x"]])
def test_anything_else_is_no_secret(value):
    with pytest.raises(ValueError, match="no secret; give"):
        Secret.from_config(value)


def test_a_secret_never_shows():
    secret = Secret.from_config("hunter2")
    assert "hunter2" not in repr(secret) + str(secret) + f"{secret}"


def test_an_options_objects_secrets_are_found_by_their_type():
    @attrs.frozen
    class Options:
        url: str
        token: Secret

    secret = Secret("text", "x")
    assert iter_secrets(Options("u", secret)) == [("token", secret)]


def test_a_url_is_shown_without_what_may_be_secret():
    assert redact_url("wss://me:pass@host:5555/v1.0/ws?token=x#y") == "wss://host:5555/v1.0/ws"


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "token").write_bytes(b"\xef\xbb\xbfhunter2\r\n")
    assert Secret("file", str(tmp_path / "token")).reveal() == "hunter2"


def test_what_a_secret_has_revealed_is_known_without_reading_it_anew_and_the_newest_few_are_kept(tmp_path):
    path = tmp_path / "token"
    secret = Secret("file", str(path))
    assert secret.revealed() == ()
    path.write_text("token-0")
    assert secret.revealed() == ()  # nobody has used it yet, so nobody can quote it
    for number in range(10):
        path.write_text(f"token-{number}")
        secret.reveal()
    path.unlink()
    assert secret.revealed() == ("token-6", "token-7", "token-8", "token-9")
    assert "token-9" not in repr(secret) and secret == Secret("file", str(path))
