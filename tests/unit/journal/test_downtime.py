"""`jackfield._journal.downtime`: where the next run of a feed goes on."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from jackfield._feed.stream_events import stream_event
from jackfield._journal.downtime import Account, AccountNotes, AccountRow, learn
from jackfield.addresses import Address, Source
from jackfield.events import Event

AT = datetime(2026, 1, 1, tzinfo=UTC)
EARLIER = Account(AT - timedelta(hours=1)).row(0)
VENDORS = Event(
    id="1", kind="call.created", address=Address("v", "s", "i", "call", "7", "created"), time=AT, received=AT, feed="a"
)


def of_stream(word, **data):
    return stream_event(Source("v", "s", "i"), "a", word, AT, **data)


def test_an_account_comes_back_as_it_was_stored():
    account = Account(AT, *(AT - timedelta(seconds=n) for n in range(3)))
    assert Account.of(account.row(7)) == account
    assert Account.of(Account(AT).row(7)) == Account(AT)
    assert Account(AT).row(7).position == 7


@pytest.mark.parametrize(
    ("event", "first", "later"),
    [
        (VENDORS, True, True),
        (attrs.evolve(VENDORS, origin="webhook"), True, True),
        (attrs.evolve(VENDORS, origin="backfill"), False, False),
        (attrs.evolve(VENDORS, origin="replay"), False, False),
        (of_stream("subscribed", topics=["t"]), True, False),
        (of_stream("subscribed", topics=[]), False, False),
        (of_stream("connected"), False, False),
        (of_stream("disconnected", since=AT), False, False),
        (of_stream("gap_suspected", since=AT, until=AT), False, False),
        (of_stream("not_verified", since=AT, until=AT), False, False),
        (of_stream("backfilled", since=AT, events=3), False, False),
        (attrs.evolve(of_stream("subscribed"), data="not ours"), False, False),
    ],
)
def test_a_feed_without_a_note_was_heard_when_its_vendor_sent_something_or_its_first_subscription_began(
    event, first, later
):
    alone, after = {}, {"a": EARLIER}
    learn(alone, event)
    learn(after, event)
    assert alone == ({"a": AccountRow(EARLIER.heard + 3_600_000_000, None, None, None, 0)} if first else {})
    assert after["a"].heard == EARLIER.heard + 3_600_000_000 * later


def test_an_account_waits_for_the_events_before_it_and_only_the_oldest_and_the_newest_do():
    noted = []
    notes = AccountNotes(lambda feed, row: noted.append((feed, row.position)))
    for position in (3, 5, 6, 9):
        notes.expect("a", Account(AT).row(position))
    notes.expect("b", Account(AT).row(4))
    notes.settle(2)
    assert noted == []
    notes.settle(4)
    assert noted == [("a", 3), ("b", 4)]
    notes.settle(9)
    notes.settle(20)
    assert noted == [("a", 3), ("b", 4), ("a", 9)]
