"""`jackfield._journal.durable`: what consumers have acknowledged outlives them, the process, and nothing else."""

import shutil

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from served import event

from jackfield._journal.durable import MOST_NAMES, DurableSubscriptions, check_durable
from jackfield._journal.log import Bounds, Log
from jackfield._journal.opening import open_journal
from jackfield._journal.pending import PendingNotes
from jackfield._journal.retrying import RetryingWorker
from jackfield._journal.store import MemoryStore, SegmentStore
from jackfield._journal.store.records import Durable
from jackfield._journal.store.schema import STEPS
from jackfield._journal.store.sidecar import Sidecar
from jackfield.config import GatewayOptions
from jackfield.errors import JournalError


def in_memory():
    store = MemoryStore(10, lambda _report: None)
    log = Log(Bounds(10), store, lambda _report: None, None, lambda: 1)
    return DurableSubscriptions(PendingNotes(store, 10, RetryingWorker(lambda _report: None, None, None)), log)


def test_a_new_one_begins_where_it_is_told_and_goes_on_behind_what_it_acknowledged():
    every = in_memory()
    one = every.open("desk", "**", 5)
    one.give(5)
    one.give(6)
    one.acknowledge(5)
    assert (one.position, every.position("desk")) == (6, 6)
    assert every.open("desk", "**", 99).position == 6


def test_it_never_goes_back_and_never_past_what_was_given():
    every = in_memory()
    one = every.open("desk", "**", 5)
    one.give(9)
    one.acknowledge(7)
    one.acknowledge(6)
    assert one.position == 8
    for position in (10, 1000):
        with pytest.raises(ValueError, match=f"event {position} was not given yet to 'desk'; acknowledge what it was"):
            one.acknowledge(position)
    one.acknowledge(9)
    assert one.position == 10
    every.acknowledge("desk", 3)
    assert one.position == 10


def test_what_is_not_for_the_consumer_counts_once_it_is_done_with_what_it_was_given():
    one = in_memory().open("desk", "**", 5)
    one.pass_over(8)
    assert one.position == 8
    one.give(8)
    one.pass_over(20)
    assert one.position == 8
    one.acknowledge(8)
    assert one.position == 9
    one.pass_over(20)
    assert one.position == 20


def test_with_other_selectors_it_goes_on_where_it_was():
    every = in_memory()
    every.open("desk", "call.*", 5).pass_over(9)
    assert every.open("desk", "agent.*", 99).position == 9
    assert (every.select("desk"), every.select("other"), list(every)) == ("agent.*", "", ["desk"])
    with pytest.raises(JournalError, match="at most 16000 characters"):
        every.open("desk", "x" * 16_001, 1)


def test_one_that_is_forgotten_begins_anew_and_its_consumer_moves_nothing_any_more():
    every = in_memory()
    one = every.open("desk", "**", 5)
    one.give(5)
    every.forget("desk")
    one.acknowledge(5)
    assert "desk" not in every
    assert every.open("desk", "**", 9).position == 9


def test_there_are_only_so_many():
    every = in_memory()
    for number in range(MOST_NAMES):
        every.open(f"n{number}", "**", 1)
    every.open("n0", "**", 1)
    with pytest.raises(JournalError, match="there are 1000 durable subscriptions; forget those"):
        every.open("one-more", "**", 1)


@pytest.mark.parametrize("name", ["", "a/b", "-a", "a b", "ä", "a" * 65, "a\n"])
def test_a_name_is_a_word(name):
    with pytest.raises(ValueError, match="is not a name"):
        check_durable(name)
    check_durable("desk-7.A_b")


@given(st.lists(st.tuples(st.sampled_from(["give", "acknowledge", "pass_over"]), st.integers(1, 50))))
def test_no_order_of_calls_loses_what_was_given_and_not_acknowledged(calls):
    one = in_memory().open("desk", "**", 1)
    given, acknowledged = [], 0
    for what, number in calls:
        before = one.position
        if what == "give" and number > max([*given, 0], default=0) and number >= one._given:
            one.give(number)
            given.append(number)
        elif what == "acknowledge" and number < one._given:
            one.acknowledge(number)
            acknowledged = max(acknowledged, number)
        elif what == "pass_over" and number > max(given, default=0):
            one.pass_over(number)
        assert one.position >= before
        assert all(each >= one.position for each in given if each > acknowledged)


async def test_what_was_acknowledged_is_there_after_the_process_was_killed(tmp_path):
    options = GatewayOptions(journal=str(tmp_path / "journal"))
    async with open_journal(options, lambda _report: None) as journal, trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        await journal.publish([event(number) for number in range(9)])
        one = journal.durable.open("desk", "**", 1)
        one.give(4)
        one.acknowledge(4)
        journal.durable.open("other", "call.*\nagent.*", 2)
        journal.durable.open("gone", "**", 2)
        await journal.durable.saved()
        journal.durable.forget("gone")
        await journal.durable.saved()
        shutil.copytree(tmp_path / "journal", tmp_path / "killed")  # as SIGKILL leaves it
        journal.finish()
    store = SegmentStore.open(tmp_path / "killed")
    try:
        assert store.saved().durable == {"desk": Durable(5, "**"), "other": Durable(2, "call.*\nagent.*")}
    finally:
        store.close()


async def test_a_wait_for_the_save_ends_though_more_is_acknowledged_all_the_time(tmp_path):
    options = GatewayOptions(journal=str(tmp_path / "journal"))
    async with open_journal(options, lambda _report: None) as journal, trio.open_nursery() as nursery:
        nursery.start_soon(journal.run)
        one = journal.durable.open("desk", "**", 1)

        async def acknowledge_on():
            for position in range(1, 100_000):
                one.give(position)
                one.acknowledge(position)
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as acknowledging:
            acknowledging.start_soon(acknowledge_on)
            await trio.lowlevel.checkpoint()
            with trio.fail_after(5):
                await journal.durable.saved()
            acknowledging.cancel_scope.cancel()
        journal.finish()


def test_a_journal_without_them_is_read_and_brought_to_the_present_form(tmp_path):
    Sidecar.open(tmp_path, steps=STEPS[:3]).close()
    old = Sidecar.open(tmp_path, readonly=True)
    assert old.notes().durable == {}
    old.close()
    new = Sidecar.open(tmp_path)
    assert new.notes().durable == {}
    new.close()
