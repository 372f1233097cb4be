"""A sink without a fault, and sinks with one fault each, by the rule that is there to catch it."""

import base64
import contextlib
import logging
import socket
import threading
import time
from types import MappingProxyType
from typing import ClassVar

import attrs
import trio

from jackfield.errors import DeliveryError
from jackfield.events import Event
from jackfield.plugin.options import field_help
from jackfield.plugin.secrets import Secret
from jackfield.plugin.sink import Batch
from jackfield.testing import SinkSuite, SinkTarget

SAMPLE = "key-s3cret"


class Shelf:
    """Where events are put: may be set to accept only so many, or to hang."""

    def __init__(self):
        self.texts, self.left, self.flowing, self.lock = [], None, threading.Event(), threading.Lock()
        self.recover()

    def put(self, text):
        with self.lock:
            if self.left == 0:
                raise OSError("the shelf is full")
            if self.left is not None:
                self.left -= 1
            self.texts.append(text)

    def fail(self, after):
        self.left = after

    def stall(self):
        self.flowing.clear()

    def recover(self):
        self.left = None
        self.flowing.set()

    def arrived(self):
        return [Event.from_cloudevent(text) for text in self.texts]


@attrs.define
class Writer:
    shelf: Shelf = attrs.field(repr=False)
    key: str = attrs.field(repr=False)

    async def write(self, batch):
        await trio.to_thread.run_sync(self.shelf.flowing.wait, abandon_on_cancel=True)
        for delivered, event in enumerate(self.ordered(batch.events)):
            try:
                self.shelf.put(self.text(event))
            except OSError as error:
                raise self.error(str(error), delivered, batch) from None

    def ordered(self, events):
        return events

    def text(self, event):
        return event.to_json()

    def error(self, reason, delivered, batch):
        return DeliveryError(reason, delivered=delivered)


@attrs.frozen
class Shelving:
    shelf: Shelf = attrs.field(repr=False, metadata=field_help("where events are put"))
    key: Secret = attrs.field(default=Secret("text", SAMPLE), metadata=field_help("the key to the shelf"))

    writers = Writer

    @contextlib.asynccontextmanager
    async def open(self):
        yield self.writers(self.shelf, self.key.reveal())


class ShelfSuite(SinkSuite):
    sinks = Shelving
    fails_midway = stalls = True

    @contextlib.contextmanager
    def target(self):
        shelf = Shelf()
        yield SinkTarget(self.sinks(shelf), shelf.arrived, shelf.fail, shelf.stall, shelf.recover)


class PickyShelf(Shelf):
    """While it accepts only so many, it rejects every second of them too, and says of each how it went."""

    turn = 0

    def put(self, text):
        self.turn += 1
        if self.left and self.turn % 2:
            raise OSError("not this one")
        super().put(text)


class EachWriter(Writer):
    async def write(self, batch):
        await trio.to_thread.run_sync(self.shelf.flowing.wait, abandon_on_cancel=True)
        failed = set()
        for index, event in enumerate(batch.events):
            try:
                self.shelf.put(self.text(event))
            except OSError:
                failed.add(index)
        if failed:
            raise DeliveryError("not each had room", failed=self.reported(failed, batch))

    def reported(self, failed, batch):
        return failed


class PickySuite(ShelfSuite):
    """A target that says of each event how it went."""

    sinks = type("Each", (Shelving,), {"writers": EachWriter})

    @contextlib.contextmanager
    def target(self):
        shelf = PickyShelf()
        yield SinkTarget(self.sinks(shelf), shelf.arrived, shelf.fail, shelf.stall, shelf.recover)


FAULTS = []


def caught_by(rule):
    """Enlist a suite, or one for this sink or for one with this writer, which falls on this rule."""

    def enlist(fault):
        suite = fault
        if not issubclass(fault, ShelfSuite):
            sinks = type("Faulty", (Shelving,), {"writers": fault}) if issubclass(fault, Writer) else fault
            suite = type(fault.__name__, (ShelfSuite,), {"sinks": sinks})
        FAULTS.append((rule, suite))
        return fault

    return enlist


