"""`jackfield_voipbin.dialects`: selectors into topics and topics into addresses, one case at a time."""

import pytest

from jackfield.addresses import Address, AddressPattern
from jackfield.errors import NoTopicError
from jackfield.selectors import Selector
from jackfield_voipbin.dialects import AutoDialect, DocumentedDialect, PrefixDialect
from jackfield_voipbin.spellings import spellings

DIALECT = DocumentedDialect("abc123")
PREFIX = PrefixDialect("abc123")
AUTO = AutoDialect("abc123")


@pytest.mark.parametrize(
    ("selector", "topics"),
    [
        ("**", ["customer_id:abc123:*:*"]),
        ("voipbin/customer/abc123/**", ["customer_id:abc123:*:*"]),
        ("voipbin/customer/abc123/call/**", ["customer_id:abc123:call:*"]),
        ("voipbin/customer/abc123/call/*/hangup", ["customer_id:abc123:call:*"]),
        ("voipbin/customer/abc123/call/xyz789/status", ["customer_id:abc123:call:xyz789"]),
        ("voipbin/*/*/call/xyz789/*", ["customer_id:abc123:call:xyz789"]),
        ("voipbin/agent/agent123/queue/**", ["agent_id:agent123:queue:*"]),
        ("voipbin/*/agent123/call/**", ["agent_id:agent123:call:*"]),
        ("call.*", ["customer_id:abc123:call:*"]),
        ("call.failed", ["customer_id:abc123:call:*"]),
        ("contact.queued", ["customer_id:abc123:queue:*", "customer_id:abc123:queuecall:*"]),
        (
            "transcription.segment_completed",
            [f"customer_id:abc123:{each}:*" for each in ("transcribe", "transcript", "transcription")],
        ),
        ("agent.ready @ voipbin/agent/a1/**", ["agent_id:a1:agent:*"]),
        ("unmapped.email", ["customer_id:abc123:*:*"]),
        ("*.created", ["customer_id:abc123:*:*"]),
        ("offer.rejected", []),
        ("voipbin/customer/other/**", []),
        ("voipbin/team/7/**", []),
        ("call.* @ voipbin/customer/abc123/queue/**", []),
        ("contact.queued @ voipbin/*/*/*/*/left", []),
        ("contact.abandoned @ voipbin/*/*/*/*/left", ["customer_id:abc123:queue:*"]),
        ("voipbin/customer/abc123/call/a%3Ab/**", ["customer_id:abc123:call:*"]),
    ],
)
def test_a_selector_becomes_the_topics_that_bring_it(selector, topics):
    assert list(DIALECT.topics_of(Selector.parse(selector))) == topics


@pytest.mark.parametrize(
    ("selector", "reason"),
    [
        ("voipbin/agent/**", "no topic for the events of all agents"),
        ("voipbin/agent/a%3Ab/**", "cannot hold the agent id 'a:b'"),
    ],
)
def test_what_no_topic_can_say_is_refused_with_the_reason(selector, reason):
    with pytest.raises(NoTopicError, match=reason):
        DIALECT.topics_of(Selector.parse(selector))


def test_a_topic_brings_its_resource_or_one_thing_of_it():
    assert DIALECT.pattern_of("customer_id:abc123:call:*") == AddressPattern.parse("voipbin/customer/abc123/call/**")
    assert DIALECT.pattern_of("agent_id:a1:*:*") == AddressPattern.parse("voipbin/agent/a1/**")
    assert DIALECT.covers("customer_id:abc123:*:*", "customer_id:abc123:call:7")
    assert not DIALECT.covers("customer_id:abc123:call:7", "customer_id:abc123:call:*")


def test_the_specifications_example_becomes_the_designs_address():
    address = DIALECT.address_of("customer_id:abc123:call:xyz789", "call.status")
    assert address == Address("voipbin", "customer", "abc123", "call", "xyz789", "status")
    with pytest.raises(ValueError, match="empty segment"):
        DIALECT.address_of("customer_id::call:1", "call.status")


