"""`jackfield.blocking`: the gateway in a program without any loop."""

import threading
import time
from datetime import UTC, datetime

import pytest

import jackfield
from jackfield import blocking
from jackfield.errors import ConfigError, JackfieldError, JournalError, ListenerOverflow


def make(number):
    at = datetime.now(UTC)
    address = jackfield.Address("probe", "test", "t", "call", str(number), "updated")
    return jackfield.Event(f"id-{number}", "call.updated", address, at, at, "probe")


@pytest.fixture(autouse=True)
def _nothing_is_left():
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "jackfield"]


def test_events_of_both_vendors_come_in_a_plain_loop(vendors):
    seen = set()
    with (
        blocking.open_gateway({"feeds": vendors.feeds}) as gateway,
        gateway.listen("contact.*", timeout=10) as contacts,
    ):
        for event in contacts:
            seen.add(event.feed)
            if len(seen) == 2:
                break
        assert gateway.plan("office").topics
        assert gateway.state().feeds["office"].topics
    assert gateway.state().feeds["office"].state.value == "disconnected"
    assert gateway.config.feeds[0].name == "office"


def test_a_time_out_is_an_error_with_the_time_and_loses_nothing(vendors):
    with blocking.open_gateway({"feeds": vendors.feeds}) as gateway:
        listener = gateway.listen("probe/**", timeout=0.05)
        with pytest.raises(TimeoutError, match=r"no event for 0\.05 s"):
            next(listener)
        with pytest.raises(TimeoutError, match=r"no event for 0\.01 s"):
            listener.take(timeout=0.01)
        gateway.publish(*(make(number) for number in range(3)), timeout=10)
        assert next(listener).id == "id-0"
        assert [event.id for event in listener.take()] == ["id-1", "id-2"]


def test_a_loop_that_is_slow_meets_the_overflow_policy(vendors):
    with blocking.open_gateway({"feeds": vendors.feeds}) as gateway:
        newest = gateway.listen("probe/**", buffer=2)
        strict = gateway.listen("probe/**", buffer=2, overflow="error")
        gateway.publish(*(make(number) for number in range(5)))
        assert [event.id for event in newest.take()] == ["id-3", "id-4"]
        assert newest.dropped == 3
        with pytest.raises(ListenerOverflow):
            list(strict)
        with pytest.raises(ValueError, match="'wait' is none of"):
            gateway.listen("**", overflow="wait")


def test_a_loop_ends_with_the_gateway_and_what_waited_is_read_first(vendors):
    with blocking.open_gateway({"feeds": vendors.feeds}) as gateway:
        listener = gateway.listen("probe/**")
        gateway.publish(make(1))
    assert [event.id for event in listener] == ["id-1"]
    with pytest.raises(JackfieldError, match="the gateway is closed"):
        gateway.listen("**")
    with pytest.raises(JournalError, match="the gateway is closed"):
        gateway.publish(make(2))


def test_committed_events_come_with_their_positions(vendors):
    with blocking.open_gateway({"feeds": vendors.feeds}) as gateway:
        committed = gateway.listen("probe/**", timeout=10, committed=True)
        gateway.publish(make(1), make(2))
    first, second = committed
    assert (first.event.id, second.event.id, second.position) == ("id-1", "id-2", first.position + 1)


def test_errors_are_single(vendors):
    with pytest.raises(ConfigError), blocking.open_gateway({"feeds": {"a": {}}}):
        pytest.fail("must not start")
    with pytest.raises(ZeroDivisionError), blocking.open_gateway({"feeds": vendors.feeds}):
        _ = 1 / 0
    with blocking.open_gateway({"feeds": vendors.feeds}) as gateway:
        with pytest.raises(ConfigError, match="no sink 'crm'"):
            gateway.add_route({"select": ["**"], "sinks": ["crm"]})
        with pytest.raises(JackfieldError, match="there is no route"):
            gateway.remove_route(jackfield.Route("**", "crm"))


def test_two_gateways_run_beside_each_other(vendors):
    office, support = ({"feeds": {name: feed}} for name, feed in vendors.feeds.items())
    with blocking.open_gateway(office) as first, blocking.open_gateway(support) as second:
        assert next(first.listen("contact.*", timeout=10)).feed == "office"
        assert next(second.listen("contact.*", timeout=10)).feed == "support"


def test_a_loop_that_is_left_without_closing_its_listener_leaves_none_behind(vendors):
    with blocking.open_gateway({"feeds": vendors.feeds}) as gateway:
        for _ in gateway.listen("contact.*", timeout=10):
            break
        deadline = time.monotonic() + 10
        while gateway.plan("support").entries:
            assert time.monotonic() < deadline
        assert gateway.state().listeners == ()


def test_what_has_crossed_can_be_taken_without_waiting(vendors):
    with blocking.open_gateway({"feeds": vendors.feeds}) as gateway, gateway.listen("probe/**") as listener:
        assert listener.take_nowait() == []
        gateway.publish(make(1), make(2))
        assert next(listener).id == "id-1"
        assert [event.id for event in listener.take_nowait()] == ["id-2"]
        assert listener.take_nowait() == []


def test_listening_to_nothing_is_an_error(vendors):
    with blocking.open_gateway({"feeds": vendors.feeds}) as gateway, pytest.raises(ValueError, match="no selector"):
        gateway.listen()


def test_the_state_and_its_changes_come_to_a_plain_loop(vendors):
    with blocking.open_gateway({"feeds": vendors.feeds}) as gateway:
        with gateway.watch("feed", "agent", timeout=10) as watch:
            assert set(watch.snapshot.feeds) == set(vendors.feeds)
            for changes in watch:
                assert {each.entity for each in changes.changes} <= {"feed", "agent"}
                break
            with pytest.raises(TimeoutError):
                while True:
                    watch.take(timeout=0)
        assert set(gateway.snapshot(timeout=10).feeds) == set(vendors.feeds)
    with pytest.raises(JackfieldError, match="closed"):
        gateway.snapshot()
