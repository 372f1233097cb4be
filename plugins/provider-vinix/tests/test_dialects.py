"""`jackfield_vinix.dialects`: selectors into bindings and routing keys into addresses, one case at a time."""

import pytest

from jackfield.addresses import Address, AddressPattern
from jackfield.errors import NoTopicError
from jackfield.selectors import Selector
from jackfield_vinix.dialects import DocumentedDialect

DIALECT = DocumentedDialect("ACC")


@pytest.mark.parametrize(
    ("selector", "bindings"),
    [
        ("**", ["qubicle.queue.ACC.*", "qubicle.recipient.ACC.*", "qubicle.session.ACC.*"]),
        ("vinix/account/ACC/queue/**", ["qubicle.queue.ACC.*"]),
        ("vinix/account/ACC/queue/QID/join", ["qubicle.queue.ACC.QID"]),
        ("vinix/account/ACC/session/SID/**", ["qubicle.session.ACC.SID"]),
        ("vinix/*/*/*/*/join", [f"qubicle.{family}.ACC.*" for family in ("queue", "recipient", "session")]),
        ("agent.ready", ["qubicle.recipient.ACC.*"]),
        ("contact.connected", ["qubicle.recipient.ACC.*"]),
        ("contact.routed", ["qubicle.queue.ACC.*"]),
        ("contact.abandoned", ["qubicle.queue.ACC.*"]),
        ("contact.created", ["qubicle.session.ACC.*"]),
        ("call.*", []),
        ("vinix/account/OTHER/**", []),
        ("vinix/customer/ACC/**", []),
        ("vinix/account/ACC/queue/a.b/**", ["qubicle.queue.ACC.a%2Eb"]),
        ("vinix/account/ACC/queue/%23/**", ["qubicle.queue.ACC.*"]),
        ("unmapped.queue", ["qubicle.queue.ACC.*"]),
        ("contact.queued @ vinix/*/*/*/*/leave", []),
        ("contact.* @ vinix/*/*/*/*/leave", ["qubicle.queue.ACC.*"]),
    ],
)
def test_a_selector_becomes_the_bindings_that_bring_it(selector, bindings):
    assert list(DIALECT.topics_of(Selector.parse(selector))) == bindings


def test_a_family_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(NoTopicError, match=r"no binding family 'gadget' \(there are queue, recipient, session\)"):
        DIALECT.topics_of(Selector.parse("vinix/account/ACC/gadget/**"))


def test_a_family_that_the_feed_does_not_use_is_refused_with_the_option_that_would():
    with pytest.raises(NoTopicError, match='add "object" to its option families'):
        DIALECT.topics_of(Selector.parse("vinix/account/ACC/configuration/**"))
    whole = DocumentedDialect("ACC", ("call", "object"))
    assert whole.topics_of(Selector.parse("vinix/account/ACC/configuration/**")) == ("object.*.*",)
    assert whole.topics_of(Selector.parse("call.connected")) == ("call.*.*",)
    assert whole.topics_of(Selector.parse("contact.queued")) == ("qubicle.queue.ACC.*",)


def test_a_document_belongs_to_the_account_whose_database_it_is_in():
    dialect = DocumentedDialect("4b31dd", ("object",))
    key = "doc_edited.account%2F4b%2F31%2Fdd.user.u1"
    assert str(dialect.address_of(key, "")) == "vinix/account/4b31dd/configuration/u1/doc_edited"
    assert dialect.matches("object.*.*", key)
    assert not DocumentedDialect("other", ("object",)).matches("object.*.*", key)


def test_a_binding_brings_its_family_or_one_thing_of_it():
    assert DIALECT.pattern_of("qubicle.queue.ACC.*") == AddressPattern.parse("vinix/account/ACC/queue/**")
    assert DIALECT.pattern_of("qubicle.queue.ACC.QID") == AddressPattern.parse("vinix/account/ACC/queue/QID/*")
    assert DIALECT.covers("qubicle.queue.ACC.*", "qubicle.queue.ACC.QID")
    assert not DIALECT.covers("qubicle.queue.ACC.QID", "qubicle.queue.ACC.*")


def test_a_routing_key_becomes_the_designs_address():
    address = Address("vinix", "account", "ACC", "queue", "QID", "join")
    assert DIALECT.address_of("qubicle.queue.ACC.QID.join", "qubicle.queue.ACC.QID.join") == address
    assert DIALECT.address_of("qubicle.queue.ACC.QID", "join") == address
    assert DIALECT.address_of("qubicle.queue.ACC.QID.join.extra", "qubicle.queue.ACC.QID.join.extra") == address
    assert DIALECT.address_of("qubicle.queue.ACC.QID.join", "qubicle.queue.ACC.QID") == address
    assert DIALECT.address_of("qubicle.queue.ACC.QID", "a.b").event == "a.b"


@pytest.mark.parametrize("key", ["", "qubicle.queue.ACC", "qubicle.queue..QID", "other.queue.ACC.QID"])
def test_what_is_no_key_of_qubicles_is_refused(key):
    with pytest.raises(ValueError, match="not a key of the form"):
        DIALECT.address_of(key, "join")


@pytest.mark.parametrize(
    ("binding", "pattern"),
    [
        ("qubicle.queue", "vinix/account/ACC/queue/**"),
        ("qubicle.queue.OTHER.*", "vinix/account/OTHER/queue/**"),
        ("qubicle.queue.ACC.QID.*", "vinix/account/ACC/queue/QID/*"),
        ("qubicle.queue.ACC.*.join", "vinix/account/ACC/queue/*/join"),
        ("qubicle.queue.ACC.QID.join", "vinix/account/ACC/queue/QID/join"),
        ("qubicle.queue.ACC.#", "vinix/account/ACC/queue/**"),
        ("qubicle.queue.ACC.#.join", "vinix/account/ACC/queue/**"),
        ("qubicle.queue.ACC.a%2Eb", "vinix/account/ACC/queue/a.b/*"),
    ],
)
def test_any_binding_says_what_it_brings(binding, pattern):
    assert DIALECT.pattern_of(binding) == AddressPattern.parse(pattern)


@pytest.mark.parametrize(
    "text", ["", "qubicle", "qubicle.*", "qubicle.calls.ACC", "qubicle.queue..x", "customer_id:a:b:c"]
)
def test_what_is_no_binding_is_refused(text):
    with pytest.raises(ValueError, match="is not a binding"):
        DIALECT.pattern_of(text)


def test_an_address_is_published_under_its_whole_binding():
    address = Address("vinix", "account", "ACC", "queue", "a.b", "join")
    assert DIALECT.native_of(address) == ("qubicle.queue.ACC.a%2Eb.join",) * 2
    with pytest.raises(NoTopicError, match="no events at"):
        DIALECT.native_of(Address("vinix", "account", "ACC", "call", "1", "join"))
