"""`jackfield._journal`: order, cursors, and an exact account of what was pushed out."""

import pytest
import trio

from jackfield._journal import Journal

# The journal does not look into what it carries, so numbers do.


async def test_each_cursor_reads_everything_in_order_from_where_it_began():
    journal = Journal(100)
    journal.append([0])
    first = journal.cursor()
    journal.append([1, 2])
    second = journal.cursor()
    journal.append([3])
    assert await first.read(10) == ([1, 2, 3], 0)
    assert await second.read(10) == ([3], 0)


async def test_what_is_not_committed_is_read_again():
    journal = Journal(100)
    cursor = journal.cursor()
    journal.append([1, 2, 3])
    assert await cursor.read(2) == ([1, 2], 0)
    assert await cursor.read(2) == ([1, 2], 0)
    cursor.commit(1)
    assert await cursor.read(2) == ([2, 3], 0)
    assert cursor.lag == 2


async def test_a_cursor_that_lags_behind_is_told_how_much_it_has_lost():
    journal = Journal(3)
    cursor = journal.cursor()
    journal.append([1, 2])
    assert await cursor.read(1) == ([1], 0)
    journal.append([3, 4, 5, 6])
    assert await cursor.read(10) == ([4, 5, 6], 3)
    assert await cursor.read(10) == ([4, 5, 6], 0)


async def test_reading_waits_for_news(autojump_clock):
    journal = Journal(10)
    cursor = journal.cursor()

    async def later():
        await trio.sleep(5)
        journal.append([1])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        assert await cursor.read(10) == ([1], 0)
    assert trio.current_time() == pytest.approx(5)


async def test_a_closed_journal_is_read_to_its_end_and_then_says_so():
    journal = Journal(10)
    cursor = journal.cursor()
    journal.append([1])
    journal.close()
    assert await cursor.read(10) == ([1], 0)
    cursor.commit(1)
    assert await cursor.read(10) == ([], 0)


async def test_closing_wakes_who_waits(autojump_clock):
    journal = Journal(10)
    cursor = journal.cursor()

    async def later():
        await trio.sleep(1)
        journal.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(later)
        assert await cursor.read(10) == ([], 0)


def test_what_is_left_can_be_seen_without_reading_it():
    journal = Journal(3)
    cursor = journal.cursor()
    journal.append([1, 2, 3, 4, 5])
    assert cursor.rest(0) == [3, 4, 5]
    assert cursor.rest(3) == [4, 5]
