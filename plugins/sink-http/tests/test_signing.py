"""`jackfield.plugin.posting._signing`: the Standard Webhooks project's own library verifies what is signed here."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from jackfield.plugin.posting._signing import key_of, message_id, signature_headers
from jackfield.testing import strategies

KEYS = st.binary(min_size=24, max_size=64)
IDS = st.text("0123456789abcdef", min_size=32, max_size=32)


def secret_of(key):
    return f"whsec_{base64.b64encode(key).decode()}"


@given(IDS, st.text(), st.lists(KEYS, min_size=1, max_size=2))
def test_a_signature_is_verified_with_each_secret_that_is_valid(identity, body, keys):
    headers = signature_headers(identity, int(time.time()), body.encode(), keys)
    for key in keys:
        Webhook(secret_of(key)).verify(body.encode(), headers, json_parse=False)


@given(IDS, st.text(), KEYS, KEYS)
def test_a_signature_is_for_one_id_one_time_one_body_and_one_secret(identity, body, key, other):
    now = int(time.time())
    headers = signature_headers(identity, now, body.encode(), [key])
    changed = [
        (key, f"{body} ", headers),
        (key, body, headers | {"webhook-id": f"{identity}0"}),
        (key, body, headers | {"webhook-timestamp": str(now + 1)}),
    ]
    if other != key:
        changed.append((other, body, headers))
    for wrong, text, given_headers in changed:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret_of(wrong)).verify(text.encode(), given_headers, json_parse=False)


@given(KEYS)
def test_a_secret_is_read_as_the_library_reads_it(key):
    text = base64.b64encode(key).decode()
    assert key_of(f"whsec_{text}") == key_of(text) == key_of(f"whsec_{text.rstrip('=')}") == key


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_c2hvcnQ=",
        secret_of(b"x" * 23),
        secret_of(b"x" * 65),
        "whsk_" + "A" * 44,
        "whsec_" + "A-_A" * 11,
        "whsec_" + "A" * 41,
        "correct horse battery staple, thirty-two",
        "whsec_пароль" + "A" * 40,
    ],
)
def test_what_is_no_secret_is_refused_without_being_quoted(secret):
    with pytest.raises(ValueError, match="no Standard Webhooks secret") as caught:
        key_of(secret)
    assert secret.removeprefix("whsec_") == "" or secret.removeprefix("whsec_") not in str(caught.value)


@given(st.lists(strategies.events(), min_size=1, max_size=4), st.lists(strategies.events(), min_size=1, max_size=4))
def test_a_message_id_is_the_same_for_the_same_events_and_another_for_others(events, others):
    def identity(event):
        return (*event.address[:3], event.id)

    same = list(map(identity, events)) == list(map(identity, others))
    assert (message_id(events) == message_id(others)) is same
    assert message_id(iter(events)) == message_id(events)


def test_one_id_at_two_sources_is_two_messages(event):
    assert message_id([event("1", scope="a")]) != message_id([event("1", scope="b")])
    assert message_id([event("1", {"n": 1})]) == message_id([event("1", {"n": 2})])


@given(st.lists(strategies.events(), min_size=1, max_size=4))
def test_a_message_id_is_letters_and_digits_so_that_nothing_signed_is_ambiguous(events):
    assert message_id(events).isalnum()