@caught_by("no_rule_is_replaced")
class ReplacesARule(ShelfSuite):
    def test_keeps_order(self):
        """It never failed since."""


@caught_by("no_rule_is_replaced")
class IsExemptWithoutAReason(ShelfSuite):
    exempt = MappingProxyType({"counts_honestly": ""})


@caught_by("describes_options")
@attrs.frozen
class DescribesNothing(Shelving):
    colour: str = "red"


@caught_by("hides_secrets_from_reprs")
@attrs.define
class ShowsItsKey(Writer):
    shown: str = SAMPLE


@caught_by("hides_secrets_from_errors")
class QuotesItsKey(Writer):
    def error(self, reason, delivered, batch):
        return DeliveryError(f"{reason} for {self.key}", delivered=delivered)


@caught_by("delivers_before_it_returns")
class DeliversWhenItIsClosed(Shelving):
    class Late(Writer):
        late: ClassVar = []

        async def write(self, batch):
            if self.shelf.left is None and self.shelf.flowing.is_set():
                await trio.lowlevel.checkpoint()
                self.late.append((self.shelf, batch))
            else:
                await super().write(batch)

    writers = Late

    @contextlib.asynccontextmanager
    async def open(self):
        writer = self.Late(self.shelf, self.key.reveal())
        try:
            yield writer
        finally:
            mine = [batch for shelf, batch in writer.late if shelf is self.shelf]
            writer.late[:] = [(shelf, batch) for shelf, batch in writer.late if shelf is not self.shelf]
            for event in (event for batch in mine for event in batch.events):
                self.shelf.put(event.to_json())


@caught_by("keeps_order")
class SendsManyFromTheLastOn(Writer):
    def ordered(self, events):
        return events[::-1] if len(events) > 30 else events


@caught_by("delivers_whole")
class LeavesOutTimes(Writer):
    def text(self, event):
        return attrs.evolve(event, time=None).to_json()


@caught_by("keeps_order")
class SortsIntoPartitionsByKind(Writer):
    """So events of one contact overtake each other between partitions."""

    def ordered(self, events):
        return sorted(events, key=lambda event: event.kind) if len(events) > 30 else events


@caught_by("delivers_large_events")
class DropsLargeEvents(Writer):
    def ordered(self, events):
        return [event for event in events if len(event.to_json()) < 1_000_000]


@caught_by("delivers_large_events")
class CutsLargePayloads(Writer):
    def text(self, event):
        large = len(event.to_json()) > 65536
        return attrs.evolve(event, data={"filler": event.data["filler"][:100]}).to_json() if large else event.to_json()


@caught_by("fails_with_delivery_errors")
class GivesNoReason(Writer):
    def error(self, reason, delivered, batch):
        return DeliveryError("", delivered=delivered)


@caught_by("fails_to_open_cleanly")
class TripsOverAFullShelf(Shelving):
    @contextlib.asynccontextmanager
    async def open(self):
        if self.shelf.left == 0:
            raise KeyError("room")
        yield self.writers(self.shelf, self.key.reveal())


@caught_by("opens_again")
class ClearsTheShelf(Shelving):
    @contextlib.asynccontextmanager
    async def open(self):
        if len(self.shelf.texts) == 3:
            self.shelf.texts.clear()
        yield self.writers(self.shelf, self.key.reveal())


@caught_by("closes_when_cancelled")
class TakesBackWhatWasCancelled(Shelving):
    @contextlib.asynccontextmanager
    async def open(self):
        try:
            yield self.writers(self.shelf, self.key.reveal())
        except trio.Cancelled:
            self.shelf.texts.clear()
            raise


@caught_by("can_be_cancelled")
class TakesACancellationForDone(Writer):
    async def write(self, batch):
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled:
            return
        await super().write(batch)


@caught_by("can_be_cancelled")
class SwallowsACancellationMidway(Writer):
    async def write(self, batch):
        events = list(batch.events)
        for event in events:
            await super().write(Batch((event,)))
            try:
                await trio.lowlevel.checkpoint()
            except trio.Cancelled:
                return


