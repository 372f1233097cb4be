"""`jackfield.plugin.threaded`: one connection per write, cancelled writes that end, and nothing that goes on behind."""

import threading

import attrs
import pytest
import trio

from jackfield.errors import DeliveryError
from jackfield.plugin.sink import Batch
from jackfield.plugin.threaded import threaded


class DriverError(Exception):
    """What the driver raises."""


@attrs.define(eq=False)
class Connection:
    """A connection that writes as it is told to, and notices when two use it at once."""

    driver: object
    used: threading.Lock = attrs.field(factory=threading.Lock)
    cut: threading.Event = attrs.field(factory=threading.Event)
    closed: bool = False

    def write(self, batch):
        assert self.used.acquire(blocking=False), "two writes on one connection"
        try:
            assert threading.current_thread() is not threading.main_thread()
            self.driver.write(self, batch)
        finally:
            self.used.release()

    def close(self):
        assert threading.current_thread() is not threading.main_thread()
        self.closed = True


@attrs.define(eq=False)
class Driver:
    write: object = lambda connection, batch: None
    made: list = attrs.field(factory=list)
    fails: Exception | None = None

    def connect(self):
        if self.fails is not None:
            raise self.fails
        self.made.append(Connection(self))
        return self.made[-1]

    def open(self):
        return threaded(
            self.connect, Connection.write, interrupt=lambda connection: connection.cut.set(), errors=(DriverError,)
        )


def batch():
    return Batch((object(), object()))


async def test_writes_at_once_have_a_connection_each_and_later_ones_reuse_them():
    barrier = threading.Barrier(3)
    driver = Driver(lambda connection, batch: barrier.wait(10))
    async with driver.open() as sink:
        for _ in range(2):
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(sink.write, batch())
        assert len(driver.made) == 3
    assert all(each.closed for each in driver.made)


async def test_fewer_connections_than_writes_make_them_wait():
    driver = Driver()
    async with threaded(driver.connect, Connection.write, connections=1) as sink, trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(sink.write, batch())
    assert len(driver.made) == 1


async def test_a_cancelled_write_is_interrupted_and_has_ended_when_it_returns():
    ended = []

    def block(connection, batch):
        connection.cut.wait(10)
        ended.append(batch)
        raise DriverError("cut")

    driver = Driver(block)
    async with driver.open() as sink:
        with trio.move_on_after(0.05) as scope:
            await sink.write(batch())
        assert scope.cancelled_caught
        assert len(ended) == 1
        assert driver.made[0].closed
        driver.write = lambda connection, batch: None
        await sink.write(batch())
    assert len(driver.made) == 2


async def test_what_was_written_in_spite_of_a_cancellation_counts_as_delivered():
    driver = Driver(lambda connection, batch: connection.cut.wait(10))
    cancelled = batch()
    async with driver.open() as sink:
        with trio.move_on_after(0.05):
            await sink.write(cancelled)
    assert cancelled.missing == ()


async def test_a_driver_that_cannot_be_interrupted_is_left_alone_after_5_seconds(autojump_clock):
    released = threading.Event()
    driver = Driver(lambda connection, batch: released.wait(10))
    try:
        with trio.move_on_after(1) as scope:
            async with threaded(driver.connect, Connection.write) as sink:
                await sink.write(batch())
        assert scope.cancelled_caught
        assert 5 <= trio.current_time() - scope.deadline <= 16
    finally:
        released.set()


@pytest.mark.parametrize(("error", "raised"), [(DriverError("no"), DeliveryError), (KeyError("bug"), KeyError)])
async def test_an_error_of_the_drivers_is_tried_again_on_a_new_connection(error, raised):
    def fail(connection, batch):
        raise error

    driver = Driver(fail)
    async with driver.open() as sink:
        with pytest.raises(raised):
            await sink.write(batch())
        assert driver.made[0].closed
        driver.write = lambda connection, batch: None
        await sink.write(batch())
        assert len(driver.made) == 2


async def test_a_sink_that_cannot_connect_does_not_open():
    with pytest.raises(DeliveryError, match="DriverError: no route"):
        async with Driver(fails=DriverError("no route")).open():
            pass


async def test_progress_is_reported_from_the_thread():
    def halfway(connection, batch):
        trio.from_thread.run_sync(batch.delivered, 1)
        raise DriverError("the second failed")

    half = batch()
    async with Driver(halfway).open() as sink:
        with pytest.raises(DeliveryError):
            await sink.write(half)
    assert half.missing == (1,)
