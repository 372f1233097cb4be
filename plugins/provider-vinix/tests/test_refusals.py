"""`jackfield_vinix.refusals`: the server's exact texts, what each is about, and the token cut out."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.testing import strategies
from jackfield_vinix.refusals import Refusal, classify, hide_token, refusals_in
from jackfield_vinix.simulator import VinixSimulator

FRAMES = [json.loads(line) for line in Path(__file__).with_name("frames.jsonl").read_text().splitlines()]
REFUSALS = [frame for frame in FRAMES if frame["expect"].get("refusals")]


@pytest.mark.parametrize("frame", REFUSALS, ids=lambda frame: frame["note"])
def test_each_text_of_the_collection_is_about_what_it_is_about(frame):
    refusals = refusals_in(frame["wire"]["data"])
    assert [refusal.subject for refusal in refusals] == frame["expect"]["refusals"]
    for refusal in refusals:
        assert bool(refusal.advice) is (refusal.subject != "unknown")
        assert str(refusal).startswith(refusal.text)
        assert refusal.advice in str(refusal)


def test_the_collection_has_a_text_for_each_subject():
    assert {subject for frame in REFUSALS for subject in frame["expect"]["refusals"]} == {
        *("token", "account", "binding", "rate", "request", "server", "unknown")
    }


@pytest.mark.parametrize(
    "text",
    [
        "failed to authenticate token eyJhbGciOi.J9",
        "Failed to authenticate token eyJhbGciOi.J9 and more",
        "bh_token_auth: failed to authenticate token\neyJhbGciOi.J9\n",
        'failed to authenticate token <<"eyJhbGciOi.J9">>',
        "rate limiting threshold hit for eyJhbGciOi.J9!",
    ],
)
def test_the_token_that_was_given_is_cut_out_of_any_text(text):
    assert "eyJhbGciOi" not in str(classify(text, "eyJhbGciOi.J9"))


@pytest.mark.parametrize(
    "text",
    [
        "failed to authenticate token an older one",
        "Failed to authenticate token an older one",
        "bh_token_auth: failed to authenticate token\nan older one\n",
    ],
)
def test_another_token_is_cut_out_where_the_text_is_known_to_quote_one(text):
    for auth_token in ("newer", ""):
        assert hide_token(text, auth_token).lower().endswith("failed to authenticate token ***")
        assert "older" not in str(classify(text, auth_token))


def test_a_token_that_is_a_word_of_the_texts_hides_it_and_not_what_the_text_means():
    refusal = classify("failed to authenticate token authenticate", "authenticate")
    assert (refusal.subject, refusal.text) == ("token", "failed to *** token ***")


def test_an_unknown_text_is_passed_on_as_it_is():
    assert classify(" something else ") == Refusal("unknown", "something else")
    assert str(classify("something else")) == "something else"


@pytest.mark.parametrize("data", [None, [], "x", {}, {"errors": "x"}, {"errors": [1, {}, None]}])
def test_a_reply_of_any_other_shape_gives_no_reason(data):
    assert refusals_in(data) == []


@given(
    strategies.json_values() | st.fixed_dictionaries({"errors": st.lists(st.text() | st.just("unauthorized s3cret"))})
)
def test_any_data_gives_refusals_without_the_token(data):
    for refusal in refusals_in(data, "s3cret"):
        assert "s3cret" not in str(refusal)


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        ({"auth_token": None}, "token"),
        ({"auth_token": "wrong"}, "token"),
        ({"data": None}, "request"),
        ({"data": {"binding": "qubicle.queue"}}, "request"),
        ({"data": {"account_id": "other", "binding": "qubicle.queue"}}, "account"),
        ({"data": {"account_id": "A", "binding": "qubicle.calls"}}, "binding"),
    ],
)
def test_what_the_simulator_refuses_is_understood(message, subject):
    client = VinixSimulator("s3cret", account_id="A").client()
    (reply,) = client.received(json.dumps({"action": "subscribe", "auth_token": "s3cret", **message}))
    (refusal,) = refusals_in(json.loads(reply)["data"], "wrong")
    assert refusal.subject == subject
    assert "wrong" not in refusal.text