@pytest.mark.parametrize(
    ("selector", "topics"),
    [
        ("**", ["customer_id:abc123:"]),
        ("voipbin/customer/abc123/call/**", ["customer_id:abc123:call:"]),
        ("voipbin/customer/abc123/call/xyz789/status", ["customer_id:abc123:call:xyz789"]),
        ("contact.queued", ["customer_id:abc123:queue:", "customer_id:abc123:queuecall:queuecall_waiting"]),
        ("agent.ready @ voipbin/agent/a1/**", ["agent_id:a1:agent:agent_status_updated"]),
        ("call.*", ["customer_id:abc123:call:"]),
        ("call.cleared", ["customer_id:abc123:call:call_hangup"]),
        ("voipbin/customer/abc123/call/*/hangup", ["customer_id:abc123:call:call_hangup"]),
        ("voipbin/customer/abc123/call/*/swapped", ["customer_id:abc123:call:"]),
        ("voipbin/customer/abc123/call/call_hangup/*", ["customer_id:abc123:call:"]),
        ("unmapped.call @ voipbin/customer/abc123/call/**", ["customer_id:abc123:call:"]),
        (
            "transcription.segment_completed",
            [
                "customer_id:abc123:transcribe:transcript_created",
                "customer_id:abc123:transcript:",
                "customer_id:abc123:transcription:transcript_created",
            ],
        ),
        ("voipbin/customer/abc123/call/a%3Ab/**", ["customer_id:abc123:call:"]),
        ("offer.rejected", []),
    ],
)
def test_deployed_a_selector_becomes_prefixes(selector, topics):
    assert list(PREFIX.topics_of(Selector.parse(selector))) == topics


@pytest.mark.parametrize(
    ("topic", "pattern"),
    [
        ("customer_id:abc123", "voipbin/customer/**"),
        ("customer_id:abc123:", "voipbin/customer/abc123/**"),
        ("customer_id:abc123:queue", "voipbin/customer/abc123/**"),
        ("customer_id:abc123:queue:", "voipbin/customer/abc123/queue/**"),
        ("customer_id:abc123:call:xyz", "voipbin/customer/abc123/call/**"),
    ],
)
def test_deployed_only_what_a_colon_ends_is_sure(topic, pattern):
    assert PREFIX.pattern_of(topic) == AddressPattern.parse(pattern)


@pytest.mark.parametrize("text", ["", "call", "customer_id", "customer_id:", "x_id:a:b", "customer_id::call"])
def test_what_is_no_beginning_of_a_topic_is_refused(text):
    with pytest.raises(ValueError, match="does not begin with"):
        PREFIX.pattern_of(text)


@pytest.mark.parametrize("text", ["", "a:b:c:d", "customer_id:a:b", "customer_id:a:b:", "qubicle.queue"])
def test_what_is_no_documented_topic_is_refused(text):
    with pytest.raises(ValueError, match="is not a topic"):
        DIALECT.pattern_of(text)


@pytest.mark.parametrize(
    ("topic", "surplus"),
    [
        ("customer_id:abc123:queue", "customer_id:abc123:queue is a prefix: it also brings queuecall"),
        (
            "customer_id:abc123:conference",
            "customer_id:abc123:conference is a prefix: it also brings conferencecall",
        ),
        ("customer_id:abc123:call", ""),
        ("customer_id:abc123:queue:", ""),
        (
            "customer_id:abc123:call:xyz",
            "customer_id:abc123:call:xyz is a prefix: it also brings whatever else begins with xyz",
        ),
        ("customer_id:abc123:call:55597217-9474-4f97-bda6-ce2563b6c385", ""),
    ],
)
def test_a_prefix_says_what_else_it_brings(topic, surplus):
    assert PREFIX.describe(topic)[1] == surplus


@pytest.mark.parametrize(
    ("topic", "pattern"),
    [
        ("customer_id:abc123", "voipbin/customer/abc123/**"),
        ("customer_id:abc123:", "voipbin/customer/abc123/**"),
        ("customer_id:abc123:queue", "voipbin/customer/abc123/queue/**"),
        ("customer_id:abc123:queue:", "voipbin/customer/abc123/queue/**"),
        ("agent_id:a1:call:xyz", "voipbin/agent/a1/call/xyz/**"),
        ("customer_id:abc123:call:call_hangup", "voipbin/customer/abc123/call/*/hangup"),
        ("customer_id:abc123:call:call_hangup:xyz", "voipbin/customer/abc123/call/xyz/hangup"),
    ],
)
def test_a_prefix_means_its_segments_as_whole_ones(topic, pattern):
    assert PREFIX.describe(topic)[0] == AddressPattern.parse(pattern)


