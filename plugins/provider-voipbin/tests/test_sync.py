"""`jackfield_voipbin.sync`: what VoIPBIN lists of the state, in neutral words."""

from datetime import UTC, datetime, timedelta

import pytest

from jackfield.errors import RestError
from jackfield.plugin.http import Response
from jackfield.plugin.secrets import Secret
from jackfield_voipbin import Voipbin
from jackfield_voipbin.simulator import CUSTOMER, VoipbinSimulator


def synced(answer):
    """What the provider makes of the lists."""
    flow = Voipbin(token=Secret("text", "t"), customer_id=CUSTOMER).sync()
    try:
        request = next(flow)
        while True:
            request = flow.send(answer(request))
    except StopIteration as done:
        return done.value


def day(events):
    simulator = VoipbinSimulator("t", profile="head")
    moments = (datetime.now(UTC) + timedelta(seconds=number) for number in range(10_000))
    for _, _event in zip(range(events), simulator.events(lambda: next(moments)), strict=False):
        pass
    return simulator


def test_calls_contacts_and_agents_are_listed_in_neutral_words():
    sync = synced(day(90).answer)
    assert {"agent", "call", "contact"} <= sync.complete
    kinds = {each.kind for each in sync.listed}
    assert kinds & {"agent.ready", "agent.busy", "agent.reserved", "agent.not_ready"}
    assert not kinds & {"call.cleared", "call.failed", "contact.ended", ""}
    calls = [each for each in sync.listed if each.kind.startswith("call.")]
    assert calls
    assert all(each.parties.caller and each.since is not None and each.correlation == each.id for each in calls)


def test_what_the_token_may_not_read_is_unknown():
    simulator = day(90)
    sync = synced(lambda request: Response(403) if "/agents" in request.url else simulator.answer(request))
    assert "agent" not in sync.complete
    assert "call" in sync.complete


@pytest.mark.parametrize("status", [401, 403, 500])
def test_where_nothing_may_be_read_it_says_so(status):
    with pytest.raises(RestError):
        synced(lambda request: Response(status))


def test_odd_resources_are_left_out():
    odd = [{"id": 3}, {"id": "x", "status": 7}, {"id": "y", "status": "unheard_of"}, {"status": "ringing"}]
    body = b'{"result": ' + str(odd).replace("'", '"').encode() + b', "next_page_token": ""}'
    assert [
        each for each in synced(lambda request: Response(200, {}, body)).listed if each.kind != "queue.updated"
    ] == []
