"""`jackfield_voipbin.topics`: the parts of a topic, and both matchers."""

import re

import pytest

from jackfield_voipbin.topics import Topic, event_word, matches_documented, matches_prefix, parse_topic


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("customer_id:abc123:call:xyz789", Topic("customer", "abc123", "call", "xyz789")),
        ("agent_id:agent123:queue:7", Topic("agent", "agent123", "queue", "7")),
        ("customer_id:abc123:call", Topic("customer", "abc123", "call", "")),
        ("customer_id:abc123:call:a:b", Topic("customer", "abc123", "call", "a:b")),
    ],
)
def test_a_topic_has_a_scope_its_id_a_resource_and_its_id(text, topic):
    assert parse_topic(text) == topic


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("customer_id::call:1", "empty segment"),
        ("customer_id:abc:call:", "empty segment"),
        (":abc:call:1", "empty segment"),
        ("customer_id:abc", "has 2 segments where four are needed"),
        ("", "has 1 segments"),
    ],
)
def test_a_bad_topic_is_named_with_what_is_wrong(text, problem):
    with pytest.raises(ValueError, match=re.escape(repr(text)) + f".*{problem}"):
        parse_topic(text)


@pytest.mark.parametrize(
    ("pattern", "topic", "matches"),
    [
        ("customer_id:abc123:call:*", "customer_id:abc123:call:xyz789", True),
        ("customer_id:abc123:*:*", "customer_id:abc123:call:xyz789", True),
        ("customer_id:abc123:call:xyz789", "customer_id:abc123:call:xyz789", True),
        ("customer_id:abc123:call:xyz", "customer_id:abc123:call:xyz789", False),
        ("customer_id:abc123:call:x*", "customer_id:abc123:call:xyz789", False),
        ("customer_id:abc123:queue:*", "customer_id:abc123:queuecall:1", False),
        ("customer_id:abc123:*", "customer_id:abc123:call:xyz789", False),
        ("customer_id:other:call:*", "customer_id:abc123:call:xyz789", False),
    ],
)
def test_the_documented_star_is_one_whole_segment(pattern, topic, matches):
    assert matches_documented(pattern, topic) is matches


@pytest.mark.parametrize(
    ("pattern", "topic", "matches"),
    [
        ("customer_id:abc123", "customer_id:abc123:call:xyz789", True),
        ("customer_id:abc123:call", "customer_id:abc123:call:xyz789", True),
        ("customer_id:abc123:call:", "customer_id:abc123:call:call_hangup:xyz789", True),
        ("customer_id:abc123:call:xyz", "customer_id:abc123:call:xyz789", True),
        ("customer_id:abc123:call:call_hangup", "customer_id:abc123:call:call_hangup:xyz789", True),
        ("customer_id:abc123:queue", "customer_id:abc123:queuecall:1", True),
        ("customer_id:abc123:queue:", "customer_id:abc123:queuecall:1", False),
        ("customer_id:abc123:call:*", "customer_id:abc123:call:xyz789", False),
        ("customer_id:ABC123:call", "customer_id:abc123:call:xyz789", False),
        ("", "customer_id:abc123:call:xyz789", True),
    ],
)
def test_deployed_a_topic_is_the_beginning_of_what_it_matches(pattern, topic, matches):
    assert matches_prefix(pattern, topic) is matches


@pytest.mark.parametrize(
    ("event_type", "resource", "word"),
    [
        ("call.status", "call", "status"),
        ("call_hangup", "call", "hangup"),
        ("transcript_created", "transcribe", "transcript_created"),
        ("transcribe_speech_interim", "transcribe", "speech_interim"),
        ("queue.joined", "queue", "joined"),
        ("message.delivery", "conversation", "message.delivery"),
        ("call.", "call", "call."),
        ("ping", "call", "ping"),
    ],
)
def test_the_address_ends_with_the_event_without_its_resource(event_type, resource, word):
    assert event_word(event_type, resource) == word
