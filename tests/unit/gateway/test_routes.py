"""`jackfield._gateway.routes`: routes that a program adds and removes while the gateway runs."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import attrs
import pytest
import trio

import jackfield
from jackfield.errors import ConfigError, DeliveryError, JackfieldError
from jackfield.plugin.hooks import hookimpl
from jackfield.plugin.sink import SinkSpec
from jackfield.reports import EventsDropped

NOWHERE = "ws://127.0.0.1:9/v1.0/ws"
FEED = {"provider": "voipbin", "url": NOWHERE, "token": "t", "customer_id": "550e8400-e29b-41d4-a716-446655440000"}


def make(number, resource="call"):
    at = datetime.now(UTC)
    address = jackfield.Address("probe", "test", "t", resource, str(number), "updated")
    return jackfield.Event(f"{resource}-{number}", f"{resource}.updated", address, at, at, "probe")


@attrs.define(eq=False)
class Memory:
    """A sink that takes nothing while it is shut."""

    got: list = attrs.field(factory=list)
    said: list = attrs.field(factory=list)
    shut: bool = False

    @hookimpl
    def jackfield_sinks(self):
        memory = self

        @attrs.frozen
        class Options:
            @asynccontextmanager
            async def open(self):
                yield memory

        return [SinkSpec("memory", "", Options)]

    @hookimpl
    def jackfield_observe(self, report):
        self.said.append(report)

    async def write(self, batch):
        await trio.lowlevel.checkpoint()
        if self.shut:
            raise DeliveryError("shut")
        self.got += [event.id for event in batch.events]

    @property
    def lost(self):
        return [report for report in self.said if isinstance(report, EventsDropped)]


@pytest.fixture
def document(tmp_path):
    return {
        "gateway": {"journal": str(tmp_path / "journal"), "drain_seconds": 0.2},
        "feeds": {"office": FEED},
        "sinks": {"m": {"type": "memory"}, "other": {"type": "memory"}},
    }


CALLS = {"select": ["call.*"], "sinks": ["m"]}


async def test_a_route_leads_to_its_sink_from_when_it_is_added_until_it_is_removed(document):
    memory = Memory()
    async with jackfield.open_gateway(document, plugins=[memory]) as gateway:
        await gateway.publish(make(1))
        assert gateway.plan("office").topics == ()
        route = gateway.add_route(CALLS)
        assert gateway.state().routes == (route,)
        assert [str(row.selector) for row in gateway.plan("office").entries] == ["call.*"]
        await gateway.publish(make(2), make(2, "message"))
        gateway.remove_route(route)
        assert gateway.plan("office").topics == ()
        assert gateway.state().routes == ()
        await gateway.publish(make(3))
    assert memory.got == ["call-2"]
    assert not memory.lost


async def test_what_was_routed_before_the_removal_arrives_however_much_later_it_is_read(document):
    memory = Memory(shut=True)
    async with jackfield.open_gateway(document | {"routes": [CALLS]}, plugins=[memory]) as gateway:
        await gateway.publish(*(make(number) for number in range(500)))
        gateway.remove_route(gateway.config.routes[0])
        await gateway.publish(make(500))
        again = gateway.add_route(CALLS)
        await gateway.publish(make(501))
        gateway.remove_route(again)
        await gateway.publish(make(502))
        assert memory.got == []
        memory.shut = False
        with trio.fail_after(10):
            while gateway.state().sinks["m"].lag:  # noqa: ASYNC110  # a test looks from outside
                await trio.sleep(0.01)
    assert memory.got == [f"call-{number}" for number in range(502) if number != 500]


async def test_what_an_added_route_leaves_undelivered_at_the_end_is_counted_and_told(document):
    """The next start knows only the configuration's routes."""
    memory = Memory(shut=True)
    async with jackfield.open_gateway(document, plugins=[memory]) as gateway:
        await gateway.publish(make(0))
        gateway.add_route(CALLS)
        await gateway.publish(*(make(number) for number in range(1, 301)), *(make(n, "message") for n in range(50)))
    (told,) = memory.lost
    assert (told.where, told.count) == ("sink m", 300)
    assert "only a route that it was given later" in told.reason
    assert gateway.state().sinks["m"].dropped == 300


async def test_what_a_configured_route_covers_too_waits_for_the_next_start_and_is_no_loss(document):
    document["routes"] = [{"select": ["call.updated"], "sinks": ["m"]}]
    memory, later = Memory(shut=True), Memory()
    async with jackfield.open_gateway(document, plugins=[memory]) as gateway:
        gateway.add_route(CALLS)
        await gateway.publish(*(make(number) for number in range(20)))
    assert not memory.lost
    async with jackfield.open_gateway(document, plugins=[later]) as gateway:
        with trio.fail_after(10):
            while len(later.got) < 20:  # noqa: ASYNC110  # a test looks from outside
                await trio.sleep(0.01)
    assert later.got == [f"call-{number}" for number in range(20)]


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ({"select": ["call.*"], "sinks": ["mm"]}, r"^route\.sinks: no sink 'mm'; did you mean m\?$"),
        ({"select": [], "sinks": ["m"]}, r"^route\.select: must name at least one$"),
        ({"select": ["call.*"], "sink": ["m"]}, r"route\.sink: unknown option; did you mean sinks\?"),
        ({"select": ["call"], "sinks": ["m"]}, r"route\.select.*two words"),
        (jackfield.Route("call.*", ["m", "nowhere"]), r"^route\.sinks: no sink 'nowhere'"),
        (jackfield.Route([], "m"), r"^route\.select: must name at least one$"),
    ],
)
async def test_a_wrong_route_is_refused_with_what_is_wrong_and_changes_nothing(document, route, message):
    async with jackfield.open_gateway(document, plugins=[Memory()]) as gateway:
        with pytest.raises(ConfigError, match=message):
            gateway.add_route(route)
        assert gateway.state().routes == ()


async def test_a_route_of_a_configuration_that_was_made_by_a_program_is_checked_too(document):
    config = jackfield.GatewayConfig((), routes=(jackfield.Route("call.*", "nowhere"),))
    with pytest.raises(ConfigError, match="no sink 'nowhere'; there are: none"):
        async with jackfield.open_gateway(config):
            pytest.fail("must not start")


async def test_a_route_that_is_not_there_cannot_be_removed_and_a_closed_gateway_takes_none(document):
    async with jackfield.open_gateway(document, plugins=[Memory()]) as gateway:
        route = gateway.add_route(jackfield.Route(["call.*"], ["m", "m", "other"]))
        gateway.remove_route(route)
        with pytest.raises(JackfieldError, match=r"there is no route from call\.\* to m, m, other"):
            gateway.remove_route(route)
    with pytest.raises(JackfieldError, match="the gateway is closed"):
        gateway.add_route(CALLS)