def test_deployed_both_topics_of_an_event_have_one_address():
    address = Address("voipbin", "customer", "abc123", "call", "xyz789", "hangup")
    assert PREFIX.address_of("customer_id:abc123:call:xyz789", "call_hangup") == address
    assert PREFIX.address_of("customer_id:abc123:call:call_hangup:xyz789", "") == address
    assert PREFIX.native_of(address) == ("customer_id:abc123:call:call_hangup:xyz789", "call_hangup")
    assert PREFIX.matches("customer_id:abc123:call:xyz789", "customer_id:abc123:call:call_hangup:xyz789")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("voipbin/team/7/call/1/status", "no scope 'team'"),
        ("voipbin/customer/a%3Ab/call/1/status", "cannot hold ':'"),
        ("voipbin/customer/abc/ca%2All/1/status", "cannot hold ':'"),
    ],
)
def test_an_address_that_nothing_can_be_published_under_is_refused(address, reason):
    for dialect in (DIALECT, PREFIX):
        with pytest.raises(NoTopicError, match=reason):
            dialect.native_of(Address.parse(address))


def test_the_kinds_at_an_address_are_those_of_its_event():
    assert DIALECT.kinds_of(AddressPattern.parse("voipbin/customer/c/queue/q/joined")) == {
        "contact.queued",
        "unmapped.queue",
    }
    assert "call.failed" in DIALECT.kinds_of(AddressPattern.parse("voipbin/customer/c/call/1/hangup"))
    assert DIALECT.kinds_of(AddressPattern.parse("voipbin/customer/c/email/1/updated")) == {
        "message.delivery_updated",
        "unmapped.email",
    }
    assert {"call.failed", "contact.queued", "unmapped.queue"} < DIALECT.kinds_of(AddressPattern())


@pytest.mark.parametrize(
    ("topic", "sent"),
    [
        (
            "customer_id:abc123:call:*",
            ["customer_id:abc123:call:*", "customer_id:abc123:call:call_", "customer_id:abc123:webhook:call_"],
        ),
        (
            "customer_id:abc123:call:call_hangup",
            [
                "customer_id:abc123:call:*",
                "customer_id:abc123:call:call_hangup",
                "customer_id:abc123:webhook:call_hangup",
            ],
        ),
        (
            "customer_id:abc123:webchat_session:*",
            ["customer_id:abc123:webchat_session:*", "customer_id:abc123:webchat_session:"],
        ),
        ("customer_id:abc123:*:*", ["customer_id:abc123:*:*", "customer_id:abc123:"]),
        ("customer_id:abc123:*:xyz", ["customer_id:abc123:*:xyz", "customer_id:abc123:"]),
        ("customer_id:abc123:call:xyz", ["customer_id:abc123:call:xyz"]),
        ("agent_id:a1:call:*", ["agent_id:a1:call:*", "agent_id:a1:call:call_", "agent_id:a1:webhook:call_"]),
    ],
)
def test_for_either_server_a_topic_is_sent_in_all_spellings(topic, sent):
    assert list(spellings(topic)) == sent


def test_for_either_server_a_kind_is_asked_for_under_every_name_that_its_resource_has():
    topics = AUTO.topics_of(Selector.parse("contact.queued"))
    assert list(topics) == ["customer_id:abc123:queue:*", "customer_id:abc123:queuecall:queuecall_waiting"]
    topics = AUTO.topics_of(Selector.parse("transcription.segment_completed"))
    assert [topic.split(":")[2] for topic in topics] == ["transcribe", "transcript", "transcription"]


def test_for_either_server_an_id_of_any_resource_is_everything():
    assert AUTO.topics_of(Selector.parse("voipbin/*/*/*/xyz/*")) == ("customer_id:abc123:*:*",)


def test_for_either_server_an_id_may_be_the_beginning_of_others():
    topic = "customer_id:abc123:call:xyz"
    assert AUTO.matches(topic, "customer_id:abc123:call:xyz9")
    assert AUTO.pattern_of(topic) == AddressPattern.parse("voipbin/customer/abc123/call/**")
    pattern, surplus = AUTO.describe(topic)
    assert pattern == AddressPattern.parse("voipbin/customer/abc123/call/xyz/**")
    assert "whatever else begins with xyz" in surplus
    assert AUTO.describe("customer_id:abc123:call:*") == (AddressPattern.parse("voipbin/customer/abc123/call/**"), "")
    assert AUTO.describe("customer_id:abc123:*:*") == (AddressPattern.parse("voipbin/customer/abc123/**"), "")
