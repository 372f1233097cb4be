"""`jackfield.plugin.redaction`: no secret shows, in no form and not in part, and the rest of a text stays."""

import base64
import html
import itertools
import json
import re
from urllib.parse import quote, quote_plus

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jackfield.addresses import escape_segment
from jackfield.plugin.redaction import PART, Redactor
from jackfield.plugin.secrets import Secret

TOKEN = "Zq7/+k&9 ü<wX3=mN5%pR"


def hiding(*texts):
    return Redactor.of([Secret("text", text) for text in texts])


def basic(user):
    return lambda secret: base64.b64encode(f"{user}:{secret}".encode()).decode()


GO_JSON = {ord(each): f"\\u{ord(each):04x}" for each in "<>&"}
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
    "in Go's JSON": lambda secret: json.dumps(secret).translate(GO_JSON)[1:-1],
    "in Go's HTML": lambda secret: html.escape(secret, quote=False).replace("'", "&#39;").replace('"', "&#34;"),
    "in an address": escape_segment,
    "twice in JSON": lambda secret: json.dumps(json.dumps(secret))[3:-3],
    "twice percent-encoded": lambda secret: quote(quote(secret, safe=""), safe=""),
    "in base64, percent-encoded": lambda secret: quote(base64.b64encode(secret.encode()).decode(), safe=""),
    "in a URL within JSON": lambda secret: json.dumps(quote(secret))[1:-1],
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
def test_a_secret_is_hidden_where_a_close_reason_is_cut_within_it(form):
    reason, hide = "unknown credential ", hiding(TOKEN)
    for room, around in itertools.product(range(6, 30), ("{}", "closed (4001): {}", "closed ({})", "{}…", "'{}'")):
        cut = (reason + form(TOKEN)).encode()[: len(reason) + room].decode(errors="ignore")
        shown = hide(around.format(cut))
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
def test_a_text_without_a_secret_stays_as_far_as_it_can_be_printed(text):
    for redact in (hiding("\N{SNOWMAN}" * 9), Redactor()):
        shown = redact(text.replace("\N{SNOWMAN}", ""))
        assert shown.isprintable()
        pairs = zip(shown, text.replace("\N{SNOWMAN}", ""), strict=True)
        assert all(one == other or (one == " " and not other.isprintable()) for one, other in pairs)


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
    secret.reveal()
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
    redact.learn(Options(Secret("text", "configured-1")), owner="office")
    redact.learn(Options(Secret("text", "fresh-token-2")), owner="office")
    assert redact("configured-1 fresh-token-2") == "*** ***"
    assert "fresh-token-2" not in repr(redact)


def test_many_logins_of_many_feeds_are_remembered_in_bounded_space_and_the_newest_of_each_feed_are_hidden():
    redact = Redactor()
    for number in range(300):
        for feed in ("a", "b"):
            redact.learn(Options(Secret("text", f"{feed}-token-{number:03d}-of-this-login")), owner=feed)
    assert redact("a-token-299-of-this-login b-token-299-of-this-login") == "*** ***"
    assert sum(map(len, redact._brought.values())) <= 20
    redact.learn(options := Options(Secret("text", "a-token-299-of-this-login")), owner="a")
    before = list(redact._brought["a"])
    redact.learn(options, owner="a")
    assert list(redact._brought["a"]) == before


def test_a_long_text_full_of_quotes_does_not_hold_the_loop_up(monkeypatch):
    """An error page of 64 kB: each quotation mark may end a cut secret, and none is a search over all forms."""
    import jackfield.plugin.redaction as module

    redact = hiding(*(f"secret-number-{number}-{number * 7919:08d}" for number in range(40)))
    redact("warm")
    monkeypatch.setattr(module, "_fragments", None)
    compared = 0

    class Counting(frozenset):
        def __contains__(self, each):
            nonlocal compared
            compared += 1
            return super().__contains__(each)

    redact._beginnings = Counting(redact._beginnings)
    text = '"a">' * 16_000
    assert redact(text) == text
    assert compared <= 8 * len(text)


def test_a_flood_of_texts_is_not_remembered():
    redact = hiding("hunter2-hunter2")
    for number in range(2000):
        redact(f"frame {number}")
    assert len(redact._done) <= 256
