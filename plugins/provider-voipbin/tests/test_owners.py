"""`jackfield_voipbin.owners`: whose event it is where no topic says so."""

from datetime import UTC, datetime

import pytest

from jackfield.addresses import Address, AddressPattern
from jackfield.events import Event
from jackfield_voipbin.owners import resolve_address

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("held", "owner", "scope"),
    [
        (["voipbin/agent/a1/call/**"], "a1", "agent/a1"),
        (["voipbin/agent/a1/**"], "a1", "agent/a1"),
        (["voipbin/agent/a1/call/**", "voipbin/agent/a2/call/**"], "a2", "agent/a2"),
        (["voipbin/agent/a1/call/**", "voipbin/agent/a2/call/**"], "a3", "customer/C"),
        (["voipbin/agent/a1/call/**"], "a3", "agent/a1"),
        (["voipbin/agent/a1/queue/**"], "a1", "customer/C"),
        (["voipbin/agent/a1/call/**", "voipbin/customer/C/call/**"], "a1", "customer/C"),
        (["voipbin/agent/a1/call/**", "voipbin/customer/C/queue/**"], "a1", "agent/a1"),
        (["voipbin/customer/C/**"], "a1", "customer/C"),
        ([], "a1", "customer/C"),
    ],
)
def test_an_event_is_the_agents_if_only_the_agents_topics_can_have_brought_it(held, owner, scope):
    address = Address.parse("voipbin/customer/C/call/1/hangup")
    event = Event("i", "call.cleared", address, AT, AT, "office", data={"owner_id": owner})
    found = resolve_address(event, [AddressPattern.parse(each) for each in held])
    assert str(found) == f"voipbin/{scope}/call/1/hangup"


def test_a_topic_of_its_own_says_it():
    address = Address.parse("voipbin/customer/C/call/1/hangup")
    event = Event("i", "call.cleared", address, AT, AT, "office", native_topic="customer_id:C:call:1", data=None)
    assert resolve_address(event, [AddressPattern.parse("voipbin/agent/a1/**")]) == address
