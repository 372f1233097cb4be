"""`jackfield.plugin.redaction`: no secret shows, in no form and not in part, and the rest of a text stays."""

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.plugin.redaction import PART, Redactor
from jackfield.plugin.secrets import Secret

TOKEN = "Zq7/+k&9 ü<wX3=mN5%pR"


def hiding(*texts):
    return Redactor.of([Secret("text", text) for text in texts])


def basic(user):
    return lambda secret: base64.b64encode(f"{user}:{secret}".encode()).decode()


FORMS = {
    "as it is": str,
    "percent-encoded": lambda secret: quote(secret, safe=""),
    "percent-encoded in lower case": lambda secret: quote(secret, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
    "in a form": quote_plus,
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
    "in JSON as UTF-8": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "in HTML": html.escape,
    "in hexadecimal": lambda secret: secret.encode().hex(),
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in a URL's base64": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode(),
    **{f"behind {len(user)} letters of a user": basic(user) for user in ("u", "us", "usr")},
}
BASIC = list(FORMS.values())[-3:]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_hidden_in_each_form_in_which_a_server_can_quote_it(form):
    shown = hiding(TOKEN)(f"HTTP 401: the credential {form(TOKEN)} is not valid")
    assert shown.startswith("HTTP 401: the credential ")
    assert shown.endswith(" is not valid")
    assert not shares_a_part(shown, form(TOKEN))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("room", range(6, 30))
def test_a_secret_is_hidden_where_a_close_reason_is_cut_within_it(form, room):
    reason = "unknown credential "
    cut = (reason + form(TOKEN)).encode()[: len(reason) + room].decode(errors="ignore")
    for around in ("{}", "closed (4001): {}", "closed ({})", "{}…", "'{}'"):
        shown = hiding(TOKEN)(around.format(cut))
        assert reason.strip() in shown
        assert not shares_a_part(shown, form(TOKEN) if form not in BASIC else TOKEN)
        assert TOKEN[:PART] not in decoded(shown)


def decoded(shown):
    """What somebody makes of the base64 in a text."""
    runs = re.findall(r"[A-Za-z0-9+/]{4,}", shown)
    return " ".join(base64.b64decode(run[: len(run) // 4 * 4]).decode(errors="ignore") for run in runs)


def shares_a_part(shown, secret):
    return any(secret[at : at + PART] in shown for at in range(len(secret) - PART + 1))


@given(
    secret=st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=PART, max_size=40),
    before=st.text(max_size=10),
    after=st.text(max_size=10),
    form=st.sampled_from(list(FORMS.values())),
)
@example(secret="****************", before="", after="", form=str)
def test_no_eight_characters_in_a_row_of_a_secret_are_ever_shown(secret, before, after, form):
    shown = hiding(secret)(before + form(secret) + after)
    for part in shown.split("***"):
        assert not shares_a_part(part, secret)


@given(st.text(max_size=60))
def test_a_text_without_a_secret_stays(text):
    assert hiding("\N{SNOWMAN}" * 9)(text.replace("\N{SNOWMAN}", "")) == text.replace("\N{SNOWMAN}", "")


def test_a_secret_is_hidden_each_time_and_nothing_else_is():
    assert hiding("hunter2")("token hunter2 refused, hunter2!") == "token *** refused, ***!"


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("a", "a connection was lost at the bank", "a connection was lost at the bank"),
        ("a", "token=a is not valid, nor is 'a'", "token=*** is not valid, nor is '***'"),
        ("abc", "abc is not abcd", "abc is not abcd"),
        ("abc", 'token "abc" is not valid', 'token "***" is not valid'),
        ("test", "the latest test failed", "the latest *** failed"),
        ("custom-token-1", "the customer waits", "the customer waits"),
    ],
)
def test_a_short_secret_does_not_blank_the_text(secret, text, shown):
    assert hiding(secret)(text) == shown


def test_no_file_is_read_for_a_text_and_a_renewed_secret_is_hidden_like_the_old_one(tmp_path):
    path = tmp_path / "token"
    path.write_text("first-token-1")
    secret = Secret("file", str(path))
    redact = Redactor.of([secret])
    assert redact("first-token-1, other-token-2") == "***, other-token-2"
    path.write_text("other-token-2")
    secret.reveal()
    path.unlink()
    assert redact("first-token-1, other-token-2") == "***, ***"


def test_a_secret_that_is_not_there_hides_nothing(monkeypatch):
    monkeypatch.delenv("JACKFIELD_TEST_TOKEN", raising=False)
    assert Redactor.of([Secret("env", "JACKFIELD_TEST_TOKEN")])("text") == "text"


@attrs.frozen
class Options:
    token: Secret
    url: str = ""


def test_what_a_login_has_brought_is_hidden_beside_what_was_configured():
    redact = Redactor()
    redact.learn(Options(Secret("text", "configured-1")))
    redact.learn(Options(Secret("text", "fresh-token-2")))
    assert redact("configured-1 fresh-token-2") == "*** ***"
    assert "fresh-token-2" not in repr(redact)


def test_a_flood_of_texts_is_not_remembered():
    redact = hiding("hunter2-hunter2")
    for number in range(2000):
        redact(f"frame {number}")
    assert len(redact._done) <= 256
