"""`jackfield translate`: a topic, binding, address or selector in all its forms."""

import json

import pytest

from jackfield._cli import main
from jackfield.selectors import Selector


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.delenv("JACKFIELD_PLUGINS", raising=False)


@pytest.fixture
def readings(capsys):
    def translate(*arguments):
        assert main(["translate", "--json", *arguments]) == 0
        return json.loads(capsys.readouterr().out)["readings"]

    return translate


def subscribed(reading, provider, dialect="documented"):
    (row,) = [row for row in reading["subscribed"] if (row["provider"], row["dialect"]) == (provider, dialect)]
    return row


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("customer_id:abc123:call:xyz789", "voipbin/customer/abc123/call/xyz789/*"),
        ("customer_id:abc123:call:*", "voipbin/customer/abc123/call/**"),
        ("agent_id:a1:call:*", "voipbin/agent/a1/call/**"),
        ("customer_id:abc123:queue", "voipbin/customer/abc123/queue/**"),
        ("customer_id:abc123", "voipbin/customer/abc123/**"),
        ("customer_id:abc123:call:call_hangup:xyz789", "voipbin/customer/abc123/call/xyz789/hangup"),
        ("qubicle.queue", "vinix/account/<id>/queue/**"),
        ("qubicle.queue.ACC.*", "vinix/account/ACC/queue/**"),
        ("qubicle.queue.ACC.QID.join", "vinix/account/ACC/queue/QID/join"),
        ("qubicle.recipient.ACC.a%2Eb.*", "vinix/account/ACC/recipient/a.b/*"),
        ("contact.*", "contact.*"),
        ("agent.ready @ vinix/**", "agent.ready @ vinix/**"),
        ("voipbin/customer/abc123/call/xyz789/status", "voipbin/customer/abc123/call/xyz789/status"),
        ("**", "**"),
    ],
)
def test_what_is_shown_as_a_selector_is_one_and_means_the_text(text, selector, readings):
    found = [reading["selector"] for reading in readings(text)]
    assert selector in found
    assert all(str(Selector.parse(each)) == each for each in found)


def test_what_a_selector_becomes_is_shown_for_each_dialect(readings):
    (reading,) = readings("contact.queued", "--scope-id", "abc")
    assert (reading["is"], reading["kinds"]) == ("a selector", ["contact.queued"])
    assert subscribed(reading, "vinix")["topics"] == ["qubicle.queue.abc.*"]
    assert subscribed(reading, "vinix")["filtered"]
    assert subscribed(reading, "voipbin")["topics"] == ["customer_id:abc:queue:*", "customer_id:abc:queuecall:*"]
    prefix = subscribed(reading, "voipbin", "prefix")
    assert prefix["topics"] == ["customer_id:abc:queue:", "customer_id:abc:queuecall:queuecall_waiting"]


def test_an_address_is_shown_as_each_dialect_publishes_it(readings):
    (reading,) = readings("voipbin/customer/abc123/call/xyz789/hangup")
    assert reading["is"] == "an address"
    assert reading["address"] == "voipbin/customer/abc123/call/xyz789/hangup"
    assert {(row["topic"], row["event"]) for row in reading["published"]} == {
        ("customer_id:abc123:call:xyz789", "call.hangup"),
        ("customer_id:abc123:call:call_hangup:xyz789", "call_hangup"),
    }
    assert subscribed(reading, "vinix")["topics"] == []


def test_a_published_topic_with_its_event_is_an_address(readings):
    (reading,) = readings("customer_id:abc123:call:xyz789", "call.hangup")
    assert reading["address"] == "voipbin/customer/abc123/call/xyz789/hangup"
    assert "call.cleared" in reading["kinds"]


def test_a_topic_that_two_dialects_read_differently_is_shown_both_ways(readings):
    documented, prefix = readings("customer_id:abc123:call:*")
    assert documented["is"] == "a topic of voipbin (auto) and voipbin (documented)"
    assert prefix["notes"] == [
        "customer_id:abc123:call:*: the deployed platform has no wildcard, '*' stands for itself"
    ]


def test_a_note_names_what_a_prefix_delivers_beyond_its_text(readings):
    (reading,) = readings("customer_id:abc123:queue")
    assert reading["notes"] == ["customer_id:abc123:queue is a prefix: it also brings queuecall"]


def test_a_refusal_has_its_reason(readings):
    (reading,) = readings("voipbin/agent/**")
    assert "no topic for the events of all agents" in subscribed(reading, "voipbin")["reason"]


def test_an_address_that_cannot_be_published_says_why(readings):
    (reading,) = readings("voipbin/customer/abc/call/a:b/hangup")
    assert "cannot hold ':'" in reading["published"][0]["reason"]


def test_the_text_form_says_the_same_to_a_person(capsys):
    assert main(["translate", "contact.quued"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "  note      there is no kind contact.quued; did you mean contact.queued?\n" in out
    assert "  kinds     none: no installed provider has such events\n" in out
    assert main(["translate", "qubicle.queue.ACC.QID.join"]) == 0
    out, _ = capsys.readouterr()
    assert "  address   vinix/account/ACC/queue/QID/join\n" in out
    assert "… and filtered here" in out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["agent/*/x"], "           ^ 3 segments where an address has 6"),
        (["qubicle.foo.ACC"], "with a family of queue, recipient, session"),
        (["customer_id:abc"[:9]], "a kind is two words"),
        (["contact.queued", "call.hangup"], "not a topic of vinix (documented)"),
        ([""], "empty; '**' selects everything"),
    ],
)
def test_an_untranslatable_text_is_reported_with_every_reason(arguments, reason, capsys):
    assert main(["translate", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "cannot be translated" in err
    assert reason in err


def test_without_plugins_a_selector_is_still_one(readings):
    (reading,) = readings("contact.queued", "--no-plugins")
    assert (reading["selector"], reading["subscribed"]) == ("contact.queued", [])