@caught_by("can_be_cancelled")
class RaisesAnErrorInPlaceOfACancellation(Writer):
    async def write(self, batch):
        try:
            await super().write(batch)
        except trio.Cancelled:
            raise DeliveryError("interrupted") from None


@caught_by("can_be_cancelled")
class ReportsProgressBeforehand(Writer):
    async def write(self, batch):
        if self.shelf.left is None and self.shelf.flowing.is_set():
            batch.delivered(1)
        await super().write(batch)


@caught_by("raises_its_own_time_outs")
class TakesItsTimeOutForDone(Writer):
    async def write(self, batch):
        with trio.move_on_after(30):
            await super().write(batch)


@caught_by("never_blocks")
class SleepsInTheLoop(Writer):
    pause = staticmethod(time.sleep)

    async def write(self, batch):
        self.pause(0.001)
        await super().write(batch)


@caught_by("never_blocks")
class AsksABlockingSocket(Writer):
    async def write(self, batch):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.send(b"ok")
            ours.recv(2)
        await super().write(batch)


@caught_by("never_blocks")
class WaitsForALock(Writer):
    async def write(self, batch):
        if len(batch) == 12:
            for _ in range(30):  # in pieces, so that it lasts as long for a process that is stopped meanwhile
                threading.Event().wait(0.05)
        await super().write(batch)


@caught_by("closes_what_it_opens")
class LeavesASocketOpen(ShelfSuite):
    kept: ClassVar = []

    class Sinks(Shelving):
        class Leaking(Writer):
            def error(self, reason, delivered, batch):
                LeavesASocketOpen.kept.append(socket.socket())
                return super().error(reason, delivered, batch)

        writers = Leaking

    sinks = Sinks

    @contextlib.contextmanager
    def target(self):
        with super().target() as target:
            yield target
        while self.kept:
            self.kept.pop().close()


@caught_by("hides_secrets_from_logs")
class LogsItsKey(Writer):
    async def write(self, batch):
        logging.getLogger("shelf").debug("opening with %s", base64.b64encode(self.key.encode()))
        await super().write(batch)


@caught_by("lets_others_run")
class NeverWaits(Writer):
    async def write(self, batch):
        if len(batch) != 1:
            await super().write(batch)
        else:
            self.shelf.put(batch.events[0].to_json())


@caught_by("delivers_at_least_once")
class TakesATryForADelivery(Writer):
    async def write(self, batch):
        tried = vars(self.shelf).setdefault("tried", set())  # with the shelf: another one may get its id() later
        new = tuple(event for event in batch.events if event.id not in tried)
        try:
            await super().write(Batch(new))
        except DeliveryError:
            tried.update(event.id for event in new)
            raise


@caught_by("counts_honestly")
class CountsOneTooMany(Writer):
    def error(self, reason, delivered, batch):
        # Where four are sent again as three, the missing one would be missed by the rule before.
        return DeliveryError(reason, delivered=delivered + (len(batch) == 5))


class NamesTooFewFailures(EachWriter):
    def reported(self, failed, batch):
        return failed - {min(failed)} if len(batch) == 5 else failed


@caught_by("counts_honestly")
class NamesTooFewFailed(PickySuite):
    sinks = type("Faulty", (Shelving,), {"writers": NamesTooFewFailures})


@caught_by("honours_time_outs")
class WaitsUnderAShield(Writer):
    async def write(self, batch):
        await trio.lowlevel.checkpoint()
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(self.shelf.flowing.wait)
        await super().write(batch)


@caught_by("writes_concurrent_batches")
class KeepsOneBatchInHand(Writer):
    hand: ClassVar = {}

    async def write(self, batch):
        self.hand[id(self)] = batch
        await trio.lowlevel.checkpoint()
        await super().write(self.hand[id(self)])


@caught_by("shares_nothing")
class FindsTheFirstShelf(Shelving):
    open_shelves: ClassVar = []

    @contextlib.asynccontextmanager
    async def open(self):
        self.open_shelves.append(self.shelf)
        try:
            yield self.writers(self.open_shelves[0], self.key.reveal())
        finally:
            self.open_shelves.remove(self.shelf)
