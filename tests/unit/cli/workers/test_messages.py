"""What the parent and its workers say arrives as it was said, however the socket cuts it."""

from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield._cli.workers.messages import (
    Answered,
    Applied,
    Ask,
    Begin,
    End,
    Failure,
    Frames,
    Post,
    Ready,
    States,
    UnitState,
    Written,
    encode,
)
from jackfield.config import Document
from jackfield.errors import ConfigError, ConfigProblem, JournalError
from jackfield.reports import FeedState, FeedStats, JournalStats, Latency, SinkStats, WebhookStats

AT = datetime(2026, 11, 27, 1, 2, 3, 456789, tzinfo=UTC)
UNIT = UnitState(
    {"office": FeedStats(AT, FeedState.SUBSCRIBED, 2, ignored=MappingProxyType({"pong": 3}), topics=frozenset({"a"}))},
    {"crm": SinkStats("retrying", 5, waiting_since=AT)},
    JournalStats(1, 2, 3, 4, 5, 6, 7, MappingProxyType({"crm": 1})),
)
WRITTEN = Written({"gateway": {"journal": "var"}, "routes": [{"select": ["**"]}]}, {"gateway.journal": "/etc/g.toml"})
MESSAGES = [
    Begin(WRITTEN, ("office",), plugins=None, strict=False, log_level="info", log_format="json"),
    Ask(7),
    Post(8, "office", "POST", "/webhooks/office?a=b", (("Host", "x"),), b"\xff\x00"),
    End(),
    Ready(),
    Ready(Failure("it cannot", (("feeds.a", "wrong"),))),
    States(9, {"office": UNIT}, Latency()),
    Answered(10, 200, {"a": "b"}, b"{}"),
    Applied(11, ("one", "two")),
]


@given(st.lists(st.sampled_from(range(len(MESSAGES))), max_size=6), st.lists(st.integers(1, 300), min_size=1))
def test_messages_come_whole_and_in_their_order(which, cuts):
    said = [MESSAGES[each] for each in which]
    data, frames, heard = b"".join(map(encode, said)), Frames(), []
    while data:
        for cut in cuts:
            heard += frames.feed(data[:cut])
            data = data[cut:]
    assert [msgspec.to_builtins(each, enc_hook=dict) for each in heard] == [
        msgspec.to_builtins(each, enc_hook=dict) for each in said
    ]


def test_a_state_arrives_as_the_objects_that_it_is_of():
    (heard,) = Frames().feed(encode(States(1, {"office": UNIT}, Latency())))
    feed = heard.units["office"].feeds["office"]
    assert (feed.state, feed.since, feed.topics) == (FeedState.SUBSCRIBED, AT, frozenset({"a"}))
    assert feed.webhooks == WebhookStats()
    assert heard.units["office"].sinks == UNIT.sinks


def test_a_configuration_arrives_with_the_files_that_its_paths_are_relative_to():
    document = Document()
    document.add(Path("/etc/g.toml"), {"gateway": {"journal": "var"}, "feeds": {"a": {"token": {"file": "t"}}}})
    again = Written.of(document).document()
    assert (again, again.files) == (document, document.files)


@pytest.mark.parametrize("error", [JournalError("locked"), ConfigError([ConfigProblem("feeds.a", "wrong")])])
def test_a_failure_is_the_same_error_on_the_other_side(error):
    assert str(Failure.of(error).error()) == str(error)
